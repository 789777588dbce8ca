#include "shipper/sink/archive_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/json_walk.h"
#include "shipper/sink/json_text.h"

namespace hinomi {
namespace {

constexpr std::string_view kManifestSuffix = ".ndjson";
constexpr uint64_t kManifestBytesMax = 256 << 20;  // more than a million files of one hour
constexpr size_t kBlockBytes = 128 << 10;
constexpr size_t kSumDigits = 64;
constexpr double kNumberMax = 1ull << 53;  // JSON's are exact up to here

class EntryReader final : public JsonVisitor {
 public:
  void Text(const JsonPath& path, std::string_view text) override {
    if (path.Is({"file"})) file = text;
    if (path.Is({"sha256"})) facts.sha256 = text;
  }
  void Number(const JsonPath& path, double number) override {
    if (!(number >= 0 && number <= kNumberMax)) return;
    if (path.Is({"lines"})) facts.lines = static_cast<uint64_t>(number);
    if (!path.Is({"bytes"})) return;
    facts.bytes = static_cast<uint64_t>(number);
    has_bytes = true;
  }

  bool Whole(int64_t hour) const {
    const std::optional<ArchiveFileName> name = ParseArchivePath(file);
    return has_bytes && name && !name->open && name->hour == hour &&
           facts.sha256.size() == kSumDigits &&
           facts.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  }

  std::string file;
  ArchiveFacts facts;
  bool has_bytes = false;
};

}  // namespace

std::string ArchiveManifestPath(int64_t hour) {
  return fmt::format("{}/{}/{}{}", kArchiveManifests, ArchiveDate(hour), ArchiveHourName(hour),
                     kManifestSuffix);
}

std::optional<int64_t> ParseArchiveManifestName(std::string_view date, std::string_view name) {
  if (!name.ends_with(kManifestSuffix)) return {};
  // As the file of that hour would be called.
  const std::optional<ArchiveFileName> hour =
      ParseArchiveFileName(date, std::string(name) + ".zst");
  return hour && hour->plain ? std::optional(hour->hour) : std::nullopt;
}

std::optional<ArchiveFileName> ParseArchivePath(std::string_view path) {
  std::array<std::string_view, 5> parts;  // namespace, pod, container, date, file
  for (std::string_view& part : parts) {
    const size_t slash = path.find('/');
    part = path.substr(0, slash);
    if (ArchiveComponent(part) != part) return {};
    const bool last = &part == &parts.back();
    if ((slash == std::string_view::npos) != last) return {};
    path.remove_prefix(last ? path.size() : slash + 1);
  }
  return ParseArchiveFileName(parts[3], parts[4]);
}

std::string EncodeArchiveManifest(const ArchiveManifest& manifest) {
  std::string text;
  for (const auto& [file, facts] : manifest) {
    text += "{\"file\":" + JsonString(file);
    if (facts.lines) text += fmt::format(",\"lines\":{}", *facts.lines);
    text += fmt::format(",\"bytes\":{},\"sha256\":\"{}\"}}\n", facts.bytes, facts.sha256);
  }
  return text;
}

Result<ArchiveManifest> ParseArchiveManifest(std::string_view text, int64_t hour) {
  ArchiveManifest manifest;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    EntryReader entry;
    const bool good = end != std::string_view::npos && WalkJson(text.substr(0, end), entry) &&
                      entry.Whole(hour) &&
                      manifest.emplace(std::move(entry.file), std::move(entry.facts)).second;
    if (!good) {
      return Error{ErrorKind::kCorrupt,
                   fmt::format("line {} is not what is said of a file", number)};
    }
    text.remove_prefix(end + 1);
  }
  return manifest;
}

Result<ArchiveManifest> ReadArchiveManifest(FileSystem& files, const std::string& directory,
                                            int64_t hour) {
  const std::string path = directory + "/" + ArchiveManifestPath(hour);
  const Result<std::string> text = files.ReadWhole(path, kManifestBytesMax);
  if (!text)
    return text.error().code == ENOENT ? ArchiveManifest() : Result<ArchiveManifest>(text.error());
  Result<ArchiveManifest> manifest = ParseArchiveManifest(*text, hour);
  if (manifest) return manifest;
  return Error{manifest.error().kind,
               fmt::format("cannot read \"{}\": {}", path, manifest.error().message)};
}

Result<void> WriteArchiveManifest(FileSystem& files, const std::string& directory, int64_t hour,
                                  const ArchiveManifest& manifest) {
  const std::string path = directory + "/" + ArchiveManifestPath(hour);
  const std::string parent = path.substr(0, path.rfind('/'));
  if (manifest.empty()) {
    if (!files.Exists(path)) return {};
    if (auto removed = files.Remove(path); !removed) return removed;
    return files.SyncDirectory(parent);
  }
  if (auto made = files.MakeDirectories(parent); !made) return made;
  const std::string fresh = fmt::format("{}/{}/new", directory, kArchiveManifests);
  const Result<std::unique_ptr<WritableFile>> file = files.OpenWritable(fresh);
  if (!file) return file.error();
  if (auto emptied = (*file)->Truncate(0); !emptied) return emptied;
  if (auto written = (*file)->WriteAt(0, EncodeArchiveManifest(manifest)); !written) return written;
  if (auto synced = (*file)->Sync(); !synced) return synced;
  if (auto renamed = files.Rename(fresh, path); !renamed) return renamed;
  return files.SyncDirectory(parent);
}

Result<bool> ArchiveDigest::Continue(File& file, uint64_t bytes_max) {
  block_.resize(kBlockBytes);
  for (const uint64_t begin = bytes_; bytes_ - begin < bytes_max;) {
    const Result<size_t> count = file.ReadAt(bytes_, block_.data(), block_.size());
    if (!count) return count.error();
    if (*count == 0) return true;
    const std::string_view bytes(block_.data(), *count);
    bytes_ += *count;
    sum_.Add(bytes);
    if (!readable_) continue;
    const auto count_lines = [this](std::string_view piece) {
      lines_ += static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
      return true;
    };
    readable_ = decompressor_.Decompress(bytes, count_lines).ok();
  }
  return false;
}

ArchiveFacts ArchiveDigest::Finish() {
  readable_ = readable_ && decompressor_.complete();
  return {bytes_, readable_ ? std::optional(lines_) : std::nullopt, sum_.Finish()};
}

}  // namespace hinomi
