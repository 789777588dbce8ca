#include "shipper/source/escrow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/logging.h"

namespace hinomi {
namespace {

constexpr char kAbsolute[] = "@";  // stands before the slash of an absolute path

constexpr std::string_view kCompressed = ".gz";

constexpr std::string_view kProbe = "probe";
constexpr std::string_view kProbeLink = "probe.link";

}  // namespace

std::optional<HeldName> ParseHeldName(const std::string& relative) {
  const size_t slash = relative.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  HeldName name;
  name.directory = relative.substr(0, slash);
  if (name.directory.starts_with(kAbsolute)) name.directory.erase(0, 1);
  const char* at = relative.data() + slash + 1;
  const char* end = relative.data() + relative.size();
  const auto restart = std::from_chars(at, end, name.restart);
  if (restart.ec != std::errc() || restart.ptr == end || *restart.ptr != '.') return std::nullopt;
  const auto ordinal = std::from_chars(restart.ptr + 1, end, name.ordinal);
  const std::string_view rest(ordinal.ptr, static_cast<size_t>(end - ordinal.ptr));
  name.compressed = rest == kCompressed;
  if (ordinal.ec != std::errc() || (!rest.empty() && !name.compressed)) return std::nullopt;
  return name;
}

bool IsProbeName(std::string_view relative) { return relative == kProbe || relative == kProbeLink; }

Result<void> TryLinks(FileSystem& files, const std::string& directory, File* sample) {
  const std::string file = fmt::format("{}/{}", directory, kProbe);
  const std::string link = fmt::format("{}/{}", directory, kProbeLink);
  for (const std::string& left : {file, link}) {
    if (!files.Exists(left)) continue;
    if (const Result<void> removed = files.Remove(left); !removed) return removed;
  }
  const Result<std::unique_ptr<WritableFile>> opened = files.OpenWritable(file);
  Result<void> linked = opened ? (*opened)->LinkTo(link) : opened.error();
  if (linked && sample != nullptr) {
    linked = files.Remove(link);
    if (linked) linked = sample->LinkTo(link);
  }
  for (const std::string& made : {file, link}) {
    if (files.Exists(made)) files.Remove(made).ok();
  }
  return linked;
}

Escrow::Escrow(std::string directory, FileSystem& files, Metrics& metrics)
    : directory_(std::move(directory)),
      files_(files),
      up_(metrics.GaugeOf("hinomi_escrow_up",
                          "0 while unsettled files are held by their descriptors alone, which "
                          "does not survive a restart.")),
      links_(metrics.GaugeOf("hinomi_escrow_files", "Files of logs that are linked.")),
      errors_(metrics.CounterOf("hinomi_escrow_errors_total",
                                "Files of logs that could not be linked or released.")) {}

void Escrow::Degrade(const std::string& why) {
  degraded_ = why;
  up_.Set(0);
  log::Warn("{}; files that are not settled are held by their descriptors, until a restart", why);
}

void Escrow::Probe() {
  works_ = false;
  if (directory_.empty()) return Degrade("the escrow is switched off");
  Result<void> tried = files_.MakePrivateDirectory(directory_);
  if (Result<std::unique_ptr<FileLock>> lock = files_.Lock(directory_); tried && !lock) {
    others_ = lock.error().kind == ErrorKind::kTransient;
    tried = lock.error();
  } else if (lock) {
    lock_ = std::move(*lock);
  }
  if (tried) tried = TryLinks(files_, directory_);
  if (!tried) return Degrade(tried.error().message);
  works_ = true;
  degraded_.clear();
  up_.Set(1);
}

std::string Escrow::PathOf(const HeldName& name) const {
  return fmt::format("{}/{}{}/{}.{}{}", directory_,
                     name.directory.starts_with('/') ? kAbsolute : "", name.directory, name.restart,
                     name.ordinal, name.compressed ? kCompressed : "");
}

void Escrow::ScanBelow(const std::string& relative, std::vector<HeldFile>* found) {
  const Result<std::vector<DirectoryEntry>> entries = files_.List(directory_, relative);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = relative.empty() ? entry.name : relative + "/" + entry.name;
    if (entry.kind == FileKind::kDirectory) ScanBelow(path, found);
    if (entry.kind != FileKind::kRegular) continue;
    const std::optional<HeldName> name = ParseHeldName(path);
    if (!name) continue;
    Result<std::unique_ptr<File>> file = files_.Open(directory_, path);
    const Result<FileStat> stat = file ? (*file)->Stat() : file.error();
    if (stat) {
      found->push_back({*name, std::move(*file), *stat});
      continue;
    }
    errors_.Add();
    log::Warn("{}; it stays in the escrow until the next start", stat.error().message);
  }
}

std::vector<HeldFile> Escrow::Scan() {
  std::vector<HeldFile> found;
  // Also where nothing can be linked now: what is there may be all that is left of its logs.
  if (!directory_.empty() && !others_) ScanBelow("", &found);
  std::sort(found.begin(), found.end(),
            [](const HeldFile& a, const HeldFile& b) { return a.name < b.name; });
  links_.Set(static_cast<double>(found.size()));
  return found;
}

bool Escrow::Hold(const HeldName& name, File& file, const std::string& root) {
  if (!works_ || foreign_roots_.contains(root)) return false;
  const std::string path = PathOf(name);
  Result<void> linked = file.LinkTo(path);
  if (!linked && linked.error().code == ENOENT) {
    const Result<void> made = files_.MakePrivateDirectory(path.substr(0, path.rfind('/')));
    linked = made ? file.LinkTo(path) : made;
  }
  if (!linked && linked.error().code == EEXIST) {
    // Of a segment that is no longer known: those that are were found by Scan.
    const Result<void> removed = files_.Remove(path);
    linked = removed ? file.LinkTo(path) : removed;
  }
  if (linked) {
    links_.Add(1);
    return true;
  }
  if (linked.error().code == ENOENT) return false;  // it has no name left to be linked by
  errors_.Add();
  if (linked.error().code == EXDEV) {
    foreign_roots_.insert(root);
    Degrade(fmt::format(
        "{}; \"{}\" and the escrow must lie on one mount: mount what contains both as one",
        linked.error().message, root));
  } else {
    log::Warn("{}; the file is held by its descriptor", linked.error().message);
  }
  return false;
}

void Escrow::Release(const HeldName& name) {
  std::string path = PathOf(name);
  const Result<void> removed = files_.Remove(path);
  if (!removed && removed.error().code != ENOENT) {
    errors_.Add();
    log::Warn("{}; it takes up space until the next start", removed.error().message);
    return;
  }
  links_.Add(-1);
  // The first directory that is not empty ends this.
  for (path.erase(path.rfind('/')); path.size() > directory_.size(); path.erase(path.rfind('/'))) {
    if (!files_.Remove(path)) break;
  }
}

}  // namespace hinomi
