#include "shipper/source/route_table.h"

#include <algorithm>

#include "shipper/source/route_choice.h"

namespace hinomi {

void RouteTable::Configure(const std::vector<RouteConfig>& configured) {
  for (RouteConfig& route : by_index_) route.sink.clear();
  configured_ = configured;
  index_of_configured_.clear();
  for (const RouteConfig& route : configured_) {
    const uint32_t index = IndexOf(route.name);
    by_index_[index] = route;
    index_of_configured_.push_back(index);
  }
}

uint32_t RouteTable::IndexOf(const std::string& name) {
  const auto known = std::find_if(by_index_.begin(), by_index_.end(),
                                  [&](const RouteConfig& route) { return route.name == name; });
  const auto index = static_cast<uint32_t>(known - by_index_.begin());
  if (known == by_index_.end()) by_index_.emplace_back().name = name;
  return index;
}

std::vector<TakenRoute> RouteTable::Taking(const PodInfo& pod, bool events) const {
  std::vector<TakenRoute> taking;
  const std::vector<RouteChoice> choices = ChooseRoutes(configured_, pod, events);
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].taken()) taking.push_back({index_of_configured_[i], choices[i].levels});
  }
  return taking;
}

}  // namespace hinomi
