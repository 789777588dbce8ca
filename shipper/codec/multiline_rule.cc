#include "shipper/codec/multiline_rule.h"

#include <span>
#include <utility>

namespace hinomi {
namespace {

struct PresetStep {
  uint32_t from;
  const char* pattern;  // begins with ^, so that a line that does not match costs little
  uint8_t to;
};

constexpr uint8_t kText = 0;  // what no pattern begins; the same in all rules
constexpr uint32_t kNoBlock = 0;
constexpr uint32_t kAnyBlock = ~0u;
constexpr uint32_t In(uint8_t state) { return 1u << state; }

// The head of an exception is a line with its class, or with that of its cause: its message may go
// on in indented lines. Frames are taken behind any line, since not every head can be recognised.
namespace java {
constexpr uint8_t kHead = 1;
constexpr uint8_t kFrames = 2;
constexpr PresetStep kSteps[] = {
    {kAnyBlock, R"(^\s+at )", kFrames},
    {kAnyBlock, R"(^\s*(?:\.\.\. \d+ (?:more|common frames omitted)|\[CIRCULAR REFERENCE))",
     kFrames},
    {kAnyBlock, R"(^\s*(?:Caused by|Suppressed|Wrapped by): )", kHead},
    {In(kHead), R"(^(?:\s|$))", kHead},
    {In(kFrames), R"(^\s*$)", kFrames},
    {kNoBlock,
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
constexpr char kGroupTraceback[] = R"(^\s*\+ Exception Group Traceback \(most recent call last\):)";
constexpr PresetStep kSteps[] = {
    {In(kFrames), R"(^\s)", kFrames},
    {In(kFrames), R"(^[\w.<>]+(?::|\s*$))", kException},
    {In(kGroup), R"(^\s+(?:\||\+-))", kGroup},
    {In(kException), R"(^(?:\s|$))", kException},
    {In(kGroup), R"(^\s*$)", kException},
    {In(kException),
     R"(^(?:During handling of the above exception|The above exception was the direct cause))",
     kChain},
    {In(kChain), R"(^\s*$)", kChain},
    {In(kChain), kTraceback, kFrames},
    {In(kChain), kGroupTraceback, kGroup},
    {kNoBlock, kTraceback, kFrames},
    {kNoBlock, kGroupTraceback, kGroup},
};
}  // namespace python

// What the runtime says of the panic, then goroutines with blank lines between them, then perhaps
// the registers.
namespace go {
constexpr uint8_t kHead = 1;
constexpr uint8_t kFrames = 2;
constexpr uint8_t kGap = 3;
constexpr PresetStep kSteps[] = {
    {In(kHead) | In(kFrames) | In(kGap), R"(^(?:goroutine \d+ .*\[.*\]:|runtime stack:))", kFrames},
    {In(kHead), R"(^(?:\s|$|fatal error: |runtime: |\[signal |PC=|signal arrived ))", kHead},
    {In(kFrames), R"(^(?:\t|created by |\.\.\.|(?:panic|\S+\.\S+)\(.*\)\s*$))", kFrames},
    {In(kFrames) | In(kGap), R"(^(?:\s*$|exit status \d|[a-z][a-z0-9]{1,5}\s+0x[0-9a-f]+\s*$))",
     kGap},
    {kNoBlock,
     R"(^(?:panic: |fatal error: |unexpected fault address |runtime: goroutine stack exceeds |SIG[A-Z]+: |[\d/:. ]*http: panic serving ))",
     kHead},
    {kNoBlock, R"(^(?:goroutine \d+ .*\[.*\]:|runtime stack:))", kFrames},
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
    Add({step.from, Compiled(step.pattern), true, step.to});
  }
  if (!config.start.empty()) Add({kAnyBlock, Compiled(config.start), false, kText});
  if (!config.continues.empty()) Add({kAnyBlock, Compiled(config.continues), true, kText});
}

void MultilineRule::Add(Step step) {
  open_states_ |= step.from;
  (step.from == kNoBlock ? begins_ : continues_).push_back(std::move(step));
}

MultilineRule::State MultilineRule::Begin(std::string_view line) const {
  for (const Step& step : begins_) {
    if (step.pattern.Matches(line) == step.matches) return step.to;
  }
  return kText;
}

bool MultilineRule::Continue(std::string_view line, State* state) const {
  for (const Step& step : continues_) {
    if ((step.from & In(*state)) == 0 || step.pattern.Matches(line) != step.matches) continue;
    *state = step.to;
    return true;
  }
  return false;
}

}  // namespace hinomi
