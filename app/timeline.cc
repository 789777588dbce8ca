#include "app/timeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

#include "app/cat.h"
#include "config/glob.h"
#include "metadata/pod_path.h"
#include "shipper/event.h"

namespace hinomi {
namespace {

constexpr uint64_t kFileBytesMax = 64 << 20;

struct Entry {
  Duration at{0};
  PodInfo pod;
  std::string time;
  std::string body;
  EventText text;
};

/// What a terminal must not take for its own is shown as a dot.
std::string Shown(std::string_view text) {
  std::string shown(text);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto byte = static_cast<unsigned char>(shown[i]);
    // 0xc2 0x80 to 0xc2 0x9f are control characters too.
    const bool second = i > 0 && static_cast<unsigned char>(shown[i - 1]) == 0xc2;
    if (byte < 0x20 || byte == 0x7f) shown[i] = '.';
    if (second && byte >= 0x80 && byte < 0xa0) shown.replace(i - 1, 2, ".");
  }
  return shown;
}

class Collection {
 public:
  Collection(const TimelineOptions& options, FileSystem& files, std::FILE* errors)
      : options_(options), files_(files), errors_(errors) {}

  void Read() {
    for (const std::string& pod_name : DirectoriesIn("")) {
      const std::optional<PodInfo> pod = ParsePodDirectory(pod_name);
      if (!pod || !GlobMatches(options_.namespace_pattern, pod->namespace_name) ||
          !GlobMatches(options_.pod_pattern, pod->pod_name)) {
        continue;
      }
      for (const std::string& container : DirectoriesIn(pod_name)) {
        PodInfo about = *pod;
        about.container_name = container;
        ReadFiles(pod_name + "/" + container, about);
      }
    }
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.at < b.at; });
  }

  const std::vector<Entry>& entries() const { return entries_; }
  bool failed() const { return failed_; }

 private:
  std::vector<DirectoryEntry> List(const std::string& relative) {
    const auto listed = files_.List(options_.directory, relative);
    // What is gone meanwhile was at its limit; without the events' own directory nothing was said.
    if (!listed && (relative.empty() || files_.Exists(options_.directory + "/" + relative))) {
      Complain(listed.error().message);
    }
    return listed ? *listed : std::vector<DirectoryEntry>{};
  }
  std::vector<std::string> DirectoriesIn(const std::string& relative) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : List(relative)) {
      if (entry.kind == FileKind::kDirectory) names.push_back(entry.name);
    }
    return names;
  }

  void ReadFiles(const std::string& directory, PodInfo about) {
    for (const DirectoryEntry& entry : List(directory)) {
      const std::optional<LogFile> file = ParseLogFile(entry.name);
      if (!file || !IsContainerName(about.container_name)) continue;
      about.restart_count = file->restart_count;
      const std::string path = options_.directory + "/" + directory + "/" + entry.name;
      const Result<std::string> content = files_.ReadWhole(path, kFileBytesMax);
      if (content) {
        ReadLines(*content, about);
      } else if (files_.Exists(path)) {
        Complain(content.error().message);
      }
    }
  }

  void ReadLines(std::string_view content, const PodInfo& about) {
    // A line without its newline is being written, or was torn by a crash.
    for (size_t end; (end = content.find('\n')) != std::string_view::npos;
         content.remove_prefix(end + 1)) {
      Result<EventText> text = ParseEventLine(content.substr(0, end));
      if (!text) continue;
      const Result<Duration> at = ParseCatTime(std::string(text->time), Duration{0});
      if (!at || (options_.since && *at < *options_.since)) continue;
      Entry& entry = entries_.emplace_back();
      entry.at = *at;
      entry.pod = about;
      entry.time = text->time;
      entry.body = text->body;
      entry.text = std::move(*text);
    }
  }

  void Complain(const std::string& message) {
    fmt::print(errors_, "{}\n", message);
    failed_ = true;
  }

  const TimelineOptions& options_;
  FileSystem& files_;
  std::FILE* errors_;
  std::vector<Entry> entries_;
  bool failed_ = false;
};

void Print(const Entry& entry, std::FILE* out) {
  constexpr size_t kMillisecondsEnd = 23;  // of 2026-11-21T07:30:15.123
  const PodInfo& pod = entry.pod;
  const std::string restart =
      pod.restart_count == 0 ? "" : fmt::format(" restart {}", pod.restart_count);
  fmt::print(out, "{}Z  {:<21}  {}/{}/{}{}: {}\n", entry.time.substr(0, kMillisecondsEnd),
             Shown(entry.text.action), pod.namespace_name, pod.pod_name, pod.container_name,
             restart, Shown(entry.text.message));
  for (const std::string& line : entry.text.last_lines) {
    fmt::print(out, "    | {}\n", Shown(line));
  }
}

void PrintJson(const Entry& entry, std::FILE* out) {
  const PodInfo& pod = entry.pod;
  // Names that a directory can have need no escapes.
  fmt::print(
      out,
      R"({{"time":"{}","namespace":"{}","pod":"{}","uid":"{}","container":"{}","restart":{},"event":{}}})"
      "\n",
      entry.time, pod.namespace_name, pod.pod_name, pod.pod_uid, pod.container_name,
      pod.restart_count, entry.body);
}

}  // namespace

bool Timeline(const TimelineOptions& options, FileSystem& files, std::FILE* out,
              std::FILE* errors) {
  Collection collection(options, files, errors);
  collection.Read();
  for (const Entry& entry : collection.entries()) {
    options.json ? PrintJson(entry, out) : Print(entry, out);
    if (std::ferror(out) != 0) break;
  }
  std::fflush(out);
  return !collection.failed();
}

}  // namespace hinomi
