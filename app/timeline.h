// `hinomi timeline`: what the agent has noticed on this node, in the order of time. Reads the files
// of events, so it works while the agent runs and when everything else is dead; never writes.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/filesystem.h"

namespace hinomi {

struct TimelineOptions {
  std::string directory = {};  // of the events
  // Patterns with * and ?; empty matches everything.
  std::string namespace_pattern = {};
  std::string pod_pattern = {};
  std::optional<Duration> since = {};  // Unix time; from here on
  bool json = false;                   // one object a line: time, namespace, pod, container, event
};

/// Writes the events to `out`, oldest first; what is wrong with single files goes to `errors`.
/// False when something could not be read. SIGPIPE must be ignored.
bool Timeline(const TimelineOptions& options, FileSystem& files, std::FILE* out, std::FILE* errors);

}  // namespace hinomi
