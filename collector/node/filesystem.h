// How full the node's file systems are.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kMountinfoFile = "/proc/1/mountinfo";

inline constexpr MetricInfo kFilesystemMetrics[] = {
    {"node_filesystem_size_bytes", MetricType::kGauge, "bytes", "device, fstype, mountpoint",
     "statfs(2)", "Size of a file system."},
    {"node_filesystem_free_bytes", MetricType::kGauge, "bytes", "device, fstype, mountpoint",
     "statfs(2)", "Free space of a file system."},
    {"node_filesystem_avail_bytes", MetricType::kGauge, "bytes", "device, fstype, mountpoint",
     "statfs(2)", "Free space of a file system that others than root may use."},
    {"node_filesystem_files", MetricType::kGauge, "", "device, fstype, mountpoint", "statfs(2)",
     "Inodes of a file system."},
    {"node_filesystem_files_free", MetricType::kGauge, "", "device, fstype, mountpoint",
     "statfs(2)", "Free inodes of a file system."},
    {"node_filesystem_readonly", MetricType::kGauge, "", "device, fstype, mountpoint",
     kMountinfoFile, "Whether a file system is mounted read-only."},
    {"node_filesystem_device_error", MetricType::kGauge, "", "device, fstype, mountpoint",
     "statfs(2)", "Whether a file system could not be asked, or has not answered in time."},
};

struct Mount {
  uint64_t id = 0;
  std::string device, type;
  std::string mount_point;
  bool read_only = false;
  bool operator==(const Mount&) const = default;
};

/// Of the text of a mountinfo file; of several mounts at one place the last, which hides the
/// others. The device is as the kernel has it, with its escapes, as node_exporter gives it. Error:
/// corrupt.
Result<std::vector<Mount>> ParseMountinfo(std::string_view text);

std::unique_ptr<Collector> MakeFilesystem(const CollectorParts& parts);

}  // namespace hinomi
