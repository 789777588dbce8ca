#include "collector/container/disk_use.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <condition_variable>
#include <optional>
#include <utility>

#include "base/logging.h"
#include "metadata/pod_path.h"

namespace hinomi {
namespace {

constexpr std::chrono::minutes kEvery{1};

constexpr MetricInfo kMetrics[] = {
    {"container_fs_usage_bytes", MetricType::kGauge, "bytes", "device",
     "writable_layer of the runtime's ListContainerStats",
     "What it has written over its image; a minute old at most.", false},
    {"container_fs_limit_bytes", MetricType::kGauge, "bytes", "device", "statvfs(2)",
     "Size of the file system that holds that.", false},
    {"kubelet_container_log_filesystem_used_bytes", MetricType::kGauge, "bytes",
     "uid, namespace, pod, container (alone)", "stat(2)",
     "Size of its logs, rotated ones included; a minute old at most.", false},
};

}  // namespace

std::span<const MetricInfo> DiskUseMetrics() { return kMetrics; }

DiskUse::DiskUse(const Host& host, std::string pods_dir, std::unique_ptr<LayerSource> layers,
                 Metrics& metrics)
    : host_(host), pods_dir_(std::move(pods_dir)), layers_(std::move(layers)) {
  errors_ = metrics.CounterOf("hinomi_writable_layers_errors_total",
                              "Times that the runtime did not say what containers have written.");
}

void DiskUse::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    Look(stop);
    wake.wait_for(lock, stop, kEvery, [] { return false; });
  }
}

void DiskUse::Look(const std::stop_token& stop) {
  auto found = std::make_shared<Found>();
  if (layers_ != nullptr) LookAtLayers(stop, found.get());
  LookAtLogs(found.get());
  const std::lock_guard lock(mutex_);
  last_ = std::move(found);
}

std::shared_ptr<const DiskUse::Found> DiskUse::Last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void DiskUse::LookAtLayers(const std::stop_token& stop, Found* found) {
  const Result<std::vector<WritableLayer>> layers = layers_->Layers(stop);
  if (stop.stop_requested()) return;
  if (!layers) {
    errors_.Add();
    if (!std::exchange(failed_, true)) {
      log::Warn("{}; container_fs_usage_bytes has no rows until it answers",
                layers.error().message);
    }
    return;
  }
  failed_ = false;
  std::unordered_map<std::string, Layer> mounts;  // without bytes
  for (const WritableLayer& layer : *layers) {
    const auto [mount, first] = mounts.try_emplace(layer.mount_point);
    const std::string path = host_.PathOf(layer.mount_point);
    struct stat status;
    struct statvfs space;
    if (first && !layer.mount_point.empty() && stat(path.c_str(), &status) == 0 &&
        statvfs(path.c_str(), &space) == 0) {
      mount->second = {0, space.f_blocks * space.f_frsize, major(status.st_dev),
                       minor(status.st_dev)};
    }
    Layer& of_container = found->layers[layer.container_id];
    of_container = mount->second;
    of_container.bytes = layer.bytes;
  }
}

void DiskUse::LookAtLogs(Found* found) const {
  const auto names = [&](const std::string& path) {
    Result<std::vector<std::string>> list = host_.List(path);
    return list ? *std::move(list) : std::vector<std::string>();
  };
  for (const std::string& name : names(pods_dir_)) {
    const std::optional<PodInfo> pod = ParsePodDirectory(name);
    if (!pod) continue;
    const std::string of_pod = pods_dir_ + "/" + name;
    for (const std::string& container : names(of_pod)) {
      const std::string directory = of_pod + "/" + container;
      uint64_t bytes = 0;
      bool any = false;
      for (const std::string& file : names(directory)) {
        struct stat status;
        const std::string path = host_.PathOf(directory + "/" + file);
        // A link leads to where docker has the log; that is not the kubelet's to count.
        if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        any = true;
        bytes += static_cast<uint64_t>(status.st_size);
      }
      if (any) {
        found->logs.push_back({pod->namespace_name, pod->pod_name, pod->pod_uid, container, bytes});
      }
    }
  }
}

}  // namespace hinomi
