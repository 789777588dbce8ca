// How many files are open on the node.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kFilefdMetrics[] = {
    {"node_filefd_allocated", MetricType::kGauge, "", "", "/proc/sys/fs/file-nr", "Open files."},
    {"node_filefd_maximum", MetricType::kGauge, "", "", "/proc/sys/fs/file-nr",
     "How many files may be open."},
};

struct FileDescriptors {
  uint64_t allocated = 0, maximum = 0;
  bool operator==(const FileDescriptors&) const = default;
};

/// Of the text of /proc/sys/fs/file-nr. Error: corrupt.
Result<FileDescriptors> ParseFileNr(std::string_view text);

std::unique_ptr<Collector> MakeFilefd(const CollectorParts& parts);

}  // namespace hinomi
