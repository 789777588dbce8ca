#include "collector/container/volumes.h"

#include <cmath>
#include <limits>

#include "base/json_walk.h"

namespace hinomi {
namespace {

constexpr std::string_view kLabels = "namespace, persistentvolumeclaim";

constexpr MetricInfo kMetrics[] = {
    {"kubelet_volume_stats_capacity_bytes", MetricType::kGauge, "bytes", kLabels, "capacityBytes",
     "Size of the volume."},
    {"kubelet_volume_stats_available_bytes", MetricType::kGauge, "bytes", kLabels, "availableBytes",
     "What is free on it."},
    {"kubelet_volume_stats_used_bytes", MetricType::kGauge, "bytes", kLabels, "usedBytes",
     "What is used on it."},
    {"kubelet_volume_stats_inodes", MetricType::kGauge, "", kLabels, "inodes",
     "Files and directories that it can hold."},
    {"kubelet_volume_stats_inodes_free", MetricType::kGauge, "", kLabels, "inodesFree",
     "Those that it can hold beside what it holds."},
    {"kubelet_volume_stats_inodes_used", MetricType::kGauge, "", kLabels, "inodesUsed",
     "Those that it holds."},
};

class Visitor final : public JsonVisitor {
 public:
  void BeginArray(const JsonPath& path) override { has_pods_ = has_pods_ || path.Is({"pods"}); }
  void Number(const JsonPath& path, double value) override {
    if (!path.IsIn({"pods", "", "volume", ""})) return;
    for (size_t i = 0; i < std::size(kMetrics); ++i) {
      if (path.last() == kMetrics[i].source) numbers_[i] = value;
    }
  }
  void Text(const JsonPath& path, std::string_view value) override {
    if (path.Is({"pods", "", "volume", "", "pvcRef", "namespace"})) claim_.first = value;
    if (path.Is({"pods", "", "volume", "", "pvcRef", "name"})) claim_.second = value;
  }
  void EndObject(const JsonPath& path) override {
    if (!path.Is({"pods", "", "volume", ""})) return;
    // Several pods may have mounted it.
    if (!claim_.second.empty()) stats_[std::move(claim_)] = numbers_;
    claim_ = {};
    numbers_.fill(std::numeric_limits<double>::quiet_NaN());
  }

  bool has_pods() const { return has_pods_; }
  VolumeStats stats() && { return std::move(stats_); }

 private:
  bool has_pods_ = false;
  VolumeStats stats_;
  VolumeStats::key_type claim_;
  VolumeStats::mapped_type numbers_ = [] {
    VolumeStats::mapped_type none;
    none.fill(std::numeric_limits<double>::quiet_NaN());
    return none;
  }();
};

}  // namespace

std::span<const MetricInfo> VolumeMetrics() { return kMetrics; }

Result<VolumeStats> ParseVolumeStats(std::string_view json) {
  Visitor visitor;
  const Result<void> walked = WalkJson(json, visitor);
  if (!walked) return walked.error();
  if (!visitor.has_pods()) return Error{ErrorKind::kCorrupt, "it is no summary of pods"};
  return std::move(visitor).stats();
}

Result<void> Volumes::Collect(Exposition& out) {
  const Result<std::string> body = kubelet_.Get("/stats/summary", "nodes/stats", {});
  if (!body) return body.error();
  const Result<VolumeStats> stats = ParseVolumeStats(*body);
  if (!stats) {
    return Error{ErrorKind::kCorrupt, "cannot read the summary of \"" + kubelet_.origin() +
                                          "\": " + stats.error().message};
  }
  for (size_t i = 0; i < std::size(kMetrics); ++i) {
    if (!out.Begin(kMetrics[i])) continue;
    for (const auto& [claim, numbers] : *stats) {
      if (std::isnan(numbers[i])) continue;
      out.Row({{"namespace", claim.first}, {"persistentvolumeclaim", claim.second}}, numbers[i]);
    }
  }
  return {};
}

}  // namespace hinomi
