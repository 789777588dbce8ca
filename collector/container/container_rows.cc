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
  std::unordered_map<uint64_t, ContainerRow> gone;
  if (known_.size() > tree_.cgroups().size()) gone.swap(known_);
  for (Cgroup* cgroup : tree_.cgroups()) {
    if (auto old = gone.extract(cgroup->number)) known_.insert(std::move(old));
    ContainerRow& row = known_[cgroup->number];
    if (row.cgroup == nullptr) {
      row.cgroup = cgroup;
      row.since = clock_.Monotonic();
    }
    if (!cgroup->gone) rows_.push_back(&row);
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
  const double wall = std::chrono::duration<double>(clock_.Wall()).count();
  size_t unnamed = 0;
  bool final = true;
  names_.Begin();
  for (ContainerRow* row : rows_) {
    if (!row->final) Name(*row);
    final = final && row->final;
    if (std::isnan(row->started)) Start(*row);
    unnamed += row->known ? 0 : 1;
    Cgroup& cgroup = *row->cgroup;
    cgroup.stats.Set(Field::kStartTime, row->started);
    cgroup.stats.Set(Field::kLastSeen, wall);
    if (!row->container.empty() && cgroup.stats.Has(Field::kOomKills)) {
      const auto kills = static_cast<uint64_t>(cgroup.stats[Field::kOomKills]);
      const OomKills::Who who = {row->namespace_name, row->pod, row->container};
      const uint64_t total =
          kills == 0 ? oom_kills_.Total(who) : oom_kills_.Observe(who, cgroup.id(), kills);
      cgroup.stats.Set(Field::kOomKills, static_cast<double>(total));
    }
  }
  if (final) names_.Forget();
  if (network_) ReadNetworks();
  unnamed_.Set(static_cast<double>(unnamed));
  left_out_.Set(static_cast<double>(tree_.directories_left_out()));
  return rows_;
}

void ContainerRows::Name(ContainerRow& row) {
  const Cgroup& cgroup = *row.cgroup;
  const std::vector<uint32_t> processes =
      cgroup.kind == CgroupKind::kContainer ? tree_.Processes(cgroup, 1) : std::vector<uint32_t>();
  ContainerName name = names_.Of(cgroup, processes.empty() ? 0 : processes[0]);
  const bool nobody_to_tell = !metadata_ || clock_.Monotonic() - row.since >= kImageAwaited;
  if (!name.container.empty() && name.image.empty() && nobody_to_tell) name.image = "unknown";
  if (cgroup.kind != CgroupKind::kContainer) tree_.Forgo(*row.cgroup, kForgoneByOthers);
  if (name.sandbox) tree_.Forgo(*row.cgroup, kForgoneBySandboxes);
  row.labels.clear();
  AppendLabel(&row.labels, "container", name.container);
  AppendLabel(&row.labels, "id", cgroup.path);
  AppendLabel(&row.labels, "image", name.image);
  AppendLabel(&row.labels, "name", name.name);
  AppendLabel(&row.labels, "namespace", name.namespace_name);
  AppendLabel(&row.labels, "pod", name.pod);
  if (!name.docker_labels.empty()) row.labels += "," + name.docker_labels;
  row.labels.shrink_to_fit();
  row.namespace_name = std::move(name.namespace_name);
  row.pod = std::move(name.pod);
  row.container = std::move(name.container);
  row.known = name.known;
  row.final = name.final;
  if (name.started > 0 && std::isnan(row.started)) row.started = name.started;
}

void ContainerRows::Start(ContainerRow& row) {
  if (boot_time_ == 0) boot_time_ = BootTime(host_);
  if (row.cgroup->kind == CgroupKind::kRoot) row.started = boot_time_;
  if (row.cgroup->kind != CgroupKind::kContainer) return;
  for (const uint32_t process : tree_.Processes(*row.cgroup, 1)) {
    const Result<std::string> stat = host_.Read("/proc/" + std::to_string(process) + "/stat");
    const std::optional<uint64_t> ticks = stat ? ParseCount(StatWord(*stat, 22)) : std::nullopt;
    if (ticks) {
      row.started =
          boot_time_ + static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }
  }
}

void ContainerRows::ChooseProcess(ContainerRow& row) {
  row.network_namespace = 0;
  for (const uint32_t process : tree_.Processes(*row.cgroup, 4)) {
    row.watched.Watch(host_, process);
    row.network_namespace = row.watched.NetworkNamespace();
    if (row.network_namespace != 0) return;
  }
  row.watched.Forget();
}

// False when the process has ended.
bool ContainerRows::ReadInterfaces(const WatchedProcess& process, ContainerRow& row) {
  if (!process.ReadInterfaces(&text_)) return false;
  interfaces_.clear();
  ParseInterfaces(text_, &interfaces_);
  std::erase_if(interfaces_, [](const InterfaceCounts& interface) {
    return !IsContainersInterface(interface.name);
  });
  row.interfaces = interfaces_;
  return true;
}

void ContainerRows::ReadNetwork(ContainerRow& row) {
  // It may be the runtime's, which was seen before it made the namespace, and has ended.
  if (row.network_namespace == namespaces_[0]) {
    row.network_namespace = row.watched.NetworkNamespace();
  }
  if (row.network_namespace == 0) ChooseProcess(row);
  const auto read = [&] {
    const bool others = row.network_namespace == 0 ||
                        std::find(namespaces_.begin(), namespaces_.end(), row.network_namespace) !=
                            namespaces_.end();
    row.owns_network = !others && ReadInterfaces(row.watched, row);
    return others || row.owns_network;
  };
  if (!read()) {
    ChooseProcess(row);
    read();
  }
  if (row.owns_network) namespaces_.push_back(row.network_namespace);
}

// Sandboxes first: the interfaces of a pod are theirs.
void ContainerRows::ReadNetworks() {
  init_.Watch(host_, 1);
  namespaces_ = {init_.NetworkNamespace()};
  for (ContainerRow* row : rows_) {
    row->interfaces.clear();
    row->owns_network = false;
    if (row->cgroup->kind == CgroupKind::kRoot) ReadInterfaces(init_, *row);
  }
  for (const bool sandboxes : {true, false}) {
    for (ContainerRow* row : rows_) {
      if (row->cgroup->kind == CgroupKind::kContainer && row->container.empty() == sandboxes) {
        ReadNetwork(*row);
      }
    }
  }
}

}  // namespace hinomi
