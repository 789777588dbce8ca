#include "app/life.h"

#include <fmt/format.h>

#include <utility>

#include "base/logging.h"

namespace hinomi {
namespace {

constexpr uint64_t kFileBytesMax = 4 << 10;
constexpr std::string_view kRunning = "running";
constexpr std::string_view kEnded = "ended";

}  // namespace

Life::Life(std::string path, std::string configuration, FileSystem& files, EventLog& events)
    : path_(std::move(path)),
      configuration_(std::move(configuration)),
      files_(files),
      events_(events) {}

// "<state> <configuration>"; it is replaced as a whole, so half of it is never seen.
void Life::Write(std::string_view state) {
  const std::string next = path_ + ".new";
  Result<void> written = files_.WriteSynced(next, fmt::format("{} {}\n", state, configuration_));
  if (written) written = files_.Rename(next, path_);
  if (!written)
    log::Warn("{}; the next start will not know how this run ended", written.error().message);
}

void Life::Begin(std::string_view version) {
  const Result<std::string> last = files_.ReadWhole(path_, kFileBytesMax);
  const bool first = !last && !files_.Exists(path_);
  const bool clean = last && last->starts_with(kEnded);
  Event started{.action = EventAction::kAgentStarted,
                .message = fmt::format("hinomi {} started", version),
                .details = {{"version", std::string(version)},
                            {"configuration", configuration_},
                            {"last_end", first   ? "none"
                                         : clean ? "clean"
                                                 : "unclean"}}};
  if (!first && !clean) started.message += "; the run before was killed, or crashed";
  events_.Append(started);
  const size_t space = last ? last->find(' ') : std::string::npos;
  if (space != std::string::npos && last->substr(space + 1) != configuration_ + "\n") {
    std::string before = last->substr(space + 1);
    before.resize(before.find_last_not_of('\n') + 1);
    SayChanged("the configuration is another than at the last start", before);
  }
  Write(kRunning);
}

void Life::SayChanged(std::string_view how, const std::string& before) {
  events_.Append({.action = EventAction::kConfigurationChanged,
                  .message = std::string(how),
                  .details = {{"configuration", configuration_}, {"before", before}}});
}

void Life::Changed(std::string configuration) {
  const std::string before = std::exchange(configuration_, std::move(configuration));
  SayChanged("another configuration is in effect", before);
  Write(kRunning);
}

void Life::Stop(std::string_view why) {
  events_.Append({.action = EventAction::kAgentStopped,
                  .message = fmt::format("hinomi stops: {}", why),
                  .details = {{"reason", std::string(why)}}});
}

void Life::End() { Write(kEnded); }

}  // namespace hinomi
