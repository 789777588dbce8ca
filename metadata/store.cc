#include "metadata/store.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "metadata/pod_json.h"
#include "metadata/pod_wishes.h"

namespace hinomi {
namespace {

constexpr Duration kPollEvery = std::chrono::seconds(5);
constexpr Duration kPollEveryMin = std::chrono::milliseconds(100);
constexpr Duration kBackOffMin = std::chrono::seconds(1);
constexpr Duration kBackOffMax = std::chrono::seconds(30);
constexpr Duration kOldNewsAfter = std::chrono::hours(1);
constexpr Duration kExitsToldAfter = std::chrono::seconds(1);
constexpr uint64_t kFileBytesMax = 4 << 20;
constexpr size_t kTextBytesMax = 64 << 10;  // of a pod's labels, and of its annotations
constexpr size_t kRunsMax = 64;             // of a container that are gone from the runtime
constexpr std::string_view kExtension = ".json";

/// Drops the last ones of more text than anybody means seriously.
void Bound(std::map<std::string, std::string>* texts) {
  size_t bytes = 0;
  auto it = texts->begin();
  while (it != texts->end() && bytes + it->first.size() + it->second.size() <= kTextBytesMax) {
    bytes += it->first.size() + it->second.size();
    ++it;
  }
  texts->erase(it, texts->end());
}

bool Earlier(const ContainerMetadata& one, const ContainerMetadata& other) {
  return std::tie(one.name, one.attempt) < std::tie(other.name, other.attempt);
}

/// `listed`, and those of `known` that the runtime has removed meanwhile.
std::vector<ContainerMetadata> MergeContainers(const std::vector<ContainerMetadata>& known,
                                               std::vector<ContainerMetadata> listed) {
  std::map<std::string, size_t> gone;
  for (auto it = known.rbegin(); it != known.rend(); ++it) {
    const auto same = std::find_if(listed.begin(), listed.end(), [&](const auto& container) {
      return container.name == it->name && container.attempt == it->attempt;
    });
    if (same == listed.end()) {
      if (++gone[it->name] <= kRunsMax) listed.push_back(*it);
    } else if (same->id == it->id && same->image.empty()) {
      same->image = it->image;  // the runtime did not say this time
    }
  }
  std::sort(listed.begin(), listed.end(), Earlier);
  return listed;
}

void ReportWishes(const PodMetadata& pod) {
  std::vector<std::string> problems;
  WishesOf(pod.annotations, &problems);
  for (const std::string& problem : problems) {
    log::Warn("ignored an annotation of pod \"{}/{}\": {}", pod.namespace_name, pod.name, problem);
  }
}

}  // namespace

MetadataStore::MetadataStore(Options options, Parts parts)
    : options_(std::move(options)),
      files_(parts.files),
      clock_(parts.clock),
      changed_(std::move(parts.changed)),
      exited_(std::move(parts.exited)),
      started_(std::move(parts.started)),
      made_(parts.clock.Wall()),
      pods_gauge_(parts.metrics.GaugeOf("hinomi_metadata_pods", "Pods whose metadata is kept.")),
      refused_(parts.metrics.GaugeOf("hinomi_metadata_pods_refused",
                                     "Pods of this node that metadata.pods_max has no room for.")),
      damaged_(parts.metrics.CounterOf("hinomi_metadata_files_damaged_total",
                                       "Files of metadata that could not be read.")),
      write_errors_(parts.metrics.CounterOf("hinomi_metadata_write_errors_total",
                                            "Files of metadata that could not be written.")),
      waited_in_vain_(
          parts.metrics.CounterOf("hinomi_metadata_waits_expired_total",
                                  "Pods that metadata.wait_max was over for before anybody had "
                                  "told who they are.")) {
  for (size_t i = 0; i < kContainerStates; ++i) {
    containers_[i] =
        parts.metrics.GaugeOf("hinomi_node_containers", "Containers that the runtime has.",
                              {{"state", std::string(ToString(static_cast<ContainerState>(i)))}});
  }
  runtime_.source = std::move(parts.runtime);
  runtime_.name = "runtime";
  kubelet_.source = std::move(parts.kubelet);
  kubelet_.name = "kubelet";
  for (Source* source : {&runtime_, &kubelet_}) {
    if (source->source == nullptr) continue;
    const Labels labels = {{"source", source->name}};
    source->up =
        parts.metrics.GaugeOf("hinomi_metadata_source_up",
                              "1 when it answers, 0 when it does not or is not there.", labels);
    source->errors = parts.metrics.CounterOf("hinomi_metadata_errors_total",
                                             "Listings of pods that failed.", labels);
  }
}

void MetadataStore::Load() {
  const Result<void> made = files_.MakeDirectories(options_.directory);
  if (!made) log::Warn("{}; metadata of pods will not survive a restart", made.error().message);
  const auto root = files_.Resolve("/", options_.directory);
  const auto entries = root ? files_.List(*root, "") : root.error();
  if (!entries) return;
  const std::lock_guard lock(mutex_);
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = options_.directory + "/" + entry.name;
    if (!entry.name.ends_with(kExtension)) {
      forgotten_.insert(path);  // the writer was interrupted
      continue;
    }
    const Result<std::string> text = files_.ReadWhole(path, kFileBytesMax);
    auto pod = text ? PodFromJson(*text) : Result<PodMetadata>(text.error());
    if (!pod || PathOf(pod->uid) != path) {
      log::Warn("cannot use \"{}\": {}; it is removed", path,
                pod ? "it belongs to another pod" : pod.error().message);
      damaged_.Add();
      forgotten_.insert(path);
    } else if (pods_.size() < options_.pods_max) {
      const std::string uid = pod->uid;
      pods_[uid] = {std::make_shared<const PodMetadata>(*std::move(pod)), true, true};
    }
  }
  pods_gauge_.Set(static_cast<double>(pods_.size()));
}

bool MetadataStore::Awaits(const Source& source, bool known, Duration since) {
  const bool answers = source.state == State::kUntried || source.state == State::kUp;
  return source.source != nullptr && !known && answers &&
         (!source.listed_at || *source.listed_at < since);
}

MetadataStore::Answer MetadataStore::Ask(const Container& container, Duration since) {
  const std::lock_guard lock(mutex_);
  Answer answer;
  const auto entry = pods_.find(container.pod_uid);
  if (entry != pods_.end()) answer.pod = entry->second.pod;
  const bool known = answer.pod != nullptr &&
                     FindContainer(*answer.pod, container.name, container.attempt) != nullptr;
  const bool owner_known = answer.pod != nullptr && answer.pod->from_kubelet;
  if (clock_.Monotonic() < since + options_.wait_max) {
    for (auto [source, satisfied] : {std::pair(&runtime_, known), {&kubelet_, owner_known}}) {
      if (!Awaits(*source, satisfied, since)) continue;
      source->wanted = true;
      answer.wait = true;
    }
  }
  if (answer.wait) {
    waiting_.try_emplace(container.pod_uid, since);
    woken_ = true;
    wake_.notify_all();
    return answer;
  }
  const auto there = [](const Source& source) {
    return source.source != nullptr && source.state != State::kAbsent;
  };
  answer.missing = there(runtime_) ? !known : there(kubelet_) && answer.pod == nullptr;
  return answer;
}

std::shared_ptr<const PodMetadata> MetadataStore::Find(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto entry = pods_.find(uid);
  return entry == pods_.end() ? nullptr : entry->second.pod;
}

std::vector<MetadataStore::Listed> MetadataStore::Pods() const {
  const std::lock_guard lock(mutex_);
  std::vector<Listed> pods;
  for (const auto& [uid, entry] : pods_) {
    if (!entry.listed) continue;
    const bool told = kubelet_.state == State::kUp;
    pods.push_back({entry.pod, told ? entry.ready : std::nullopt});
  }
  return pods;
}

std::vector<std::pair<std::string, std::string>> MetadataStore::Problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::string>> problems;
  for (const Source* source : {&runtime_, &kubelet_}) {
    if (!source->problem.empty()) problems.emplace_back(source->name, source->problem);
  }
  return problems;
}

void MetadataStore::Keep(const std::set<std::string>& uids) {
  const std::lock_guard lock(mutex_);
  std::erase_if(pods_, [&](const auto& entry) {
    const bool goes = !entry.second.listed && !uids.contains(entry.first);
    if (goes) forgotten_.insert(PathOf(entry.first));
    return goes;
  });
  pods_gauge_.Set(static_cast<double>(pods_.size()));
}

void MetadataStore::Expire() {
  std::vector<std::string> expired;
  {
    const std::lock_guard lock(mutex_);
    const Duration now = clock_.Monotonic();
    std::erase_if(waiting_, [&](const auto& wait) {
      const bool over = now >= wait.second + options_.wait_max;
      if (over) expired.push_back(wait.first);
      return over;
    });
  }
  if (expired.empty()) return;
  waited_in_vain_.Add(static_cast<double>(expired.size()));
  changed_(expired);
}

Duration MetadataStore::DueOf(const Source& source) {
  if (source.source == nullptr) return Duration::max();
  if (!source.asked_at) return Duration{0};
  if (source.failures > 0) {
    return *source.asked_at +
           std::min(kBackOffMax, kBackOffMin * (1 << std::min(source.failures - 1, 5)));
  }
  return *source.asked_at + (source.wanted ? kPollEveryMin : kPollEvery);
}

Duration MetadataStore::Step(const std::stop_token& stop) {
  for (Source* source : {&runtime_, &kubelet_}) {
    std::unique_lock lock(mutex_);
    const bool due = DueOf(*source) <= clock_.Monotonic();
    lock.unlock();
    if (due && !stop.stop_requested()) Poll(*source, stop);
  }
  Expire();
  TellExits();
  Store();
  const std::lock_guard lock(mutex_);
  Duration next = std::min(DueOf(runtime_), DueOf(kubelet_));
  if (!exits_.empty()) next = std::min(next, exits_.front().noticed + kExitsToldAfter);
  for (const auto& [uid, since] : waiting_) next = std::min(next, since + options_.wait_max);
  return std::max(next - clock_.Monotonic(), Duration{0});
}

void MetadataStore::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Duration pause = std::min<Duration>(Step(stop), kPollEvery);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause, [this] { return woken_; });
    woken_ = false;
  }
}

void MetadataStore::Poll(Source& source, const std::stop_token& stop) {
  const Duration begin = clock_.Monotonic();
  {
    const std::lock_guard lock(mutex_);
    source.asked_at = begin;
    source.wanted = false;  // a question that comes from here on waits for the next listing
  }
  Result<std::vector<PodMetadata>> pods = source.source->List(stop);
  if (stop.stop_requested()) return;
  std::set<std::string> uids;
  {
    const std::lock_guard lock(mutex_);
    if (pods) {
      if (source.state == State::kDown) log::Info("the {} answers again", source.name);
      source.state = State::kUp;
      source.problem.clear();
      source.listed_at = begin;
      source.failures = 0;
      source.up.Set(1);
      uids = Take(source, *std::move(pods));
    } else {
      Failed(source, pods.error());
    }
    // They ask again, and wait again where there is still something to wait for.
    for (const auto& [uid, since] : std::exchange(waiting_, {})) uids.insert(uid);
  }
  if (!uids.empty()) changed_({uids.begin(), uids.end()});
}

void MetadataStore::NoticeExits(const PodMetadata& known,
                                const std::shared_ptr<const PodMetadata>& next) {
  if (exited_ == nullptr) return;
  for (const ContainerMetadata& container : next->containers) {
    if (container.state != ContainerState::kExited) continue;
    const ContainerMetadata* before = FindContainer(known, container.name, container.attempt);
    const bool old_news = before == nullptr && container.finished < clock_.Wall() - kOldNewsAfter;
    const bool known_already = before != nullptr && before->state == ContainerState::kExited;
    if (!old_news && !known_already) exits_.push_back({next, container, clock_.Monotonic()});
  }
}

void MetadataStore::NoticeStarts(const PodMetadata& known, const PodMetadata& next) const {
  if (started_ == nullptr) return;
  for (const ContainerMetadata& container : next.containers) {
    if (container.started <= Duration{0} || container.started < made_) continue;
    const ContainerMetadata* before = FindContainer(known, container.name, container.attempt);
    if (before == nullptr || before->started <= Duration{0}) started_(next, container);
  }
}

void MetadataStore::TellExits() {
  std::vector<Exit> due;
  {
    const std::lock_guard lock(mutex_);
    const Duration until = clock_.Monotonic() - kExitsToldAfter;
    const auto later = std::find_if(exits_.begin(), exits_.end(),
                                    [&](const Exit& exit) { return exit.noticed > until; });
    due.assign(exits_.begin(), later);
    exits_.erase(exits_.begin(), later);
  }
  for (const Exit& exit : due) exited_(*exit.pod, exit.container);
}

void MetadataStore::Failed(Source& source, const Error& error) {
  const State state = error.kind == ErrorKind::kIo ? State::kAbsent : State::kDown;
  if (state != source.state && state == State::kAbsent) {
    log::Info("{}; documents will have no labels from it", error.message);
  }
  if (state != source.state && state == State::kDown) {
    log::Warn("{}; pods that are not known yet are shipped without metadata until it answers",
              error.message);
  }
  if (state == State::kDown) source.errors.Add();
  source.state = state;
  source.problem = error.message;
  source.up.Set(0);
  ++source.failures;
}

std::set<std::string> MetadataStore::Take(const Source& source, std::vector<PodMetadata> pods) {
  // The runtime alone knows what is gone; the kubelet stands in for it where it is not there.
  if (&source == &runtime_ || runtime_.state != State::kUp) {
    for (auto& [uid, entry] : pods_) entry.listed = false;
  }
  if (&source == &kubelet_) {
    for (auto& [uid, entry] : pods_) entry.ready.reset();
  }
  std::set<std::string> changed;
  size_t refused = 0;
  for (PodMetadata& pod : pods) {
    const std::string uid = pod.uid;
    auto entry = pods_.find(uid);
    if (entry == pods_.end() && pods_.size() >= options_.pods_max) {
      ++refused;
      continue;
    }
    if (entry == pods_.end()) entry = pods_.try_emplace(uid).first;
    forgotten_.erase(PathOf(uid));
    entry->second.listed = true;
    if (Merge(&entry->second, std::move(pod))) changed.insert(uid);
  }
  pods_gauge_.Set(static_cast<double>(pods_.size()));
  refused_.Set(static_cast<double>(refused));
  std::array<size_t, kContainerStates> states = {};
  for (const auto& [uid, entry] : pods_) {
    if (!entry.listed) continue;
    for (const ContainerMetadata& container : entry.pod->containers) {
      ++states[static_cast<size_t>(container.state)];
    }
  }
  for (size_t i = 0; i < states.size(); ++i) containers_[i].Set(static_cast<double>(states[i]));
  return changed;
}

bool MetadataStore::Merge(Entry* entry, PodMetadata next) {
  Bound(&next.labels);
  Bound(&next.annotations);
  const PodMetadata none;
  const PodMetadata& known = entry->pod == nullptr ? none : *entry->pod;
  if (next.from_kubelet) {
    entry->ready = std::exchange(next.ready, std::nullopt);
    next.containers = known.containers;
    next.sandbox_id = known.sandbox_id;
  } else {
    next.containers = MergeContainers(known.containers, std::move(next.containers));
    if (known.from_kubelet) {
      next.labels = known.labels;
      next.annotations = known.annotations;
      next.owner = known.owner;
      next.from_kubelet = true;
    }
  }
  if (entry->pod != nullptr && next == known) return false;
  if (next.annotations != known.annotations) ReportWishes(next);
  auto pod = std::make_shared<const PodMetadata>(std::move(next));
  NoticeExits(known, pod);
  NoticeStarts(known, *pod);
  entry->pod = std::move(pod);
  entry->stored = false;
  return true;
}

std::string MetadataStore::PathOf(const std::string& uid) const {
  return options_.directory + "/" + uid + std::string(kExtension);
}

Result<void> MetadataStore::Write(const PodMetadata& pod) {
  const std::string path = PathOf(pod.uid);
  const Result<void> written = files_.WriteSynced(path + ".new", ToJson(pod));
  return written ? files_.Rename(path + ".new", path) : written;
}

PodMetadata MetadataStore::WithoutUntold(PodMetadata pod) const {
  const std::lock_guard lock(mutex_);
  for (const Exit& exit : exits_) {
    if (exit.pod->uid != pod.uid) continue;
    for (ContainerMetadata& container : pod.containers) {
      const bool same =
          container.name == exit.container.name && container.attempt == exit.container.attempt;
      if (same) container.state = ContainerState::kRunning;
    }
  }
  return pod;
}

void MetadataStore::Store() {
  std::vector<std::shared_ptr<const PodMetadata>> pods;
  std::set<std::string> forgotten;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [uid, entry] : pods_) {
      if (!entry.stored) pods.push_back(entry.pod);
    }
    forgotten.swap(forgotten_);
  }
  if (pods.empty() && forgotten.empty()) return;
  for (const std::string& path : forgotten) {
    if (files_.Exists(path)) static_cast<void>(files_.Remove(path));  // the next start tries again
  }
  for (const auto& pod : pods) {
    const PodMetadata told = WithoutUntold(*pod);
    const Result<void> written = Write(told);
    if (!written) {
      write_errors_.Add();
      log::Warn("{}; the metadata of pod \"{}/{}\" would not survive a restart",
                written.error().message, pod->namespace_name, pod->name);
      continue;
    }
    const std::lock_guard lock(mutex_);
    const auto entry = pods_.find(pod->uid);
    if (entry != pods_.end() && entry->second.pod == pod) entry->second.stored = told == *pod;
  }
  const Result<void> synced = files_.SyncDirectory(options_.directory);
  if (!synced) write_errors_.Add();
}

}  // namespace hinomi
