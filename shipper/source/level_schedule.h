// Which levels a route takes of one log, by position: what was left to another route, or by it,
// before the configuration changed stays so, however far the routes were apart.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "shipper/checkpoint_format.h"

namespace hinomi {

class LevelSchedule {
 public:
  LevelSchedule() = default;
  explicit LevelSchedule(Levels levels) : first_(levels) {}
  /// As a checkpoint knows it.
  explicit LevelSchedule(std::vector<LevelState> states) : later_(std::move(states)) {}

  /// For a record that begins there.
  const Levels& At(const Position& begin) const {
    const Levels* levels = &first_;
    for (const LevelState& change : later_) {
      if (change.from <= begin) levels = &change.levels;
    }
    return *levels;
  }
  bool all() const { return first_.all() && later_.empty(); }
  /// Where the last change is, or will be.
  Position changed_at() const { return later_.empty() ? Position{} : later_.back().from; }
  /// From there on; not before changed_at().
  void Change(const Position& from, const Levels& levels) {
    if (At(changed_at()) != levels) later_.push_back({from, levels});
  }
  /// What lies before `settled` is not asked for any more.
  void Forget(const Position& settled) {
    first_ = At(settled);
    std::erase_if(later_, [&](const LevelState& change) { return change.from <= settled; });
  }
  /// Empty where it is about all records.
  std::vector<LevelState> State() const {
    std::vector<LevelState> states;
    if (!first_.all()) states.push_back({{}, first_});
    states.insert(states.end(), later_.begin(), later_.end());
    return states;
  }

 private:
  Levels first_;
  std::vector<LevelState> later_;
};

}  // namespace hinomi
