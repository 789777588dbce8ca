#include "app/reloader.h"

#include <fmt/ranges.h>

#include <map>
#include <sstream>
#include <utility>

#include "base/logging.h"

namespace hinomi {
namespace {

// The text of each key of the top level.
std::map<std::string, std::string> SectionsOf(const Config& config) {
  Loaded loaded;
  loaded.config = config;
  std::istringstream lines(Dump(loaded));
  std::map<std::string, std::string> sections;
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    const bool begins = !line.empty() && line[0] != ' ' && line[0] != '#' && line[0] != '-';
    if (begins) section = line.substr(0, line.find(':'));
    sections[section] += line + "\n";
  }
  return sections;
}

}  // namespace

std::vector<std::string> KeptUntilRestart(const Config& running, const Config& next) {
  Config rest = next;
  rest.sinks = running.sinks;
  rest.routes = running.routes;
  rest.fairness = running.fairness;
  std::vector<std::string> kept;
  std::map<std::string, std::string> before = SectionsOf(running);
  for (const auto& [section, text] : SectionsOf(rest)) {
    if (std::exchange(before[section], "") != text) kept.push_back(section);
  }
  for (const auto& [section, text] : before) {
    if (!text.empty()) kept.push_back(section);
  }
  return kept;
}

Reloader::Reloader(Config running, const std::string& path, Parts parts)
    : running_(std::move(running)),
      parts_(std::move(parts)),
      stamps_(parts_.files, {path}),
      failed_(parts_.metrics.GaugeOf(
          "hinomi_config_reload_failed",
          "1 where the configuration that is there cannot be used, so that the one before runs.")) {
  const auto counter = [&](const char* result) {
    return parts_.metrics.CounterOf("hinomi_config_reload_total",
                                    "Times that the configuration was read anew, by result.",
                                    {{"result", result}});
  };
  applied_ = counter("applied");
  unchanged_ = counter("unchanged");
  refused_ = counter("refused");
}

bool Reloader::Changed() {
  const bool just_now = stamps_.Changed();
  return std::exchange(changing_, just_now) && !just_now;
}

std::optional<Config> Reloader::Read() {
  static_cast<void>(stamps_.Changed());  // what is read now need not be noticed again
  changing_ = false;
  const Loaded loaded = parts_.load();
  failed_.Set(loaded.errors.empty() ? 0 : 1);
  for (const std::string& warning : loaded.warnings) log::Warn("{}", warning);
  if (!loaded.errors.empty()) {
    for (const std::string& error : loaded.errors) log::Error("{}", error);
    log::Error("the new configuration is wrong and is not used; the one before goes on");
    refused_.Add();
    return std::nullopt;
  }
  const Config& next = loaded.config;
  const std::vector<std::string> kept = KeptUntilRestart(running_, next);
  if (!kept.empty()) {
    log::Warn("of the new configuration, what it says of {} takes effect at the next start",
              fmt::join(kept, ", "));
  }
  if (next.sinks == running_.sinks && next.routes == running_.routes &&
      next.fairness == running_.fairness) {
    unchanged_.Add();
    log::Info("the configuration was read again; sinks, routes and fairness are as they were");
    return std::nullopt;
  }
  running_.sinks = next.sinks;
  running_.routes = next.routes;
  running_.fairness = next.fairness;
  return running_;
}

}  // namespace hinomi
