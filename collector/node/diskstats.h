// What the node's disks have done.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr std::string_view kDiskstatsFile = "/proc/diskstats";

inline constexpr MetricInfo kDiskstatsMetrics[] = {
    {"node_disk_reads_completed_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Reads that ended well."},
    {"node_disk_reads_merged_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Reads that were merged with others."},
    {"node_disk_read_bytes_total", MetricType::kCounter, "bytes", "device", kDiskstatsFile,
     "Bytes that were read."},
    {"node_disk_read_time_seconds_total", MetricType::kCounter, "seconds", "device", kDiskstatsFile,
     "Time that all reads together took."},
    {"node_disk_writes_completed_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Writes that ended well."},
    {"node_disk_writes_merged_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Writes that were merged with others."},
    {"node_disk_written_bytes_total", MetricType::kCounter, "bytes", "device", kDiskstatsFile,
     "Bytes that were written."},
    {"node_disk_write_time_seconds_total", MetricType::kCounter, "seconds", "device",
     kDiskstatsFile, "Time that all writes together took."},
    {"node_disk_io_now", MetricType::kGauge, "", "device", kDiskstatsFile,
     "Requests that are under way."},
    {"node_disk_io_time_seconds_total", MetricType::kCounter, "seconds", "device", kDiskstatsFile,
     "Time in which any request was under way."},
    {"node_disk_io_time_weighted_seconds_total", MetricType::kCounter, "seconds", "device",
     kDiskstatsFile, "Time that all requests together took."},
    {"node_disk_discards_completed_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Discards that ended well."},
    {"node_disk_discards_merged_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Discards that were merged with others."},
    {"node_disk_discarded_sectors_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Sectors that were discarded."},
    {"node_disk_discard_time_seconds_total", MetricType::kCounter, "seconds", "device",
     kDiskstatsFile, "Time that all discards together took."},
    {"node_disk_flush_requests_total", MetricType::kCounter, "", "device", kDiskstatsFile,
     "Flushes that ended well."},
    {"node_disk_flush_requests_time_seconds_total", MetricType::kCounter, "seconds", "device",
     kDiskstatsFile, "Time that all flushes together took."},
};

/// A row per device, its columns as the metrics; older kernels have fewer. Error: corrupt.
Result<Table> ParseDiskstats(std::string_view text);

std::unique_ptr<Collector> MakeDiskstats(const CollectorParts& parts);

}  // namespace hinomi
