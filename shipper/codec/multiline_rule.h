// Which lines belong together: one rule of the configuration, compiled. A little state machine that
// is fed with the lines of one stream; what it knows of a block is its state alone. Only for the
// codec.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "config/config.h"

namespace hinomi {

class MultilineRule {
 public:
  /// What kind of line a block has come to; what the values mean is the rule's own affair.
  using State = uint8_t;

  /// The patterns of `config` are valid.
  explicit MultilineRule(const MultilineConfig& config);

  /// The state of a block that `line` begins. It depends on that line alone, so that a log read
  /// from there on gives the same blocks.
  State Begin(std::string_view line) const;
  /// Whether `line` continues a block in `state`, which then moves on.
  bool Continue(std::string_view line, State* state) const;
  /// Whether any line could.
  bool MayContinue(State state) const { return (open_states_ >> state & 1) != 0; }

  uint64_t lines_max() const { return lines_max_; }
  int64_t wait_milliseconds() const { return wait_milliseconds_; }

 private:
  /// The first of these that applies decides.
  struct Step {
    uint32_t from = 0;  // states of the block before, a bit each; 0: of none, the line begins one
    std::string_view firsts;  // if any, a line must begin with one of them
    Pattern pattern;
    bool matches = true;  // applies to lines that match, else to those that do not
    State to = 0;

    bool AppliesTo(std::string_view line) const;
  };

  void Add(Step step);

  std::vector<Step> begins_;
  std::vector<Step> continues_;
  uint32_t open_states_ = 0;
  uint64_t lines_max_;
  int64_t wait_milliseconds_;
};

}  // namespace hinomi
