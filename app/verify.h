// `hinomi cat --verify`: whether the files of an archive are what its manifests say they are. Never
// writes.
#pragma once

#include <cstdio>

#include "app/cat.h"
#include "base/clock.h"
#include "base/filesystem.h"

namespace hinomi {

struct VerifyEnvironment {
  FileSystem& files;
  const Clock& clock;
  std::FILE* out;       // problems, one a line, and a summary
  std::FILE* progress;  // every five seconds
};

/// Reads the files that the options' patterns and hours select: all bytes of the finished ones, for
/// their sums, and what is whole of those that are still written. A line begins with what is wrong:
/// missing, truncated, changed, extra or unreadable. False when anything is, or when it is no
/// archive. An agent may write to it meanwhile.
bool Verify(const CatOptions& options, const VerifyEnvironment& environment);

}  // namespace hinomi
