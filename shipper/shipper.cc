#include "shipper/shipper.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/logging.h"
#include "shipper/builtin.h"
#include "shipper/source/docker.h"
#include "shipper/source/kubernetes.h"

namespace hinomi {
namespace {

constexpr Duration kCheckpointEvery = std::chrono::seconds(1);
constexpr uint64_t kCheckpointBytesPerSecond = 256 << 10;
constexpr Duration kLanePatience = std::chrono::seconds(1);  // they end at once unless they hang

const SinkConfig& SinkOf(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.sinks.begin(), config.sinks.end(),
                                  [&](const SinkConfig& sink) { return sink.name == name; });
  CHECK(found != config.sinks.end());
  return *found;
}

LogStoreOptions StoreOptions(const Config& config, const std::string& own_pod) {
  LogStoreOptions options;
  options.node = config.node;
  options.own_pod = own_pod;
  options.open_record_delay_max = config.limits.open_record_delay_max;
  // A lease must have room for the longest record, its header and its neighbours.
  options.quantum_bytes =
      std::max<uint64_t>(256 << 10, config.limits.record_bytes_max + (64 << 10));
  options.namespaces_max = config.limits.namespaces_max;
  options.routes = config.routes;
  options.multiline = config.multiline;
  for (const RouteConfig& route : config.routes) {
    options.lingers.push_back(SinkOf(config, route.sink).LingerInEffect());
  }
  return options;
}

void Name(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace

Shipper::Shipper(const Config& config, const std::string& own_pod, Parts parts)
    : config_(config),
      parts_(parts),
      dead_letters_({.directory = config.state_dir + "/dead_letters"}, parts.clock, parts.metrics),
      checkpoint_(parts.files, config.state_dir, parts.metrics),
      store_(StoreOptions(config, own_pod), parts.files, parts.clock, parts.metrics),
      checkpoint_errors_(parts.metrics.CounterOf("hinomi_checkpoint_errors_total",
                                                 "Checkpoints that could not be written.")),
      checkpoint_age_(parts.metrics.GaugeOf("hinomi_checkpoint_age_seconds",
                                            "Time since the checkpoint last held all cursors.")),
      saved_at_(parts.clock.Monotonic()) {
  BuildRoutes();
  BuildSources();
  parts.metrics.OnScrape([this] {
    const Duration age = parts_.clock.Monotonic() - saved_at_.load();
    checkpoint_age_.Set(store_.dirty() ? std::chrono::duration<double>(age).count() : 0);
  });
}

Shipper::~Shipper() = default;

void Shipper::BuildRoutes() {
  std::vector<std::string> route_names;
  for (const RouteConfig& route : config_.routes) route_names.push_back(route.name);
  for (const SinkConfig& config : config_.sinks) {
    sinks_.push_back(
        MakeSink(config, {config_.cluster, parts_.files, parts_.clock, parts_.metrics}));
    const uint64_t share = config_.limits.in_flight_bytes_max / config_.sinks.size();
    Delivery::Options options{config.name, route_names, config.batch_bytes,
                              share - std::min(share, sinks_.back()->buffer_bytes())};
    deliveries_.push_back(std::make_unique<Delivery>(
        std::move(options),
        Delivery::Parts{*sinks_.back(), dead_letters_, parts_.clock, parts_.metrics,
                        [this](const Batch& batch) { store_.Settle(batch); },
                        [this] { store_.Wake(); }}));
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

void Shipper::BuildSources() {
  const DirectorySource::Parts parts{store_, parts_.files, parts_.clock, parts_.metrics};
  const auto watcher = [] {
    Result<std::unique_ptr<DirectoryWatcher>> made = MakeInotifyWatcher();
    if (!made) log::Warn("{}; directories are polled instead", made.error().message);
    return made ? std::move(*made) : nullptr;
  };
  if (config_.kubernetes_enabled) {
    sources_.push_back(std::make_unique<KubernetesSource>(config_, parts, watcher()));
  }
  if (!config_.docker_enabled) return;
  for (const std::string& root : config_.docker.roots) {
    sources_.push_back(std::make_unique<DockerSource>(config_, root, parts, watcher()));
  }
}

void Shipper::Start() {
  store_.Restore(checkpoint_.Load());
  for (const std::unique_ptr<Delivery>& delivery : deliveries_) {
    for (uint32_t lane = 0; lane < delivery->lanes(); ++lane) {
      lanes_.emplace_back([this, sink = delivery.get(), lane](const std::stop_token& stop) {
        Name("hinomi-sink");
        sink->RunLane(lane, stop);
        ++lanes_ended_;
      });
    }
  }
  worker_thread_ = std::jthread([this](const std::stop_token& stop) {
    Name("hinomi-worker");
    worker_->Run(stop);
  });
  housekeeper_ = std::jthread([this](const std::stop_token& stop) {
    Name("hinomi-keeper");
    Housekeep(stop);
  });
  for (const std::unique_ptr<DirectorySource>& source : sources_) {
    source_threads_.emplace_back([source = source.get()](const std::stop_token& stop) {
      Name("hinomi-source");
      source->Run(stop);
    });
  }
}

bool Shipper::Drain(Duration patience) {
  const Duration until = parts_.clock.Monotonic() + patience;
  for (std::jthread& thread : source_threads_) thread.request_stop();
  for (size_t i = 0; i < sources_.size(); ++i) {
    sources_[i]->Interrupt();
    source_threads_[i].join();
    sources_[i]->Sweep();
  }
  store_.Hurry();
  const auto drained = [this] {
    return store_.Drained() && worker_->idle() &&
           std::all_of(deliveries_.begin(), deliveries_.end(),
                       [](const auto& delivery) { return delivery->idle(); });
  };
  while (!drained() && parts_.clock.Monotonic() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const bool complete = drained();
  worker_thread_.request_stop();
  store_.Wake();
  worker_thread_.join();
  const bool lanes_ended = EndLanes();
  housekeeper_.request_stop();
  housekeeper_.join();
  SaveCheckpoint();
  if (complete) {
    log::Info("drained: every complete record that was seen is settled");
  } else {
    log::Warn("not drained in time; what is left is in its files and is sent after the next start");
  }
  return lanes_ended;
}

bool Shipper::EndLanes() {
  for (std::jthread& lane : lanes_) lane.request_stop();
  const Duration until = parts_.clock.Monotonic() + kLanePatience;
  while (lanes_ended_ < lanes_.size()) {
    if (parts_.clock.Monotonic() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::jthread& lane : lanes_) lane.join();
  return true;
}

void Shipper::SaveCheckpoint() {
  if (!store_.dirty()) return;
  const Result<size_t> saved = checkpoint_.Save(store_.Snapshot());
  if (saved) {
    saved_bytes_ = *saved;
    saved_at_ = parts_.clock.Monotonic();
    return;
  }
  checkpoint_errors_.Add();
  store_.SetDirty();
  log::Error("{}; until it can be written, a restart sends lines twice", saved.error().message);
}

void Shipper::Housekeep(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    const Duration for_size =
        std::chrono::milliseconds(saved_bytes_ * 1000 / kCheckpointBytesPerSecond);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::max(kCheckpointEvery, for_size), [] { return false; });
    if (stop.stop_requested()) return;
    SaveCheckpoint();
    store_.Prune();
    for (const std::unique_ptr<Delivery>& delivery : deliveries_) delivery->Watch();
  }
}

std::string Shipper::NotReady() const {
  for (const std::unique_ptr<DirectorySource>& source : sources_) {
    std::string why = source->NotReady();
    if (!why.empty()) return why;
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> Shipper::SinkErrors() const {
  std::vector<std::pair<std::string, std::string>> errors;
  for (const std::unique_ptr<Delivery>& delivery : deliveries_) {
    std::string error = delivery->LastError();
    if (!error.empty()) errors.emplace_back(delivery->name(), std::move(error));
  }
  return errors;
}

ShipperStatus Shipper::Status() {
  ShipperStatus status;
  for (const std::unique_ptr<DirectorySource>& source : sources_) {
    status.sources.push_back({source->kind(), source->place(), source->NotReady()});
  }
  for (size_t i = 0; i < deliveries_.size(); ++i) {
    const SinkConfig& config = config_.sinks[i];
    status.sinks.push_back(
        {config.name, TypeOf(config), TargetOf(config), deliveries_[i]->Status()});
  }
  status.logs = store_.Report();
  return status;
}

}  // namespace hinomi
