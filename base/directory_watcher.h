// Tells when names in directories change, and when files in them are written to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace hinomi {

struct WatchEvent {
  enum class Kind {
    kNames,     // an entry appeared, vanished or was renamed
    kModified,  // the file `name` was written to
    kGone,      // the directory itself is no longer there; its watch has ended
    kOverflow,  // events were lost: look at everything again
  };
  Kind kind = Kind::kNames;
  int watch = -1;
  std::string name;
};

/// One thread uses it; only Interrupt may be called from others.
class DirectoryWatcher {
 public:
  virtual ~DirectoryWatcher() = default;
  /// Watches a directory, not those below it. The same path again gives the same watch. Errors: io;
  /// running out of watches is one, and the caller then looks by itself from time to time.
  virtual Result<int> Add(const std::string& path) = 0;
  virtual void Remove(int watch) = 0;
  /// Waits up to `timeout` for something and appends all that is there to `events`.
  virtual void Wait(Duration timeout, std::vector<WatchEvent>* events) = 0;
  /// Makes a Wait that is going on, or the next one, return at once.
  virtual void Interrupt() = 0;
};

/// inotify(7). Error io when the kernel gives no instance (fs.inotify.max_user_instances).
Result<std::unique_ptr<DirectoryWatcher>> MakeInotifyWatcher();

}  // namespace hinomi
