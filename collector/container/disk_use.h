// What containers take of the node's disks: their writable layers, as the runtime knows them, and
// their logs. Neither can be read from a cgroup, and both take long; so they are looked at once a
// minute, and a scrape serves what was found last.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "collector/host.h"
#include "collector/metric.h"
#include "metadata/layer_source.h"

namespace hinomi {

inline constexpr std::string_view kDiskUseGroup = "filesystem";

/// container_fs_usage_bytes, container_fs_limit_bytes, and the size of logs, in this order.
std::span<const MetricInfo> DiskUseMetrics();

class DiskUse {
 public:
  struct Layer {
    uint64_t bytes = 0;
    uint64_t capacity = 0;  // of the file system that holds it; zero: not known
    uint32_t major = 0, minor = 0;
  };
  struct Log {
    std::string namespace_name, pod, uid, container;
    uint64_t bytes = 0;  // of all its files, older ones too
  };
  struct Found {
    std::unordered_map<std::string, Layer> layers;  // by the container's id
    std::vector<Log> logs;
  };

  /// `layers` may be null. `pods_dir` is the node's. Metrics:
  /// hinomi_writable_layers_errors_total.
  DiskUse(const Host& host, std::string pods_dir, std::unique_ptr<LayerSource> layers,
          Metrics& metrics);

  /// Looks every minute, until stopped; a thread's own.
  void Run(const std::stop_token& stop);
  /// Looks once; the thread of Run.
  void Look(const std::stop_token& stop);
  /// What was found last; nothing of layers whose runtime did not answer. Any thread.
  std::shared_ptr<const Found> Last() const;

 private:
  void LookAtLayers(const std::stop_token& stop, Found* found);
  void LookAtLogs(Found* found) const;

  const Host& host_;
  const std::string pods_dir_;
  const std::unique_ptr<LayerSource> layers_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Found> last_ = std::make_shared<const Found>();
  bool failed_ = false;
  Counter errors_;
};

}  // namespace hinomi
