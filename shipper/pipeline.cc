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

const SinkConfig& SinkOf(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.sinks.begin(), config.sinks.end(),
                                  [&](const SinkConfig& sink) { return sink.name == name; });
  CHECK(found != config.sinks.end());
  return *found;
}

LogStoreOptions StoreOptions(const Config& config, const std::string& own_pod,
                             const Pipeline::Parts& parts) {
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
  for (const RouteConfig& route : config.routes) {
    options.lingers.push_back(SinkOf(config, route.sink).LingerInEffect());
  }
  return options;
}

}  // namespace

Pipeline::Pipeline(const Config& config, const std::string& own_pod, Parts parts)
    : config_(config),
      parts_(std::move(parts)),
      dead_letters_({.directory = config.state_dir + "/dead_letters",
                     .bytes_max = config.dead_letters.bytes_max},
                    {parts_.files, parts_.clock, parts_.metrics}),
      checkpoint_(parts_.files, config.state_dir, parts_.metrics),
      store_(StoreOptions(config, own_pod, parts_), parts_.files, parts_.clock, parts_.metrics),
      egress_({.clock = parts_.clock, .metrics = parts_.metrics}),
      checkpoint_errors_(parts_.metrics.CounterOf("hinomi_checkpoint_errors_total",
                                                  "Checkpoints that could not be written.")),
      checkpoint_age_(parts_.metrics.GaugeOf("hinomi_checkpoint_age_seconds",
                                             "Time since the checkpoint last held all cursors.")),
      saved_at_(parts_.clock.Monotonic()) {
  egress_.Apply(config_);
  BuildRoutes();
  BuildSources();
  if (parts_.events != nullptr) {
    reporter_ = std::make_unique<EventReporter>(EventReporter::Parts{
        *parts_.events, store_, deliveries_, config_.routes, parts_.clock, parts_.metrics});
  }
  store_.Restore(checkpoint_.Load());
  parts_.metrics.OnScrape([this] {
    const Duration age = parts_.clock.Monotonic() - saved_at_.load();
    checkpoint_age_.Set(store_.dirty() ? std::chrono::duration<double>(age).count() : 0);
  });
}

Pipeline::~Pipeline() = default;

void Pipeline::BuildRoutes() {
  std::vector<std::string> route_names;
  for (const RouteConfig& route : config_.routes) route_names.push_back(route.name);
  for (const SinkConfig& config : config_.sinks) {
    sinks_.push_back(
        parts_.make_sink(config, {config_.cluster, config_.node, config_.routes, parts_.files,
                                  parts_.clock, parts_.metrics, egress_}));
    parts_.metrics
        .GaugeOf("hinomi_sink_plaintext",
                 "1 where the sink sends to other machines what anybody on the way can read.",
                 {{"sink", config.name}})
        .Set(SendsPlaintext(config) ? 1 : 0);
    const uint64_t share = config_.limits.in_flight_bytes_max / config_.sinks.size();
    Delivery::Options options{config.name, route_names, config.batch_bytes,
                              share - std::min(share, sinks_.back()->buffer_bytes())};
    for (uint32_t route = 0; route < config_.routes.size(); ++route) {
      const bool kept = sinks_.back()->cursors() != nullptr;
      if (kept && config_.routes[route].sink == config.name) options.kept_routes.push_back(route);
    }
    deliveries_.push_back(std::make_unique<Delivery>(
        std::move(options),
        Delivery::Parts{*sinks_.back(), dead_letters_, parts_.clock, parts_.metrics,
                        [this](const Batch& batch) { store_.Settle(batch); },
                        [this] { store_.Wake(); },
                        [this](uint32_t route, std::vector<KeptCursor> cursors) {
                          store_.Adopt(route, std::move(cursors));
                        }}));
  }
  std::vector<Worker::Route> routes;
  for (const RouteConfig& route : config_.routes) {
    const SinkConfig& config = SinkOf(config_, route.sink);
    const size_t index = static_cast<size_t>(&config - config_.sinks.data());
    routes.push_back({*deliveries_[index], MakeEncoder(config_, config, sinks_[index]->format()),
                      config.batch_bytes, config.LingerInEffect()});
  }
  worker_ = std::make_unique<Worker>(
      store_, parts_.clock, Worker::Options{config_.limits.record_bytes_max, config_.multiline},
      std::move(routes));
}

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
    reporter_->WatchSinks();
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
  for (const std::unique_ptr<Delivery>& delivery : deliveries_) delivery->Watch();
  LookAtDeadLetters();
  KeepMetadata();
  const Duration for_size =
      std::chrono::milliseconds(saved_bytes_ * 1000 / kCheckpointBytesPerSecond);
  return std::max(kCheckpointEvery, for_size);
}

void Pipeline::ForgetCursors(const std::vector<GoneLog>& gone) {
  std::map<uint32_t, std::vector<std::string>> by_route;
  for (const GoneLog& log : gone) by_route[log.route].push_back(log.log);
  for (auto& [route, logs] : by_route) {
    const size_t sink =
        static_cast<size_t>(&SinkOf(config_, config_.routes[route].sink) - config_.sinks.data());
    sinks_[sink]->cursors()->Forget(route, std::move(logs));
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
         std::all_of(deliveries_.begin(), deliveries_.end(),
                     [](const auto& delivery) { return delivery->idle(); });
}

}  // namespace hinomi
