// inotify(7) over the simulated disk: watches are of directories, events queue up, too many of them
// become one that says so, and there may be too few watches.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/directory_watcher.h"
#include "tests/simulation/simulated_disk.h"

namespace hinomi::simulation {

class SimulatedWatcher final : public DirectoryWatcher {
 public:
  struct Limits {
    size_t watches_max = SIZE_MAX;
    size_t events_max = SIZE_MAX;
  };
  SimulatedWatcher(SimulatedDisk& disk, Limits limits) : disk_(disk), limits_(limits) {}

  Result<int> Add(const std::string& path) override;
  void Remove(int watch) override;
  void Wait(Duration timeout, std::vector<WatchEvent>* events) override;
  void Interrupt() override {}

  /// To be told of all that happens to the disk.
  void On(const DiskEvent& event);

 private:
  void Queue(WatchEvent event);

  SimulatedDisk& disk_;
  const Limits limits_;
  std::map<std::string, int> watches_;  // by path
  std::vector<WatchEvent> events_;
  int next_watch_ = 1;
};

}  // namespace hinomi::simulation
