// What a name on the metrics endpoints means. Collectors keep a table of these beside their code;
// it is what they serve from, what operators switch names by, and what docs/metrics.md is made of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hinomi {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram, kSummary, kUntyped };
std::string_view ToString(MetricType type);

struct MetricInfo {
  std::string_view name;  // a * stands for a part that the kernel names, as in node_vmstat_*
  MetricType type = MetricType::kGauge;
  std::string_view unit;    // "seconds", "bytes"; empty for a count
  std::string_view labels;  // beside those that all rows of its group have: "cpu, mode"
  std::string_view source;  // the kernel's file, or who else says it
  std::string_view help;    // one sentence
  bool by_default = true;
};

/// Names that are switched together.
struct MetricGroup {
  std::string_view name;
  std::span<const MetricInfo> metrics;
};

}  // namespace hinomi
