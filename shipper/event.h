// What the agent itself notices, and how it is written down: one JSON object on a line of a log in
// the runtime's format, so that it is tailed, merged into a document and shipped like any line.
// docs/events.md says what each action means. Knows nothing of where the logs lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace hinomi {

enum class EventAction : uint8_t {
  kAgentStarted,
  kAgentStopped,
  kConfigurationChanged,
  kContainerDied,
  kContainerCompleted,
  kBytesLost,
  kFileLost,
  kSinkDown,
  kSinkUp,
  kEscrowFull,
};
inline constexpr size_t kEventActions = 10;
/// The value of hinomi.event.action, and of the metric label `action`.
std::string_view ToString(EventAction action);

struct Event {
  using Detail = std::pair<std::string_view, std::variant<std::string, int64_t>>;

  EventAction action = EventAction::kAgentStarted;
  std::string message;          // for people; any bytes
  std::vector<Detail> details;  // members of hinomi.event besides
  std::vector<std::string> last_lines = {};
  Duration at{0};  // Unix time; zero: now
};

/// The event as a line of a log, newline included.
std::string EventLine(const Event& event, Duration at);

/// RFC 3339, UTC, with nanoseconds.
std::string EventTime(Duration at);

/// What is read of such a line. The views point into it.
struct EventText {
  std::string_view time;
  std::string_view body;  // the JSON object
  std::string action;
  std::string message;
  std::vector<std::string> last_lines;
};

/// `line` without its newline. Error corrupt when it is no event.
Result<EventText> ParseEventLine(std::string_view line);

}  // namespace hinomi
