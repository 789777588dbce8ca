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
    : config_(config),
      files_(parts.files),
      metadata_(parts.metadata),
      clock_(parts.clock),
      pipeline_(config, own_pod,
                {.files = parts.files,
                 .clock = parts.clock,
                 .metrics = parts.metrics,
                 .make_sink = MakeSink,
                 .make_watcher = MakeWatcher,
                 .metadata = parts.metadata,
                 .events = parts.events}),
      certificate_expiries_(config, parts.files, parts.metrics) {}

Shipper::~Shipper() = default;

void Shipper::Start() {
  for (const std::unique_ptr<Delivery>& delivery : pipeline_.deliveries()) {
    for (uint32_t lane = 0; lane < delivery->lanes(); ++lane) {
      lanes_.emplace_back([this, sink = delivery.get(), lane](const std::stop_token& stop) {
        Name("hinomi-sink");
        Yield();
        sink->RunLane(lane, stop);
        ++lanes_ended_;
      });
    }
  }
  worker_thread_ = std::jthread([this](const std::stop_token& stop) {
    Name("hinomi-worker");
    Yield();
    pipeline_.worker().Run(stop);
  });
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
  worker_thread_.request_stop();
  pipeline_.store().Wake();
  worker_thread_.join();
  const bool lanes_ended = EndLanes();
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

bool Shipper::EndLanes() {
  for (std::jthread& lane : lanes_) lane.request_stop();
  const Duration until = clock_.Monotonic() + kLanePatience;
  while (lanes_ended_ < lanes_.size()) {
    if (clock_.Monotonic() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::jthread& lane : lanes_) lane.join();
  return true;
}

void Shipper::Housekeep(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  Duration trimmed_at = clock_.Monotonic();
  while (!stop.stop_requested()) {
    const Duration wait = pipeline_.Housekeep();
    const Duration now = clock_.Monotonic();
    if (now - trimmed_at >= kTrimEvery && pipeline_.Drained()) {
      malloc_trim(0);
      trimmed_at = now;
    }
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
  std::vector<std::pair<std::string, std::string>> errors;
  for (const std::unique_ptr<Delivery>& delivery : pipeline_.deliveries()) {
    std::string error = delivery->LastError();
    if (!error.empty()) errors.emplace_back(delivery->name(), std::move(error));
  }
  return errors;
}

std::vector<SinkStatus> Shipper::SinkStatuses() const {
  std::vector<SinkStatus> sinks;
  for (size_t i = 0; i < config_.sinks.size(); ++i) {
    const SinkConfig& config = config_.sinks[i];
    sinks.push_back(
        {config.name, TypeOf(config), TargetOf(config), pipeline_.deliveries()[i]->Status()});
  }
  return sinks;
}

PodFacts Shipper::Explain(const PodQuery& query) {
  PodFacts facts;
  facts.survey = SurveyLogs(config_, files_, query, [this](const std::string& uid) {
    return metadata_ == nullptr ? nullptr : metadata_->Find(uid);
  });
  facts.logs = pipeline_.store().Explain(query);
  facts.sinks = SinkStatuses();
  facts.escrow_degraded = EscrowDegraded();
  AddDeadLetters(config_, files_, &facts);
  return facts;
}

ShipperStatus Shipper::Status() {
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
