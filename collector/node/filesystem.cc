// Size, free space and inodes, by mount.
// Source: /proc/1/mountinfo, statfs(2) below the host's root.
#include "collector/node/filesystem.h"

#include <algorithm>

#include "collector/node/mount_probe.h"
#include "collector/words.h"

namespace hinomi {
namespace {

// What stands before the next space, which may be nothing.
std::string_view TakeField(std::string_view* line) {
  const std::string_view field = line->substr(0, line->find(' '));
  line->remove_prefix(std::min(field.size() + 1, line->size()));
  return field;
}

// Resolves the kernel's escapes: three octal digits behind a backslash.
std::string Unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::optional<uint64_t> code =
        text[0] == '\\' && text.size() >= 4 ? ParseCount(text.substr(1, 3), 8) : std::nullopt;
    plain += code && *code <= 0xFF ? static_cast<char>(*code) : text[0];
    text.remove_prefix(code && *code <= 0xFF ? 4 : 1);
  }
  return plain;
}

bool IsReadOnly(std::string_view options) { return options == "ro" || options.starts_with("ro,"); }

}  // namespace

Result<std::vector<Mount>> ParseMountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  while (auto line = TakeLine(&text)) {
    const std::optional<uint64_t> id = ParseCount(TakeField(&*line));
    for (int i = 0; i < 3; ++i) TakeField(&*line);  // parent, device number, root
    const std::string_view mount_point = TakeField(&*line);
    const std::string_view options = TakeField(&*line);
    while (!line->empty() && TakeField(&*line) != "-") {
    }
    const std::string_view type = TakeField(&*line);
    const std::string_view device = TakeField(&*line);
    if (!id || !mount_point.starts_with("/") || type.empty() || line->empty()) {
      return Unexpected(kMountinfoFile, "eleven fields of a mount");
    }
    const Mount mount = {*id, std::string(device), std::string(type), Unescape(mount_point),
                         IsReadOnly(options) || IsReadOnly(*line)};
    std::erase_if(mounts, [&](const Mount& m) { return m.mount_point == mount.mount_point; });
    mounts.push_back(mount);
  }
  return mounts;
}

namespace {

class Filesystem final : public Collector {
 public:
  explicit Filesystem(const CollectorParts& parts)
      : parts_(parts),
        places_(parts.config.mount_points_exclude),
        types_(parts.config.filesystem_types_exclude) {}

  Result<void> Collect(Exposition& out) override {
    return ForFile(parts_.host, std::string(kMountinfoFile), ParseMountinfo,
                   [&](const std::vector<Mount>& mounts) { Write(mounts, out); });
  }

 private:
  void Write(std::vector<Mount> mounts, Exposition& out) {
    std::erase_if(mounts, [&](const Mount& mount) {
      return places_.Excludes(mount.mount_point) || types_.Excludes(mount.type);
    });
    std::vector<MountProbe::Question> questions;
    for (const Mount& mount : mounts) {
      questions.push_back({mount.id, parts_.host.PathOf(mount.mount_point)});
    }
    const auto usages = probe_.Probe(questions, parts_.config.filesystem_timeout);
    std::vector<LabelledValues> rows;
    for (const Mount& mount : mounts) {
      const auto usage = usages.find(mount.id);
      rows.push_back(RowOf(mount, usage == usages.end() ? nullptr : &usage->second));
    }
    WriteColumns(rows, kFilesystemMetrics, out);
  }

  // As the metrics.
  static LabelledValues RowOf(const Mount& mount, const FileSystemUsage* usage) {
    std::string labels;
    AppendLabel(&labels, "device", mount.device);
    AppendLabel(&labels, "fstype", mount.type);
    AppendLabel(&labels, "mountpoint", mount.mount_point);
    if (usage == nullptr) return {labels, {{}, {}, {}, {}, {}, {}, 1}};
    const double read_only = mount.read_only ? 1 : 0;
    return {labels,
            {usage->size_bytes, usage->free_bytes, usage->available_bytes, usage->files,
             usage->files_free, read_only, 0}};
  }

  const CollectorParts parts_;
  const Exclusion places_, types_;
  MountProbe probe_;
};

}  // namespace

std::unique_ptr<Collector> MakeFilesystem(const CollectorParts& parts) {
  return std::make_unique<Filesystem>(parts);
}

}  // namespace hinomi
