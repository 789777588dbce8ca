#include "collector/container/oom_kills.h"

#include <algorithm>

#include "base/logging.h"
#include "collector/words.h"
#include "metadata/container_life.h"

namespace hinomi {
namespace {

constexpr uint64_t kFileBytesMax = 8 << 20;
constexpr size_t kRunsMax = 8;

// Names of Kubernetes, and ids; what is none of them could break the file's lines.
bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

OomKills::OomKills(std::string path, FileSystem& files, const Clock& clock, Metrics& metrics)
    : path_(std::move(path)), files_(files), clock_(clock) {
  write_errors_ = metrics.CounterOf("hinomi_oom_kills_write_errors_total",
                                    "Times that the counts of OOM kills could not be written.");
}

// Lines of `namespace pod container total id counted …`. A line that is damaged is left out.
void OomKills::Load() {
  if (std::exchange(loaded_, true)) return;
  const Result<std::string> text = files_.ReadWhole(path_, kFileBytesMax);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (std::optional<std::string_view> line = TakeLine(&rest)) {
    Key who;
    for (std::string* part : {&who.namespace_name, &who.pod, &who.container}) {
      *part = TakeWord(&*line);
    }
    const std::optional<uint64_t> total = ParseCount(TakeWord(&*line));
    if (!total || containers_.size() >= kContainersMax) continue;
    Container& container = containers_[who];
    container.total = *total;
    container.seen = clock_.Monotonic();
    while (true) {
      const std::string id(TakeWord(&*line));
      const std::optional<uint64_t> counted = ParseCount(TakeWord(&*line));
      if (!counted) break;
      container.runs[id] = *counted;
    }
  }
}

void OomKills::Save() {
  std::string text;
  for (const auto& [who, container] : containers_) {
    if (container.total == 0) continue;
    text += who.namespace_name + ' ' + who.pod + ' ' + who.container + ' ' +
            std::to_string(container.total);
    for (const auto& [id, counted] : container.runs) {
      if (counted > 0) text += ' ' + id + ' ' + std::to_string(counted);
    }
    text += '\n';
  }
  Result<void> written = files_.WriteSynced(path_ + ".new", text);
  if (written) written = files_.Rename(path_ + ".new", path_);
  if (written) return;
  write_errors_.Add();
  log::Warn("{}; counts of OOM kills may be forgotten by a restart", written.error().message);
}

OomKills::Container& OomKills::Of(const Who& who) {
  Load();
  const Duration now = clock_.Monotonic();
  const auto found = containers_.find(who);
  if (found == containers_.end() && containers_.size() >= kContainersMax) {
    std::erase_if(containers_, [&](const auto& entry) { return now - entry.second.seen > kKeep; });
    if (containers_.size() >= kContainersMax) {
      containers_.erase(std::min_element(
          containers_.begin(), containers_.end(),
          [](const auto& one, const auto& other) { return one.second.seen < other.second.seen; }));
    }
  }
  Container& container = containers_[Key{std::string(who.namespace_name), std::string(who.pod),
                                         std::string(who.container)}];
  container.seen = now;
  return container;
}

uint64_t OomKills::Observe(const Who& who, const std::string& id, uint64_t kills) {
  if (!IsWord(who.namespace_name) || !IsWord(who.pod) || !IsWord(who.container) || !IsWord(id)) {
    return kills;
  }
  if (kills == 0) return Total(who);
  const std::lock_guard lock(mutex_);
  Load();
  Container& container = Of(who);
  uint64_t& counted = container.runs[id];
  if (kills > counted) {
    container.total += kills - counted;
    counted = kills;
    while (container.runs.size() > kRunsMax) {
      const auto other = container.runs.begin()->first == id ? std::next(container.runs.begin())
                                                             : container.runs.begin();
      container.runs.erase(other);
    }
    Save();
  }
  return container.total;
}

// Most containers were never killed: nothing is kept of them.
uint64_t OomKills::Total(const Who& who) {
  const std::lock_guard lock(mutex_);
  Load();
  const auto found = containers_.find(who);
  if (found == containers_.end()) return 0;
  found->second.seen = clock_.Monotonic();
  return found->second.total;
}

// What the cgroup has told is as much at least.
void OomKills::Exited(const Who& who, const std::string& id, std::string_view reason) {
  if (reason == kOomKilled) Observe(who, id, 1);
}

}  // namespace hinomi
