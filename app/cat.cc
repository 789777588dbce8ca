#include "app/cat.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "config/glob.h"
#include "config/text.h"
#include "shipper/sink/archive_manifest.h"
#include "shipper/sink/archive_reader.h"

namespace hinomi {
namespace {

constexpr size_t kDateLevel = 4;  // below the archive: cluster, namespace, pod, container, date

/// Prints what the options ask for of the records it is given, in pieces of any length.
class Printer {
 public:
  Printer(const CatOptions& options, std::FILE* out) : options_(options), out_(out) {}

  /// What comes is of a file of this format. A plain line does not say its time: its hour counts.
  void Begin(ArchiveFormat format) {
    by_time_ = format == ArchiveFormat::kJson && (options_.since || options_.until);
  }
  /// False when nobody takes more.
  bool Take(std::string_view piece) {
    if (!by_time_ && options_.text.empty()) return Write(piece);
    while (!piece.empty()) {
      const size_t newline = piece.find('\n');
      const bool whole = newline != std::string_view::npos;
      const std::string_view rest = piece.substr(0, whole ? newline + 1 : piece.size());
      piece.remove_prefix(rest.size());
      if (!whole) {
        line_ += rest;
      } else if (line_.empty()) {
        if (!TakeLine(rest)) return false;
      } else {
        line_ += rest;
        if (!TakeLine(line_)) return false;
        line_.clear();
      }
    }
    return true;
  }
  /// What was begun is not continued by another file.
  bool End() {
    const bool taken = line_.empty() || TakeLine(line_);
    line_.clear();
    return taken;
  }

  int error() const { return error_; }

 private:
  bool TakeLine(std::string_view line) { return !Wanted(line) || Write(line); }

  bool Wanted(std::string_view line) const {
    if (line.find(options_.text) == std::string_view::npos) return false;
    if (!by_time_) return true;
    const std::optional<Duration> time = ArchiveRecordTime(line);
    return time && (!options_.since || *time >= *options_.since) &&
           (!options_.until || *time < *options_.until);
  }

  bool Write(std::string_view bytes) {
    if (fwrite(bytes.data(), 1, bytes.size(), out_) == bytes.size()) return true;
    error_ = errno;
    return false;
  }

  const CatOptions& options_;
  std::FILE* out_;
  bool by_time_ = false;
  std::string line_;  // its beginning, until the rest comes
  int error_ = 0;
};

class Walk {
 public:
  Walk(const CatOptions& options, FileSystem& files, Printer& printer, std::FILE* errors)
      : options_(options), files_(files), printer_(printer), errors_(errors) {}

  /// What lies below the names so far, in order. False when nobody takes more.
  bool Descend(const std::string& relative, size_t level) {
    Result<std::vector<DirectoryEntry>> entries = files_.List(options_.directory, relative);
    if (!entries) {
      Complain(entries.error().message);
      return true;
    }
    std::sort(entries->begin(), entries->end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    for (const DirectoryEntry& entry : *entries) {
      if (entry.kind != FileKind::kDirectory || entry.name == kArchiveManifests) continue;
      if (!Matches(level, entry.name)) {
        archive_ = true;  // for all that is known of it
        continue;
      }
      const std::string below = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (!(level < kDateLevel ? Descend(below, level + 1) : PrintDate(below, entry.name))) {
        return false;
      }
    }
    return true;
  }

  void Complain(const std::string& message) {
    fmt::print(errors_, "{}\n", message);
    failed_ = true;
  }
  bool failed() const { return failed_; }
  /// False when nothing here is of an archive.
  bool archive() const { return archive_; }

 private:
  bool Matches(size_t level, const std::string& name) const {
    const std::string everything;
    const std::string* const patterns[] = {&everything, &options_.namespace_pattern,
                                           &options_.pod_pattern, &options_.container_pattern,
                                           &everything};
    return GlobMatches(*patterns[level], name);
  }

  bool PrintDate(const std::string& relative, const std::string& date) {
    const Result<std::vector<DirectoryEntry>> entries = files_.List(options_.directory, relative);
    if (!entries) {
      Complain(entries.error().message);
      return true;
    }
    std::map<std::string, ArchiveFormat> names;
    for (const DirectoryEntry& entry : *entries) {
      const std::optional<ArchiveFileName> file = ParseArchiveFileName(date, entry.name);
      if (!file) continue;
      archive_ = true;
      const Duration begin = std::chrono::hours(file->hour);
      const Duration end = begin + std::chrono::hours(1);
      if (options_.since && end <= *options_.since) continue;
      if (options_.until && begin >= *options_.until) continue;
      names.emplace(entry.name, file->format);
    }
    return std::all_of(names.begin(), names.end(), [&](const auto& file) {
      printer_.Begin(file.second);
      return Print(relative + "/" + file.first);
    });
  }

  Result<std::unique_ptr<File>> Open(std::string relative) {
    Result<std::unique_ptr<File>> file = files_.Open(options_.directory, relative);
    if (file || file.error().code != ENOENT || !relative.ends_with(kArchiveOpen)) {
      return file;
    }
    // Its hour ended just now.
    relative.resize(relative.size() - kArchiveOpen.size());
    return files_.Open(options_.directory, relative);
  }

  bool Print(const std::string& relative) {
    const Result<std::unique_ptr<File>> file = Open(relative);
    if (!file) {
      Complain(file.error().message);
      return true;
    }
    const Result<ArchiveScan> scan = ScanArchiveFile(**file);
    if (!scan) {
      Complain(scan.error().message);
      return true;
    }
    const std::string path = options_.directory + "/" + relative;
    const bool torn = scan->tail == ArchiveTail::kTorn;
    if (torn) {
      fmt::print(errors_, "\"{}\" ends with {} bytes of a write that is not finished; skipped\n",
                 path, scan->bytes - scan->whole_bytes);
    }
    bool wanted = true;
    const Result<void> read = ReadArchiveFile(**file, torn ? scan->whole_bytes : scan->bytes,
                                              [&](std::string_view piece) {
                                                wanted = printer_.Take(piece);
                                                return wanted;
                                              });
    if (!read) Complain(fmt::format("cannot read all of \"{}\": {}", path, read.error().message));
    return wanted && printer_.End();
  }

  const CatOptions& options_;
  FileSystem& files_;
  Printer& printer_;
  std::FILE* errors_;
  bool failed_ = false;
  bool archive_ = false;
};

}  // namespace

Result<Duration> ParseCatTime(const std::string& text, Duration now) {
  if (const std::optional<Nanoseconds> ago = ParseDuration(text)) return now - *ago;
  constexpr size_t kDateBytes = 10;
  constexpr size_t kMinuteBytes = 16;
  std::string time = text;
  if (time.size() > kDateBytes && time[kDateBytes] == ' ') time[kDateBytes] = 'T';
  if (time.size() == kDateBytes) time += "T00:00";
  const size_t zone = time.find_first_of("Z+-", kDateBytes);
  if (zone == std::string::npos) time += 'Z';
  if (std::min(zone, time.size() - 1) == kMinuteBytes) time.insert(kMinuteBytes, ":00");
  if (const std::optional<Duration> parsed = ParseArchiveTime(time)) return *parsed;
  return Error{ErrorKind::kConfig,
               fmt::format("expected a time such as 2026-11-21T07:30Z or a duration such as 90m, "
                           "got {}",
                           Quoted(text))};
}

bool Cat(const CatOptions& options, FileSystem& files, std::FILE* out, std::FILE* errors) {
  Printer printer(options, out);
  Walk walk(options, files, printer, errors);
  const bool wanted = walk.Descend("", 0);
  if (!walk.archive() && !walk.failed() && wanted) {
    walk.Complain(fmt::format(
        "cannot read \"{}\": it is no archive; expected the directory of an archive sink, with "
        "files such as CLUSTER/NAMESPACE/POD/CONTAINER/2026-11-21/07{}",
        options.directory, ArchiveSuffix(ArchiveFormat::kJson)));
  }
  const int error = !wanted ? printer.error() : fflush(out) == 0 ? 0 : errno;
  if (error != 0 && error != EPIPE) {
    walk.Complain(fmt::format("cannot write the records: {}", strerror(error)));
  }
  return !walk.failed();
}

}  // namespace hinomi
