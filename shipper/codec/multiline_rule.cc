#include "shipper/codec/multiline_rule.h"

#include <span>
#include <utility>

namespace hinomi {
namespace {

struct PresetStep {
  uint32_t from;
  const char* firsts;   // what such lines can begin with, so that most others cost nothing
  const char* pattern;  // begins with ^ as a whole: the rest of a line is not searched
  uint8_t to;
};

constexpr uint8_t kText = 0;  // what no pattern begins; the same in all rules
constexpr uint32_t kNoBlock = 0;
constexpr uint32_t kAnyBlock = ~0u;
constexpr char kAnything[] = "";
constexpr char kSpace[] = " \t";
constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr uint32_t In(uint8_t state) { return 1u << state; }

// The head of an exception is a line with its class, or with that of its cause: its message may go
// on in indented lines. Frames are taken behind any line, since not every head can be recognised.
namespace java {
constexpr uint8_t kHead = 1;
constexpr uint8_t kFrames = 2;
constexpr char kCauses[] = R"(^\s*(?:Caused by|Suppressed|Wrapped by): )";
constexpr PresetStep kSteps[] = {
    {kAnyBlock, kSpace,
     R"(^\s+(?:at |\.\.\. \d+ (?:more|common frames omitted)|\[CIRCULAR REFERENCE))", kFrames},
    {kAnyBlock, " \tCSW", kCauses, kHead},
    {In(kHead), kAnything, R"(^(?:\s|$))", kHead},
    {In(kFrames), kAnything, R"(^\s*$)", kFrames},
    {kNoBlock, kLetters,
     R"(^(?:Exception in thread "[^"]*" )?(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable)[\w$]*(?::|\s*$))",
     kHead},
};
}  // namespace java

// A traceback ends with the exception's own line, which is not indented; a group's has none. Behind
// it may come, between blank lines, what says that another one follows.
namespace python {
constexpr uint8_t kFrames = 1;
constexpr uint8_t kGroup = 2;
constexpr uint8_t kException = 3;
constexpr uint8_t kChain = 4;
constexpr char kTraceback[] = R"(^Traceback \(most recent call last\):)";
constexpr char kGroupTraceback[] = R"(^\s+\+ Exception Group Traceback \(most recent call last\):)";
constexpr PresetStep kSteps[] = {
    {In(kFrames), kSpace, R"(^\s)", kFrames},
    {In(kFrames), kAnything, R"(^[\w.<>]+(?::|\s*$))", kException},
    {In(kGroup), kSpace, R"(^\s+(?:\||\+-))", kGroup},
    {In(kException), kAnything, R"(^(?:\s|$))", kException},
    {In(kGroup), kAnything, R"(^\s*$)", kException},
    {In(kException), "DT",
     R"(^(?:During handling of the above exception|The above exception was the direct cause))",
     kChain},
    {In(kChain), kAnything, R"(^\s*$)", kChain},
    {In(kChain), "T", kTraceback, kFrames},
    {In(kChain), kSpace, kGroupTraceback, kGroup},
    {kNoBlock, "T", kTraceback, kFrames},
    {kNoBlock, kSpace, kGroupTraceback, kGroup},
};
}  // namespace python

// What the runtime says of the panic, then goroutines with blank lines between them, then perhaps
// the registers.
namespace go {
constexpr uint8_t kHead = 1;
constexpr uint8_t kFrames = 2;
constexpr uint8_t kGap = 3;
constexpr PresetStep kSteps[] = {
    {In(kHead) | In(kFrames) | In(kGap), "gr", R"(^(?:goroutine \d+ .*\[.*\]:|runtime stack:))",
     kFrames},
    {In(kHead), kAnything, R"(^(?:\s|$|fatal error: |runtime: |\[signal |PC=|signal arrived ))",
     kHead},
    {In(kFrames), kAnything, R"(^(?:\t|created by |\.\.\.|(?:panic|\S+\.\S+)\(.*\)\s*$))", kFrames},
    {In(kFrames) | In(kGap), kAnything,
     R"(^(?:\s*$|exit status \d|[a-z][a-z0-9]{1,5}\s+0x[0-9a-f]+\s*$))", kGap},
    {kNoBlock, "pfurSh0123456789",
     R"(^(?:panic: |fatal error: |unexpected fault address |runtime: goroutine stack exceeds |SIG[A-Z]+: |[\d/:. ]*http: panic serving ))",
     kHead},
    {kNoBlock, "gr", R"(^(?:goroutine \d+ .*\[.*\]:|runtime stack:))", kFrames},
};
}  // namespace go

std::span<const PresetStep> StepsOf(MultilinePreset preset) {
  switch (preset) {
    case MultilinePreset::kNone:
      return {};
    case MultilinePreset::kJava:
      return java::kSteps;
    case MultilinePreset::kPython:
      return python::kSteps;
    case MultilinePreset::kGo:
      return go::kSteps;
  }
  CheckFailed(__FILE__, __LINE__, "a MultilinePreset");
}

Pattern Compiled(std::string_view expression) {
  return std::move(Pattern::Compile(expression).value());
}

}  // namespace

MultilineRule::MultilineRule(const MultilineConfig& config)
    : lines_max_(config.lines_max),
      wait_milliseconds_(
          std::chrono::duration_cast<std::chrono::milliseconds>(config.wait).count()) {
  for (const PresetStep& step : StepsOf(config.preset)) {
    Add({step.from, step.firsts, Compiled(step.pattern), true, step.to});
  }
  if (!config.start.empty()) Add({kAnyBlock, kAnything, Compiled(config.start), false, kText});
  if (!config.continues.empty())
    Add({kAnyBlock, kAnything, Compiled(config.continues), true, kText});
}

void MultilineRule::Add(Step step) {
  open_states_ |= step.from;
  (step.from == kNoBlock ? begins_ : continues_).push_back(std::move(step));
}

bool MultilineRule::Step::AppliesTo(std::string_view line) const {
  if (!firsts.empty() && (line.empty() || firsts.find(line[0]) == firsts.npos)) return false;
  return pattern.Matches(line) == matches;
}

MultilineRule::State MultilineRule::Begin(std::string_view line) const {
  for (const Step& step : begins_) {
    if (step.AppliesTo(line)) return step.to;
  }
  return kText;
}

bool MultilineRule::Continue(std::string_view line, State* state) const {
  for (const Step& step : continues_) {
    if ((step.from & In(*state)) == 0 || !step.AppliesTo(line)) continue;
    *state = step.to;
    return true;
  }
  return false;
}

}  // namespace hinomi
