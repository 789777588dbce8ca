// The routes by index. A name keeps its index as long as the process runs, whatever becomes of the
// configuration: what is on its way for a route, and its account, are known by it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "metadata/pod_info.h"
#include "shipper/batch.h"

namespace hinomi {

/// A route that a log takes.
struct TakenRoute {
  uint32_t route = 0;
  Levels levels;
};

class RouteTable {
 public:
  RouteTable() = default;
  /// Each has its place as index.
  explicit RouteTable(const std::vector<RouteConfig>& configured) { Configure(configured); }

  /// From now on these are configured; new names get new indices.
  void Configure(const std::vector<RouteConfig>& configured);
  /// The index of a route that is or was configured; one that nobody knows is added as removed.
  uint32_t IndexOf(const std::string& name);

  size_t size() const { return by_index_.size(); }
  /// Of one that is removed only the name counts.
  const RouteConfig& operator[](uint32_t index) const { return by_index_[index]; }
  bool removed(uint32_t index) const { return by_index_[index].sink.empty(); }
  /// One that is removed has no sink.
  const std::vector<RouteConfig>& by_index() const { return by_index_; }

  /// Those that take what a container has written, or the agent's own `events` about it, in the
  /// order of the configuration.
  std::vector<TakenRoute> Taking(const PodInfo& pod, bool events) const;

 private:
  std::vector<RouteConfig> by_index_;
  std::vector<RouteConfig> configured_;
  std::vector<uint32_t> index_of_configured_;
};

}  // namespace hinomi
