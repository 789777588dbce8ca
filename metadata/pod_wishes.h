// What a pod's own annotations ask of the agent:
//
//   hinomi.io/exclude: "true"   its logs are not shipped
//   hinomi.io/weight: "10"      its share beside other pods; 1 to 100
//   hinomi.io/limit: 1MiB       bytes per second at most
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hinomi {

inline constexpr std::string_view kWishPrefix = "hinomi.io/";

struct PodWishes {
  bool exclude = false;
  std::optional<uint32_t> weight;
  std::optional<uint64_t> limit_bytes_per_second;
  bool operator==(const PodWishes&) const = default;
};

/// What the annotations ask for. One that cannot be understood is left out and, with `problems`,
/// said there: `hinomi.io/weight: expected a whole number from 1 to 100, got "x"`.
PodWishes WishesOf(const std::map<std::string, std::string>& annotations,
                   std::vector<std::string>* problems = nullptr);

}  // namespace hinomi
