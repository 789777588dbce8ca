// Notices that there is another configuration, and says what of it can take effect now. Knows
// nothing of what runs by it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file_stamps.h"
#include "base/metrics.h"
#include "config/load.h"

namespace hinomi {

/// The parts of a configuration that want a new process to take effect, of those which differ.
std::vector<std::string> KeptUntilRestart(const Config& running, const Config& next);

class Reloader {
 public:
  struct Parts {
    FileSystem& files;
    Metrics& metrics;
    std::function<Loaded()> load;
  };

  /// `path` of the file; empty: there is none, and only Read finds something new. Metrics:
  /// hinomi_config_reload_failed, hinomi_config_reload_total{result}.
  Reloader(Config running, const std::string& path, Parts parts);

  /// Whether the file has changed, and has not in the time since the call before: who writes it may
  /// not be done. To be called about once a second, by one thread.
  bool Changed();
  /// The configuration that is to take effect, read anew. None where it is wrong, which is logged,
  /// or where it changes nothing that can.
  std::optional<Config> Read();
  /// What Read gave has taken effect.
  void Applied() { applied_.Add(); }

 private:
  Config running_;
  const Parts parts_;
  FileStamps stamps_;
  bool changing_ = false;
  Gauge failed_;
  Counter applied_, unchanged_, refused_;
};

}  // namespace hinomi
