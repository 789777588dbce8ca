// /metrics/volumes: how full the volumes of pods are. The one thing here that the kubelet is asked
// for, since it alone knows which claim is mounted where; off unless the configuration asks for it.
// Source: the kubelet's /stats/summary, k8s.io/kubelet/pkg/apis/stats/v1alpha1.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "collector/collector.h"
#include "metadata/kubelet_client.h"

namespace hinomi {

std::span<const MetricInfo> VolumeMetrics();

/// Of each claim, by namespace and name: its numbers in the order of VolumeMetrics; NaN where the
/// kubelet does not know one. Errors: corrupt.
using VolumeStats = std::map<std::pair<std::string, std::string>, std::array<double, 6>>;
Result<VolumeStats> ParseVolumeStats(std::string_view json);

class Volumes final : public Collector {
 public:
  Volumes(const KubeletConfig& kubelet, FileSystem& files) : kubelet_(kubelet, files) {}

  /// Waits for the kubelet, for KubeletClient::kTimeout at most.
  Result<void> Collect(Exposition& out) override;

 private:
  KubeletClient kubelet_;
};

}  // namespace hinomi
