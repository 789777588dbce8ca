// `hinomi cat`: prints the records of an archive. Reads what the archive sink writes and any other
// zstd data under such names; never writes.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/filesystem.h"
#include "base/result.h"

namespace hinomi {

struct CatOptions {
  std::string directory;
  // Patterns with * and ?; empty matches everything.
  std::string namespace_pattern;
  std::string pod_pattern;
  std::string container_pattern;
  std::optional<Duration> since;  // Unix time of records: from here on
  std::optional<Duration> until;  // and before this
  std::string text;               // records that hold it; empty: all
};

/// A time as an operator writes it: 2026-11-21, 2026-11-21T07:30, …T07:30:15, with Z, an offset or
/// neither (UTC), or a duration such as 90m, which is that long before `now`. Errors: config.
Result<Duration> ParseCatTime(const std::string& text, Duration now);

/// Writes the records to `out`, by namespace, pod, container and hour, in the order in which they
/// were written; what is wrong with single files goes to `errors`. False when something could not
/// be read. It ends early, and well, when nobody reads `out` any more (SIGPIPE must be ignored).
bool Cat(const CatOptions& options, FileSystem& files, std::FILE* out, std::FILE* errors);

}  // namespace hinomi
