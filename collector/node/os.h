// The node's operating system.
#pragma once

#include "collector/node/table.h"

namespace hinomi {

inline constexpr MetricInfo kOsMetrics[] = {
    {"node_os_info", MetricType::kGauge, "",
     "build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, "
     "version, version_codename, version_id",
     "/etc/os-release", "Always 1; its labels name the operating system."},
    {"node_os_version", MetricType::kGauge, "", "id, id_like, name", "/etc/os-release",
     "Major and minor version of the operating system, as a number."},
};

struct OsField {
  std::string key, value;
  bool operator==(const OsField&) const = default;
};

/// Assignments as a shell reads them, without expansion; comments and empty lines are left out.
/// Error: corrupt.
Result<std::vector<OsField>> ParseOsRelease(std::string_view text);

/// The number that a version such as "22.04.1 LTS" begins with: 22.04. Nothing if it does not.
std::optional<double> ParseOsVersion(std::string_view version);

std::unique_ptr<Collector> MakeOs(const CollectorParts& parts);

}  // namespace hinomi
