// Loads saved objects (searches, dashboards) into Kibana or OpenSearch Dashboards, by the one
// request that both understand: POST /api/saved_objects/_import.
#pragma once

#include <chrono>
#include <string>

#include "base/filesystem.h"
#include "base/result.h"

namespace hinomi {

struct KibanaOptions {
  std::string url;   // with the path below which it is served, if there is one
  std::string file;  // NDJSON, as both export it
  std::string username;
  std::string password_file;
  std::string api_key_file;
  std::string ca_file;  // PEM; empty: the system's
  /// How long to go on asking while nobody answers, or only to say that it is not ready.
  std::chrono::seconds wait{0};
  std::chrono::milliseconds pause{5000};  // between two such questions
};

/// Replaces the objects that are there already; how many were loaded. Errors: io (a file),
/// transient (no answer within `wait`), permanent (refused, with the server's reason). Sleeps. The
/// process must ignore SIGPIPE.
Result<uint64_t> LoadSavedObjects(const KibanaOptions& options, FileSystem& files);

}  // namespace hinomi
