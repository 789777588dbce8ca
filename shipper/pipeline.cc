#include "shipper/pipeline.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/logging.h"
#include "base/planted_bug.h"
#include "shipper/plaintext.h"
#include "shipper/source/docker.h"
#include "shipper/source/kubernetes.h"

namespace hinomi {
namespace {

constexpr Duration kCheckpointEvery = std::chrono::seconds(1);
constexpr Duration kKeepMetadataEvery = std::chrono::minutes(1);
constexpr Duration kLookEvery = std::chrono::seconds(10);
constexpr uint64_t kCheckpointBytesPerSecond = 256 << 10;

}  // namespace

LogStoreOptions Pipeline::StoreOptions(const Config& config, const std::string& own_pod,
                                       const Parts& parts) {
  LogStoreOptions options;
  options.node = config.node;
  options.own_pod = own_pod;
  options.metadata = parts.metadata;
  options.open_record_delay_max = config.limits.open_record_delay_max;
  // A lease must have room for the longest record, its header and its neighbours.
  options.quantum_bytes =
      std::max(parts.quantum_bytes, config.limits.record_bytes_max + parts.quantum_bytes / 4);
  options.namespaces_max = config.limits.namespaces_max;
  options.routes = config.routes;
  options.multiline = config.multiline;
  options.escrow_directory = config.EscrowPath();
  options.escrow_bytes_max = config.escrow.bytes_max;
  options.escrow_free_percent_min = config.escrow.free_percent_min;
  options.fairness = config.fairness;
  options.lingers = LingersOf(config);
  return options;
}

Pipeline::Pipeline(const Config& config, const std::string& own_pod, Parts parts)
    : config_(config),
      parts_(std::move(parts)),
      dead_letters_({.directory = config.state_dir + "/dead_letters",
                     .bytes_max = config.dead_letters.bytes_max},
                    {parts_.files, parts_.clock, parts_.metrics}),
      checkpoint_(parts_.files, config.state_dir, parts_.metrics),
      store_(StoreOptions(config, own_pod, parts_), parts_.files, parts_.clock, parts_.metrics),
      checkpoint_errors_(parts_.metrics.CounterOf("hinomi_checkpoint_errors_total",
                                                  "Checkpoints that could not be written.")),
      checkpoint_age_(parts_.metrics.GaugeOf("hinomi_checkpoint_age_seconds",
                                             "Time since the checkpoint last held all cursors.")),
      saved_at_(parts_.clock.Monotonic()) {
  store_.Restore(checkpoint_.Load());
  const RouteTable routes = store_.routes();  // those that the checkpoint knows too
  for (const SinkConfig& sink : config_.sinks) outlets_.push_back(MakeOutlet(sink, routes));
  worker_ = std::make_unique<Worker>(
      store_, parts_.clock, Worker::Options{config_.limits.record_bytes_max, config_.multiline},
      Worker::Routes());
  Connect(routes);
  BuildSources();
  if (parts_.events != nullptr) {
    reporter_ = std::make_unique<EventReporter>(
        EventReporter::Parts{*parts_.events, store_, parts_.clock, parts_.metrics});
  }
  hook_ = parts_.metrics.OnScrape([this] {
    const Duration age = parts_.clock.Monotonic() - saved_at_.load();
    checkpoint_age_.Set(store_.dirty() ? std::chrono::duration<double>(age).count() : 0);
  });
}

Pipeline::~Pipeline() = default;

void Pipeline::BuildSources() {
  const DirectorySource::Parts parts{store_, parts_.files, parts_.clock, parts_.metrics};
  if (config_.kubernetes_enabled) {
    sources_.push_back(std::make_unique<KubernetesSource>(KubernetesSource::PodsOf(config_), parts,
                                                          parts_.make_watcher()));
  }
  if (parts_.events != nullptr) {
    sources_.push_back(std::make_unique<KubernetesSource>(KubernetesSource::EventsOf(config_),
                                                          parts, parts_.make_watcher()));
  }
  if (!config_.docker_enabled) return;
  for (const std::string& root : config_.docker.roots) {
    sources_.push_back(std::make_unique<DockerSource>(config_, root, parts, parts_.make_watcher()));
  }
}

void Pipeline::SaveCheckpoint() {
  if (!store_.dirty()) return;
  CheckpointState state = store_.Snapshot();
  if (PlantedBug(Bug::kReleasedBeforeCheckpoint)) store_.ReleaseSettled();
  const Result<size_t> saved = checkpoint_.Save(std::move(state));
  if (saved) {
    saved_bytes_ = *saved;
    saved_at_ = parts_.clock.Monotonic();
    store_.ReleaseSettled();
    return;
  }
  checkpoint_errors_.Add();
  store_.SetDirty();
  log::Error("{}; until it can be written, a restart sends lines twice", saved.error().message);
}

// What is lost is said before it is settled.
void Pipeline::SettleLosses() {
  const uint64_t given_up_bytes = store_.EnforceEscrowLimits();
  std::vector<Loss> losses = store_.FindLosses();
  const std::vector<MissedFile> missed = store_.TakeMissed();
  if (reporter_ != nullptr) {
    losses = reporter_->Record(std::move(losses));
    reporter_->EscrowFull(given_up_bytes);
    reporter_->FilesLost(missed);
    reporter_->WatchSinks(outlets_);
    parts_.events->Trim([this](const std::string& directory, uint32_t restart) {
      return store_.Settled(std::string(kEventsPrefix) + directory, restart);
    });
  }
  store_.Settle(losses);
}

void Pipeline::ContainerExited(const PodMetadata& pod, const ContainerMetadata& container) {
  if (reporter_ != nullptr) reporter_->ContainerExited(pod, container);
}

Duration Pipeline::Housekeep() {
  SettleLosses();
  SaveCheckpoint();
  ForgetCursors(store_.Prune());
  for (const std::shared_ptr<Outlet>& outlet : outlets_) outlet->delivery->Watch();
  LookAtDeadLetters();
  KeepMetadata();
  const Duration for_size =
      std::chrono::milliseconds(saved_bytes_ * 1000 / kCheckpointBytesPerSecond);
  return std::max(kCheckpointEvery, for_size);
}

void Pipeline::ForgetCursors(const std::vector<GoneLog>& gone) {
  std::map<uint32_t, std::vector<std::string>> by_route;
  for (const GoneLog& log : gone) by_route[log.route].push_back(log.log);
  if (by_route.empty()) return;
  const RouteTable routes = store_.routes();
  for (auto& [route, logs] : by_route) {
    // Where the route is just leaving its sink, its cursors stay there.
    const std::shared_ptr<Outlet> outlet = OutletOf(routes[route].sink);
    if (outlet == nullptr || outlet->sink->cursors() == nullptr) continue;
    outlet->sink->cursors()->Forget(route, std::move(logs));
  }
}

// `hinomi replay` takes some away.
void Pipeline::LookAtDeadLetters() {
  const Duration now = parts_.clock.Monotonic();
  if (now < looked_at_ + kLookEvery) return;
  looked_at_ = now;
  dead_letters_.Look();
}

void Pipeline::KeepMetadata() {
  if (parts_.metadata == nullptr) return;
  parts_.metadata->Expire();
  const Duration now = parts_.clock.Monotonic();
  if (now < metadata_kept_at_ + kKeepMetadataEvery) return;
  metadata_kept_at_ = now;
  parts_.metadata->Keep(store_.PodUids());
}

bool Pipeline::Drained() const {
  return store_.Drained() && worker_->idle() &&
         std::all_of(outlets_.begin(), outlets_.end(),
                     [](const auto& outlet) { return outlet->delivery->idle(); });
}

}  // namespace hinomi
