// Which names are served: those of the default set and those that the operator includes, without
// those that he excludes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "base/result.h"
#include "collector/metric.h"

namespace hinomi {

class MetricFilter {
 public:
  /// Regular expressions (RE2) that have to match the whole name of a metric or of a group. Error:
  /// config.
  static Result<MetricFilter> Make(const std::vector<std::string>& include,
                                   const std::vector<std::string>& exclude);

  /// Whether `name`, which is the metric's or fills the * in it, is served. Any thread.
  bool Serves(std::string_view group, const MetricInfo& metric, std::string_view name) const;
  /// Whether any name that `metric` may stand for can be served.
  bool MayServe(std::string_view group, const MetricInfo& metric) const;

 private:
  MetricFilter() = default;

  std::vector<Pattern> include_, exclude_;
};

}  // namespace hinomi
