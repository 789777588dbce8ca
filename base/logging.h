// The agent's own log, one line an event, to standard error. The level says the consequence: WARN,
// nothing is lost; ERROR, data was lost or somebody must act. spdlog stays behind this file.
//
// Every call site is throttled: after ten lines within a minute the rest of that minute is
// swallowed, and the site's next line says how many. So no fault, and no log of the agent that the
// agent itself ships, can flood it.
#pragma once

#include <fmt/core.h>

#include <string_view>

namespace hinomi::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kText, kJson };

/// Call once, before the first thread starts. Until then the level is info and the format text.
void Configure(Level level, Format format);

/// Writes one line; newlines in `message` are escaped. `site` identifies the call site for the
/// throttle, and is the address of its format string. Any thread.
void Write(Level level, const void* site, std::string_view message);

/// True when lines of this level are wanted.
bool Enabled(Level level);

/// How many lines the throttle has swallowed since the start.
unsigned long Swallowed();

template <typename... Args>
void Log(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (!Enabled(level)) return;
  fmt::string_view text = format;
  Write(level, text.data(), fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  Log(Level::kDebug, format, std::forward<Args>(args)...);
}
template <typename... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  Log(Level::kInfo, format, std::forward<Args>(args)...);
}
template <typename... Args>
void Warn(fmt::format_string<Args...> format, Args&&... args) {
  Log(Level::kWarn, format, std::forward<Args>(args)...);
}
template <typename... Args>
void Error(fmt::format_string<Args...> format, Args&&... args) {
  Log(Level::kError, format, std::forward<Args>(args)...);
}

}  // namespace hinomi::log
