// How far containers are behind, for Prometheus. Rows come and go with what waits, and at most
// `containers_max` have one: made at a scrape, of the logs that have something unsettled.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>

#include "base/clock.h"
#include "base/metrics.h"
#include "metadata/pod_info.h"

namespace hinomi {

class LagRows {
 public:
  LagRows(Metrics& metrics, size_t containers_max);

  /// A log of the container waits with `bytes`, the oldest of them for `oldest`. `pod` lives until
  /// Show.
  void Add(const PodInfo& pod, uint64_t bytes, Duration oldest);
  /// What was added since the last time is what /metrics tells from now on: containers that have
  /// waited for ten seconds. Beyond the limit those that wait longest have a row, the others one in
  /// common.
  void Show();

 private:
  struct Lag {
    uint64_t bytes = 0;
    Duration oldest{0};
  };
  using Container = std::tuple<std::string_view, std::string_view, std::string_view>;

  Metrics& metrics_;
  const size_t containers_max_;
  std::map<Container, Lag> lags_;
  Gauge lagging_;
};

}  // namespace hinomi
