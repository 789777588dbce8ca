#include "metadata/pod_wishes.h"

#include <fmt/core.h>

#include "config/text.h"

namespace hinomi {
namespace {

constexpr uint64_t kWeightMax = 100;

/// Sets what one wish asks for; what was expected instead, if it cannot be understood.
std::string_view Take(std::string_view wish, std::string_view value, PodWishes* wishes) {
  if (wish == "exclude") {
    wishes->exclude = value == "true";
    return value == "true" || value == "false" ? "" : "\"true\" or \"false\"";
  }
  if (wish == "weight") {
    const std::optional<uint64_t> weight = ParseNumber(value);
    if (!weight || *weight < 1 || *weight > kWeightMax) return "a whole number from 1 to 100";
    wishes->weight = static_cast<uint32_t>(*weight);
    return {};
  }
  if (wish == "limit") {
    const std::optional<uint64_t> limit = ParseSize(value);
    if (!limit || *limit == 0) return "a size per second such as 1MiB";
    wishes->limit_bytes_per_second = limit;
    return {};
  }
  return "no such annotation, only exclude, weight and limit";
}

}  // namespace

PodWishes WishesOf(const std::map<std::string, std::string>& annotations,
                   std::vector<std::string>* problems) {
  PodWishes wishes;
  const std::string prefix(kWishPrefix);
  for (auto it = annotations.lower_bound(prefix);
       it != annotations.end() && it->first.starts_with(prefix); ++it) {
    const std::string_view expected =
        Take(std::string_view(it->first).substr(prefix.size()), it->second, &wishes);
    if (expected.empty() || problems == nullptr) continue;
    problems->push_back(
        fmt::format("{}: expected {}, got {}", it->first, expected, Quoted(it->second)));
  }
  return wishes;
}

}  // namespace hinomi
