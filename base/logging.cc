#include "base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

namespace hinomi::log {
namespace {

constexpr int kLinesPerMinute = 10;
constexpr std::chrono::minutes kWindow{1};

struct Site {
  std::chrono::steady_clock::time_point window_start;
  int lines = 0;
  unsigned long swallowed = 0;
};

// The log is the one thing of a process that has no owner: a line may be written from anywhere.
struct State {
  State() {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %L %v");
    logger->flush_on(spdlog::level::trace);
  }
  std::shared_ptr<spdlog::logger> logger = spdlog::stderr_logger_mt("hinomi");
  std::mutex mutex;
  std::unordered_map<const void*, Site> sites;
  std::atomic<unsigned long> swallowed{0};
  std::atomic<Level> level{Level::kInfo};
  std::atomic<Format> format{Format::kText};
};

State& GetState() {
  static State state;
  return state;
}

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

void AppendEscaped(std::string& out, std::string_view text, bool json) {
  for (const char c : text) {
    if (json && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
}

// False when the line is to be swallowed; otherwise `swallowed` says how many were before it.
bool Admit(State& state, const void* site, unsigned long* swallowed) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(state.mutex);
  auto [it, first] = state.sites.try_emplace(site, Site{now});
  Site& entry = it->second;
  if (now - entry.window_start >= kWindow) entry = Site{now, 0, entry.swallowed};
  if (++entry.lines > kLinesPerMinute) {
    ++entry.swallowed;
    ++state.swallowed;
    return false;
  }
  *swallowed = std::exchange(entry.swallowed, 0);
  return true;
}

}  // namespace

void Configure(Level level, Format format) {
  State& state = GetState();
  state.level = level;
  state.format = format;
  state.logger->set_level(ToSpdlog(level));
  state.logger->set_pattern(format == Format::kJson ? R"({"@timestamp":"%Y-%m-%dT%H:%M:%S.%e%z",)"
                                                      R"("log":{"level":"%l"},"message":"%v"})"
                                                    : "%Y-%m-%dT%H:%M:%S.%e%z %L %v");
}

bool Enabled(Level level) { return level >= GetState().level; }

unsigned long Swallowed() { return GetState().swallowed; }

void Write(Level level, const void* site, std::string_view message) {
  State& state = GetState();
  unsigned long swallowed = 0;
  if (!Admit(state, site, &swallowed)) return;
  std::string line;
  AppendEscaped(line, message, state.format == Format::kJson);
  if (swallowed > 0)
    line += fmt::format(" ({} similar lines before this were swallowed)", swallowed);
  state.logger->log(ToSpdlog(level), line);
}

}  // namespace hinomi::log
