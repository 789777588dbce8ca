// Open descriptors and sockets of containers. No cgroup counts them: the kernel is asked for each
// process, and for each descriptor what it is, so they have to be asked for.
// Source: /proc/PID/fd, Linux, fs/proc/fd.c.
#pragma once

#include <optional>
#include <span>

#include "collector/collector.h"
#include "collector/container/container_rows.h"

namespace hinomi {

inline constexpr std::string_view kDescriptorGroup = "descriptors";
std::span<const MetricInfo> DescriptorMetrics();

struct DescriptorCounts {
  uint64_t descriptors = 0;
  uint64_t sockets = 0;  // of those
};
/// Of these processes together; nothing when none of them can be looked at.
std::optional<DescriptorCounts> CountDescriptors(const Host& host,
                                                 std::span<const uint32_t> processes);

class Descriptors final : public Collector {
 public:
  /// Of a container, so many processes are looked at.
  static constexpr size_t kProcessesMax = 500;

  /// `rows`: that Containers has read for the same scrape.
  Descriptors(const Host& host, ContainerRows& rows) : host_(host), rows_(rows) {}

  Result<void> Collect(Exposition& out) override;

 private:
  const Host& host_;
  ContainerRows& rows_;
};

}  // namespace hinomi
