#include "shipper/shipper.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/logging.h"
#include "shipper/disk_facts.h"
#include "shipper/source/kubernetes.h"

namespace hinomi {
namespace {

constexpr Duration kReloadPatience = std::chrono::seconds(10);
constexpr Duration kLanePatience = std::chrono::seconds(1);  // they end at once unless they hang

// While nothing waits, what a burst has left in the heap goes back to the kernel.
constexpr Duration kTrimEvery = std::chrono::seconds(5);

void Name(const char* name) { pthread_setname_np(pthread_self(), name); }

// A backlog lets the agent's other threads pass: who asks for metrics or the ledger does not wait
// for it. Among processes in other cgroups that changes nothing.
void Yield() { setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), /*nice=*/10); }

std::unique_ptr<DirectoryWatcher> MakeWatcher() {
  Result<std::unique_ptr<DirectoryWatcher>> made = MakeInotifyWatcher();
  if (!made) log::Warn("{}; directories are polled instead", made.error().message);
  return made ? std::move(*made) : nullptr;
}

}  // namespace

Shipper::Shipper(const Config& config, const std::string& own_pod, Parts parts)
    : files_(parts.files),
      metadata_(parts.metadata),
      clock_(parts.clock),
      metrics_(parts.metrics),
      pipeline_(config, own_pod,
                {.files = parts.files,
                 .clock = parts.clock,
                 .metrics = parts.metrics,
                 .make_sink = MakeSink,
                 .make_watcher = MakeWatcher,
                 .metadata = parts.metadata,
                 .events = parts.events}),
      certificate_expiries_(
          std::make_unique<CertificateExpiries>(config, parts.files, parts.metrics)) {}

Shipper::~Shipper() = default;

void Shipper::StartLanes(const std::shared_ptr<Outlet>& outlet) {
  SinkThreads& threads = sink_threads_.emplace_back();
  threads.outlet = outlet;
  for (uint32_t lane = 0; lane < outlet->delivery->lanes(); ++lane) {
    threads.lanes.emplace_back([&threads, lane](const std::stop_token& stop) {
      Name("hinomi-sink");
      Yield();
      threads.outlet->delivery->RunLane(lane, stop);
      ++threads.ended;
    });
  }
}

void Shipper::StartWorker() {
  worker_thread_ = std::jthread([this](const std::stop_token& stop) {
    Name("hinomi-worker");
    Yield();
    pipeline_.worker().Run(stop);
  });
}

void Shipper::StopWorker() {
  worker_thread_.request_stop();
  pipeline_.store().Wake();
  worker_thread_.join();
}

void Shipper::Start() {
  for (const std::shared_ptr<Outlet>& outlet : pipeline_.outlets()) StartLanes(outlet);
  StartWorker();
  housekeeper_ = std::jthread([this](const std::stop_token& stop) {
    Name("hinomi-keeper");
    Housekeep(stop);
  });
  for (const std::unique_ptr<DirectorySource>& source : pipeline_.sources()) {
    source_threads_.emplace_back([source = source.get()](const std::stop_token& stop) {
      Name("hinomi-source");
      source->Run(stop);
    });
  }
}

void Shipper::Reload(const Config& next, const std::function<bool()>& hurry) {
  std::vector<std::shared_ptr<Outlet>> leaving;
  StopWorker();
  {
    const std::unique_lock lock(wiring_);
    leaving = pipeline_.BeginReload(next);
  }
  StartWorker();
  for (SinkThreads& threads : sink_threads_) {
    threads.leaving = threads.leaving ||
                      std::find(leaving.begin(), leaving.end(), threads.outlet) != leaving.end();
  }
  const Duration until = clock_.Monotonic() + kReloadPatience;
  while (!pipeline_.Withdrawn(leaving) && clock_.Monotonic() < until && !hurry()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  leaving.clear();
  EndLanes([](const SinkThreads& threads) { return threads.leaving; });
  StopWorker();
  {
    const std::unique_lock lock(wiring_);
    pipeline_.FinishReload(next);
    certificate_expiries_.reset();
    certificate_expiries_ =
        std::make_unique<CertificateExpiries>(pipeline_.config(), files_, metrics_);
  }
  for (const std::shared_ptr<Outlet>& outlet : pipeline_.outlets()) {
    const bool runs =
        std::any_of(sink_threads_.begin(), sink_threads_.end(),
                    [&](const SinkThreads& threads) { return threads.outlet == outlet; });
    if (!runs) StartLanes(outlet);
  }
  StartWorker();
}

bool Shipper::Drain(Duration patience) {
  const Duration until = clock_.Monotonic() + patience;
  for (std::jthread& thread : source_threads_) thread.request_stop();
  for (size_t i = 0; i < source_threads_.size(); ++i) {
    pipeline_.sources()[i]->Interrupt();
    source_threads_[i].join();
    pipeline_.sources()[i]->Sweep();
  }
  pipeline_.store().Hurry();
  while (!pipeline_.Drained() && clock_.Monotonic() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const bool complete = pipeline_.Drained();
  StopWorker();
  const bool lanes_ended = EndLanes([](const SinkThreads&) { return true; });
  housekeeper_.request_stop();
  housekeeper_.join();
  pipeline_.SaveCheckpoint();
  if (complete) {
    log::Info("drained: every complete record that was seen is settled");
  } else {
    log::Warn("not drained in time; what is left is in its files and is sent after the next start");
  }
  return lanes_ended;
}

bool Shipper::EndLanes(bool (*which)(const SinkThreads&)) {
  for (SinkThreads& threads : sink_threads_) {
    if (!which(threads)) continue;
    for (std::jthread& lane : threads.lanes) lane.request_stop();
  }
  const Duration until = clock_.Monotonic() + kLanePatience;
  const auto ended = [](const SinkThreads& threads) {
    return threads.ended == threads.lanes.size();
  };
  const auto remain = [&](const SinkThreads& threads) { return which(threads) && !ended(threads); };
  while (std::any_of(sink_threads_.begin(), sink_threads_.end(), remain)) {
    if (clock_.Monotonic() >= until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  sink_threads_.remove_if(
      [&](const SinkThreads& threads) { return which(threads) && ended(threads); });
  return std::none_of(sink_threads_.begin(), sink_threads_.end(), remain);
}

void Shipper::Housekeep(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  Duration trimmed_at = clock_.Monotonic();
  while (!stop.stop_requested()) {
    std::shared_lock wiring(wiring_);
    const Duration wait = pipeline_.Housekeep();
    const Duration now = clock_.Monotonic();
    if (now - trimmed_at >= kTrimEvery && pipeline_.Drained()) {
      malloc_trim(0);
      trimmed_at = now;
    }
    wiring.unlock();
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, wait, [] { return false; });
  }
}

std::string Shipper::NotReady() const {
  for (const std::unique_ptr<DirectorySource>& source : pipeline_.sources()) {
    std::string why = source->NotReady();
    if (!why.empty()) return why;
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> Shipper::SinkErrors() const {
  const std::shared_lock lock(wiring_);
  std::vector<std::pair<std::string, std::string>> errors;
  for (const std::shared_ptr<Outlet>& outlet : pipeline_.outlets()) {
    std::string error = outlet->delivery->LastError();
    if (!error.empty()) errors.emplace_back(outlet->config.name, std::move(error));
  }
  return errors;
}

std::vector<SinkStatus> Shipper::SinkStatuses() const {
  std::vector<SinkStatus> sinks;
  for (const std::shared_ptr<Outlet>& outlet : pipeline_.outlets()) {
    const SinkConfig& config = outlet->config;
    sinks.push_back({config.name, TypeOf(config), TargetOf(config), outlet->delivery->Status()});
  }
  return sinks;
}

PodFacts Shipper::Explain(const PodQuery& query) {
  const std::shared_lock lock(wiring_);
  PodFacts facts;
  facts.survey = SurveyLogs(pipeline_.config(), files_, query, [this](const std::string& uid) {
    return metadata_ == nullptr ? nullptr : metadata_->Find(uid);
  });
  facts.logs = pipeline_.store().Explain(query);
  facts.sinks = SinkStatuses();
  facts.escrow_degraded = EscrowDegraded();
  AddDeadLetters(pipeline_.config(), files_, &facts);
  return facts;
}

Config Shipper::config() const {
  const std::shared_lock lock(wiring_);
  return pipeline_.config();
}

ShipperStatus Shipper::Status() {
  const std::shared_lock lock(wiring_);
  ShipperStatus status;
  for (const std::unique_ptr<DirectorySource>& source : pipeline_.sources()) {
    if (source->kind() == kEventsKind) continue;  // nobody has configured it
    status.sources.push_back({source->kind(), source->place(), source->NotReady()});
  }
  status.sinks = SinkStatuses();
  status.logs = pipeline_.store().Report();
  return status;
}

}  // namespace hinomi
