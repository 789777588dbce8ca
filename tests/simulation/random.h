// The one source of chance of a run: the same seed gives the same numbers on every machine. Not
// <random>, whose distributions differ from library to library.
#pragma once

#include <cstdint>
#include <vector>

namespace hinomi::simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// In [0, end).
  uint64_t Below(uint64_t end) { return Next() % end; }
  /// In [first, last].
  uint64_t Between(uint64_t first, uint64_t last) { return first + Below(last - first + 1); }
  bool Chance(uint64_t percent) { return Below(100) < percent; }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  template <typename Value>
  const Value& Pick(const std::vector<Value>& values) {
    return values[Below(values.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace hinomi::simulation
