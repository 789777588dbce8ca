#include "collector/container/container_rows.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "collector/exposition.h"
#include "collector/words.h"

namespace hinomi {
namespace {

constexpr Duration kSettingsEvery = std::chrono::seconds(30);
// Dashboards tell containers from pods by an image: one that nobody tells by then is "unknown".
constexpr Duration kImageAwaited = std::chrono::seconds(10);

// Kills are those of containers: version 2 adds them up in pods, and a sum over rows would have
// them twice. A sandbox only waits.
constexpr Field kForgoneByOthers[] = {Field::kOomKills};
constexpr Field kForgoneBySandboxes[] = {
    Field::kOomKills,      Field::kCpuWaiting, Field::kCpuStalled, Field::kMemoryWaiting,
    Field::kMemoryStalled, Field::kIoWaiting,  Field::kIoStalled};

// The word after the name in parentheses, which may hold spaces; the first there is number 3.
std::string_view StatWord(std::string_view stat, int number) {
  const size_t end = stat.rfind(')');
  stat.remove_prefix(end == std::string_view::npos ? stat.size() : end + 1);
  std::string_view word;
  for (int i = 3; i <= number; ++i) word = TakeWord(&stat);
  return word;
}

double BootTime(const Host& host) {
  const Result<std::string> text = host.Read("/proc/stat");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (std::optional<std::string_view> line = TakeLine(&rest)) {
    if (TakeWord(&*line) != "btime") continue;
    return static_cast<double>(ParseCount(TakeWord(&*line)).value_or(0));
  }
  return 0;
}

}  // namespace

ContainerRows::ContainerRows(const Parts& parts, const Wanted& wanted)
    : host_(parts.host),
      oom_kills_(parts.oom_kills),
      clock_(parts.clock),
      metadata_(parts.metadata != nullptr),
      network_(wanted.network),
      tree_(FindCgroupHierarchies(parts.host), wanted.cgroups),
      names_({parts.host, parts.config, parts.metadata}) {
  unnamed_ = parts.metrics.GaugeOf("hinomi_container_rows_unnamed",
                                   "Containers that nobody could name in the last scrape.");
  left_out_ = parts.metrics.GaugeOf("hinomi_cgroups_left_out",
                                    "Directories of cgroups beyond what is looked at.");
}

// A row for each cgroup, and none for those that are gone.
void ContainerRows::Track() {
  rows_.clear();
  std::unordered_map<uint64_t, std::unique_ptr<ContainerRow>> gone;
  if (known_.size() > tree_.cgroups().size()) gone.swap(known_);
  for (Cgroup* cgroup : tree_.cgroups()) {
    std::unique_ptr<ContainerRow>& row = known_[cgroup->number];
    if (const auto old = gone.find(cgroup->number); old != gone.end()) row = std::move(old->second);
    if (row == nullptr) {
      row = std::make_unique<ContainerRow>();
      row->cgroup = cgroup;
      row->since = clock_.Monotonic();
      row->name.final = false;
    }
    if (!cgroup->gone) rows_.push_back(row.get());
  }
}

std::span<ContainerRow* const> ContainerRows::Read() {
  const Duration now = clock_.Monotonic();
  const bool settings = now - settings_read_ >= kSettingsEvery;
  if (settings) settings_read_ = now;
  tree_.Refresh();
  bool replaced = false;
  for (Cgroup* cgroup : tree_.cgroups()) {
    tree_.Read(*cgroup, settings);
    replaced = replaced || cgroup->gone;
  }
  if (replaced) {
    tree_.Refresh();
    for (Cgroup* cgroup : tree_.cgroups()) {
      if (!known_.contains(cgroup->number)) tree_.Read(*cgroup, /*settings=*/true);
    }
  }
  Track();
  names_.Begin();
  const double wall = std::chrono::duration<double>(clock_.Wall()).count();
  size_t unnamed = 0;
  for (ContainerRow* row : rows_) {
    if (!row->name.final) Name(*row);
    if (std::isnan(row->started)) Start(*row);
    unnamed += row->name.known ? 0 : 1;
    Cgroup& cgroup = *row->cgroup;
    cgroup.stats.Set(Field::kStartTime, row->started);
    cgroup.stats.Set(Field::kLastSeen, wall);
    const ContainerName& name = row->name;
    if (!name.container.empty() && cgroup.stats.Has(Field::kOomKills)) {
      const auto kills = static_cast<uint64_t>(cgroup.stats[Field::kOomKills]);
      cgroup.stats.Set(Field::kOomKills,
                       static_cast<double>(oom_kills_.Observe(
                           {name.namespace_name, name.pod, name.container}, cgroup.id, kills)));
    }
  }
  if (network_) ReadNetworks();
  unnamed_.Set(static_cast<double>(unnamed));
  left_out_.Set(static_cast<double>(tree_.directories_left_out()));
  return rows_;
}

void ContainerRows::Name(ContainerRow& row) {
  const Cgroup& cgroup = *row.cgroup;
  const std::vector<uint32_t> processes =
      cgroup.kind == CgroupKind::kContainer ? tree_.Processes(cgroup, 1) : std::vector<uint32_t>();
  row.name = names_.Of(cgroup, processes.empty() ? 0 : processes[0]);
  const bool nobody_to_tell = !metadata_ || clock_.Monotonic() - row.since >= kImageAwaited;
  if (!row.name.container.empty() && row.name.image.empty() && nobody_to_tell) {
    row.name.image = "unknown";
  }
  if (cgroup.kind != CgroupKind::kContainer) tree_.Forgo(*row.cgroup, kForgoneByOthers);
  if (row.name.sandbox) tree_.Forgo(*row.cgroup, kForgoneBySandboxes);
  row.labels.clear();
  AppendLabel(&row.labels, "container", row.name.container);
  AppendLabel(&row.labels, "id", cgroup.path);
  AppendLabel(&row.labels, "image", row.name.image);
  AppendLabel(&row.labels, "name", row.name.name);
  AppendLabel(&row.labels, "namespace", row.name.namespace_name);
  AppendLabel(&row.labels, "pod", row.name.pod);
  if (!row.name.docker_labels.empty()) row.labels += "," + row.name.docker_labels;
}

void ContainerRows::Start(ContainerRow& row) {
  if (boot_time_ == 0) boot_time_ = BootTime(host_);
  if (row.cgroup->kind == CgroupKind::kRoot) row.started = boot_time_;
  if (row.cgroup->kind != CgroupKind::kContainer) return;
  if (row.name.started > 0) row.started = row.name.started;
  if (!std::isnan(row.started)) return;
  for (const uint32_t process : tree_.Processes(*row.cgroup, 1)) {
    const Result<std::string> stat = host_.Read("/proc/" + std::to_string(process) + "/stat");
    const std::optional<uint64_t> ticks = stat ? ParseCount(StatWord(*stat, 22)) : std::nullopt;
    if (ticks) {
      row.started =
          boot_time_ + static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
  }
}

// The network namespace of the row's process, which is chosen anew where it has ended.
uint64_t ContainerRows::ChooseProcess(ContainerRow& row) {
  if (row.watched.process() != 0) {
    const std::optional<bool> alive = row.watched.Alive();
    if (alive.value_or(false)) return row.network_namespace;
    const uint64_t found = alive ? 0 : NetworkNamespaceOf(host_, row.watched.process());
    if (found == row.network_namespace && found != 0) return found;
  }
  row.watched.Forget();
  for (const uint32_t process : tree_.Processes(*row.cgroup, 4)) {
    row.watched.Watch(process);
    row.network_namespace = NetworkNamespaceOf(host_, process);
    if (row.network_namespace != 0) return row.network_namespace;
  }
  return 0;
}

bool ContainerRows::ReadNetwork(ContainerRow& row, uint32_t process) {
  Result<std::string> text = host_.Read("/proc/" + std::to_string(process) + "/net/dev");
  row.interfaces.clear();
  if (!text) return false;
  row.network_text = std::move(*text);
  ParseInterfaces(row.network_text, &row.interfaces);
  std::erase_if(row.interfaces, [](const InterfaceCounts& interface) {
    return !IsContainersInterface(interface.name);
  });
  return true;
}

// Sandboxes first: the interfaces of a pod are theirs.
void ContainerRows::ReadNetworks() {
  namespaces_.clear();
  const uint64_t nodes = NetworkNamespaceOf(host_, 1);
  for (const bool sandboxes : {true, false}) {
    for (ContainerRow* row : rows_) {
      const bool container = row->cgroup->kind == CgroupKind::kContainer;
      if (!container && row->cgroup->kind != CgroupKind::kRoot) continue;
      const bool first = !container || row->name.container.empty();
      if (first != sandboxes) continue;
      row->interfaces.clear();
      row->owns_network = false;
      if (!container) {
        ReadNetwork(*row, 1);
        continue;
      }
      const uint64_t found = ChooseProcess(*row);
      const bool taken =
          std::find(namespaces_.begin(), namespaces_.end(), found) != namespaces_.end();
      if (found == 0 || found == nodes || taken) continue;
      row->owns_network = ReadNetwork(*row, row->watched.process());
      if (row->owns_network) namespaces_.push_back(found);
    }
  }
}

}  // namespace hinomi
