#include "collector/metric_filter.h"

#include <algorithm>

namespace hinomi {
namespace {

Result<std::vector<Pattern>> Compile(const std::vector<std::string>& expressions) {
  std::vector<Pattern> patterns;
  for (const std::string& expression : expressions) {
    Result<Pattern> pattern = Pattern::Compile("^(?:" + expression + ")$");
    if (!pattern) return pattern.error();
    patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

bool AnyMatches(const std::vector<Pattern>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const Pattern& pattern) { return pattern.Matches(text); });
}

}  // namespace

Result<MetricFilter> MetricFilter::Make(const std::vector<std::string>& include,
                                        const std::vector<std::string>& exclude) {
  MetricFilter filter;
  Result<std::vector<Pattern>> included = Compile(include);
  if (!included) return included.error();
  Result<std::vector<Pattern>> excluded = Compile(exclude);
  if (!excluded) return excluded.error();
  filter.include_ = std::move(*included);
  filter.exclude_ = std::move(*excluded);
  return filter;
}

bool MetricFilter::Serves(std::string_view group, const MetricInfo& metric,
                          std::string_view name) const {
  const auto matches = [&](const std::vector<Pattern>& patterns) {
    return !patterns.empty() && (AnyMatches(patterns, name) || AnyMatches(patterns, group));
  };
  return (metric.by_default || matches(include_)) && !matches(exclude_);
}

bool MetricFilter::MayServe(std::string_view group, const MetricInfo& metric) const {
  if (metric.name.find('*') == std::string_view::npos) return Serves(group, metric, metric.name);
  return !AnyMatches(exclude_, group);
}

}  // namespace hinomi
