#include "tests/simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "shipper/pipeline.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/simulated_clock.h"
#include "tests/simulation/world.h"

namespace hinomi::simulation {
namespace {

constexpr int kQuietRoundsMin = 12;  // so that whatever waits for a time has had it
// An agent whose probe of the escrow fails at its start leaves alone what is in it.
constexpr bool kScansWithoutProbe = true;
constexpr int kDrainRoundsMax = 600;

// One life of the agent: the real pipeline, stepped by hand.
struct Life {
  struct Sent {
    size_t sink = 0;
    std::unique_ptr<Batch> batch;
  };
  Metrics metrics;
  std::vector<std::string> routes;  // by index
  std::unique_ptr<EventLog> events;
  std::unique_ptr<Pipeline> pipeline;
  std::vector<SimulatedWatcher*> watchers;  // the pipeline's
  std::vector<Sent> sent;                   // out to the sinks
  std::vector<std::string> starting_now;    // routes that leave out what is there at the first look
};

class Simulation {
 public:
  Simulation(uint64_t seed, bool verbose);

  RunResult Run();

 private:
  void Act();
  void ActOfAgent();
  void ActOfSinks();
  void AdvanceClock();
  void Start();
  void AddLaterRoutes();
  void Reload();
  void Kill(bool power_cut);
  bool IsInCheckpoints(const std::string& route) const;
  template <typename Look>
  void LookAround(Look&& look);
  /// Runs one step of the agent. False when it was killed in the middle of it.
  template <typename Step>
  bool Guarded(Step&& step);
  bool Work(uint32_t route);
  bool Take(size_t sink);
  void Complete(size_t index);
  void NoteShedding();
  void Heal();
  void Drain();
  bool DrainRound();
  void Audit() const;
  void CheckEnd();
  void NoteMissingRecords();
  void CheckLossesAreTold();
  uint64_t ToldBelow(const std::string& directory) const;
  void Tell(const std::string& what);

  const bool verbose_;
  Random random_;
  World world_;
  SimulatedClock clock_;
  SimulatedDisk disk_;
  SimulatedFileSystem files_;
  Model model_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::unique_ptr<Kubelet> kubelet_;
  std::unique_ptr<Life> life_;
  uint64_t step_ = 0;
  bool records_missing_ = false;
  bool healed_ = false;
};

Simulation::Simulation(uint64_t seed, bool verbose)
    : verbose_(verbose),
      random_(seed),
      world_(DrawWorld(random_)),
      disk_(clock_, world_.config.state_dir),
      files_(disk_, random_) {
  disk_.has_births = world_.has_births;
  disk_.MakeDirectories(world_.config.state_dir);
  disk_.on_death = [this](const Inode& inode) { model_.Died(inode); };
  disk_.on_event = [this](const DiskEvent& event) {
    if (life_ == nullptr) return;
    for (SimulatedWatcher* watcher : life_->watchers) watcher->On(event);
  };
  for (const ServerHabits& habits : world_.servers) {
    servers_.push_back(std::make_unique<Server>(habits, model_, random_));
  }
  kubelet_ = std::make_unique<Kubelet>(
      world_.kubelet,
      Kubelet::Parts{disk_, model_, random_, clock_, step_,
                     [this](const std::string& what) { Tell("kubelet: " + what); }});
  if (verbose_) model_.tell = [this](const std::string& what) { Tell("model: " + what); };
  files_.faults = world_.faults;
  files_.interrupt = [this] { kubelet_->Act(); };
  files_.on_release = [this](const Inode& inode) {
    model_.Released(inode);
    // What it is given up for must be on the disk by now.
    if (!healed_ && world_.crashes + world_.power_cuts > 0 && random_.OneIn(4)) {
      files_.KillAfter(random_.Below(20));
    }
  };
  model_.SetRoutes(world_.routes);
  for (const RoutePlan& plan : world_.routes) {
    world_.config.routes.push_back(ConfigOf(plan, world_.config));
  }
}

void Simulation::Tell(const std::string& what) {
  if (!verbose_) return;
  fmt::print("{:5} {:9.3f} s  {}\n", step_,
             std::chrono::duration<double>(clock_.Monotonic()).count() - 3600, what);
  std::fflush(stdout);
}

RunResult Simulation::Run() {
  RunResult result;
  try {
    for (step_ = 0; step_ < world_.steps; ++step_) {
      Act();
      Audit();
    }
    Heal();
    Drain();
    // What was truncated unseen, and rotated, lies behind the newest file: it is read after that.
    if (world_.kubelet.truncates) {
      ++step_;
      kubelet_->MoveOn();
      Drain();
    }
    CheckEnd();
  } catch (const Violation& violation) {
    result.passed = false;
    result.violation = violation.what;
    Tell("VIOLATION: " + violation.what);
    if (life_ != nullptr) Tell(EncodeCheckpoint(life_->pipeline->store().Snapshot()));
    for (const std::string& name : disk_.Names(world_.config.escrow.directory)) {
      Tell(fmt::format("held: {} (#{})", name, disk_.Find(name)->identity));
    }
    for (const InodePointer& inode : files_.Held()) {
      Tell(fmt::format("open: file #{}, inode {}", inode->identity, inode->number));
    }
  }
  if (life_ != nullptr) files_.DropDescriptors([](const Inode&) {});
  result.lines = model_.lines();
  result.documents = model_.documents();
  result.steps = step_;
  return result;
}

void Simulation::Act() {
  const uint64_t lot = random_.Below(100);
  if (random_.Below(1000) < world_.power_cuts) return Kill(/*power_cut=*/true);
  if (life_ != nullptr && random_.Below(1000) < world_.crashes) {
    if (random_.OneIn(2)) return Kill(/*power_cut=*/false);
    files_.KillAfter(random_.Below(30));
  }
  if (lot < 25) return kubelet_->Act();
  if (lot < 35) return AdvanceClock();
  if (life_ == nullptr) {
    if (random_.OneIn(3)) Start();
  } else if (lot < 70) {
    ActOfAgent();
  } else {
    ActOfSinks();
  }
}

void Simulation::AdvanceClock() {
  static const std::vector<Duration> kSteps = {
      std::chrono::milliseconds(1),   std::chrono::milliseconds(20),
      std::chrono::milliseconds(210), std::chrono::milliseconds(210),
      std::chrono::milliseconds(600), std::chrono::seconds(1),
      std::chrono::seconds(1),        std::chrono::seconds(6),
      std::chrono::seconds(35),       std::chrono::seconds(61)};
  const Duration by = random_.Pick(kSteps);
  clock_.Advance(by);
  if (random_.OneIn(20))
    clock_.JumpWall(std::chrono::seconds(random_.Between(0, 600)) - std::chrono::minutes(5));
  Tell(fmt::format("time passes: {} ms", by.count() / 1'000'000));
}

template <typename Step>
bool Simulation::Guarded(Step&& step) {
  files_.BeginStep();
  try {
    step();
    return true;
  } catch (const Killed&) {
    Tell("agent: killed in the middle of that");
    Kill(/*power_cut=*/random_.Below(world_.crashes + world_.power_cuts) < world_.power_cuts);
    return false;
  }
}

void Simulation::Start() {
  if (!world_.later_routes.empty() && random_.OneIn(3)) AddLaterRoutes();
  model_.BeginLife();
  Tell("agent: starts");
  life_ = std::make_unique<Life>();
  for (const RouteConfig& route : world_.config.routes) life_->routes.push_back(route.name);
  for (const RoutePlan& plan : world_.routes) {
    if (plan.start_now && !IsInCheckpoints(plan.name)) life_->starting_now.push_back(plan.name);
  }
  Guarded([&] {
    life_->events = std::make_unique<EventLog>(
        EventLog::Options{.directory = world_.config.state_dir + "/events",
                          .agent = AgentAsPod("")},
        EventLog::Parts{files_, clock_, life_->metrics});
    static_cast<void>(life_->events->Open());  // where it cannot, records are written all the same
    life_->pipeline = std::make_unique<Pipeline>(
        world_.config, "",
        Pipeline::Parts{files_, clock_, life_->metrics,
                        [&, made = size_t{0}](const SinkConfig&, const SinkSurroundings&) mutable {
                          return std::make_unique<SimulatedSink>(*servers_[made++], life_->routes,
                                                                 clock_);
                        },
                        [this]() -> std::unique_ptr<DirectoryWatcher> {
                          if (!world_.has_watcher) return nullptr;
                          auto watcher = std::make_unique<SimulatedWatcher>(disk_, world_.watcher);
                          life_->watchers.push_back(watcher.get());
                          return watcher;
                        },
                        nullptr, world_.quantum_bytes, life_->events.get()});
  });
}

// Where it is missing the agent takes it for a new one.
bool Simulation::IsInCheckpoints(const std::string& route) const {
  for (const char* name : {"/checkpoint.a", "/checkpoint.b"}) {
    const InodePointer file = disk_.Find(world_.config.state_dir + name);
    if (file == nullptr || file->content.find('"' + route + '"') == std::string::npos) return false;
  }
  return true;
}

template <typename Look>
void Simulation::LookAround(Look&& look) {
  Guarded(look);
  if (life_ == nullptr) return;
  for (const std::string& route : life_->starting_now) model_.StartNow(route);
  if (life_->pipeline->sources()[0]->NotReady().empty()) life_->starting_now.clear();
}

void Simulation::AddLaterRoutes() {
  std::vector<RoutePlan> plans = world_.routes;
  for (const RoutePlan& plan : world_.later_routes) {
    plans.push_back(plan);
    world_.config.routes.push_back(ConfigOf(plan, world_.config));
  }
  world_.routes = plans;
  world_.later_routes.clear();
  model_.SetRoutes(std::move(plans));
  Tell("there is a new route");
}

// What is in the files is seen before, so that a route that starts now begins behind it.
void Simulation::Reload() {
  Pipeline& pipeline = *life_->pipeline;
  LookAround([&] { pipeline.sources()[0]->Sweep(); });
  if (life_ == nullptr || !pipeline.sources()[0]->NotReady().empty()) return;
  const std::vector<RoutePlan> later = world_.later_routes;
  AddLaterRoutes();
  for (RoutePlan& plan : world_.routes) {
    const bool is_new = std::any_of(later.begin(), later.end(),
                                    [&](const RoutePlan& one) { return one.name == plan.name; });
    if (!is_new) continue;
    plan.began_late = true;
    model_.StartLate(plan.name);
  }
  for (const RoutePlan& plan : later) life_->routes.push_back(plan.name);
  Guarded([&] {
    pipeline.BeginReload(world_.config);
    pipeline.FinishReload(world_.config);
  });
  for (const RoutePlan& plan : later) {
    if (plan.start_now) model_.StartNow(plan.name);
  }
}

void Simulation::Kill(bool power_cut) {
  files_.SparesLife();
  NoteMissingRecords();
  Tell(power_cut ? "the power is cut" : "agent: killed");
  files_.DropDescriptors([this](const Inode& inode) { model_.Dropped(inode); });
  if (life_ != nullptr) life_->watchers.clear();
  life_ = nullptr;
  if (power_cut) disk_.CutPower(random_);
}

void Simulation::NoteShedding() {
  const auto& outlets = life_->pipeline->outlets();
  for (const RoutePlan& route : world_.routes) {
    if (outlets[route.sink]->delivery->shedding()) model_.Shed(route.name);
  }
}

bool Simulation::Work(uint32_t route) {
  NoteShedding();
  life_->pipeline->store().WaitForWork(Duration{0});
  return life_->pipeline->worker().Step(route);
}

void Simulation::ActOfAgent() {
  Pipeline& pipeline = *life_->pipeline;
  const uint64_t lot = random_.Below(20);
  if (lot < 7) {
    Tell("agent: looks where it is told to");
    LookAround([&] { pipeline.sources()[0]->Step(); });
  } else if (lot < 8) {
    Tell("agent: looks at everything");
    LookAround([&] { pipeline.sources()[0]->Sweep(); });
  } else if (lot < 17) {
    const auto route = static_cast<uint32_t>(random_.Below(world_.routes.size()));
    bool busy = false;
    Guarded([&] { busy = Work(route); });
    Tell(fmt::format("agent: works for {}{}", world_.routes[route].name, busy ? "" : ": nothing"));
  } else if (lot == 19 && !world_.later_routes.empty() && random_.OneIn(4)) {
    Reload();
  } else {
    Tell("agent: keeps house");
    Guarded([&] { pipeline.Housekeep(); });
  }
}

void Simulation::ActOfSinks() {
  if (!life_->sent.empty() && random_.OneIn(2)) {
    Complete(random_.Below(life_->sent.size()));
  } else {
    Take(random_.Below(life_->pipeline->outlets().size()));
  }
}

bool Simulation::Take(size_t sink) {
  const auto out = std::count_if(life_->sent.begin(), life_->sent.end(),
                                 [sink](const Life::Sent& sent) { return sent.sink == sink; });
  Delivery& delivery = *life_->pipeline->outlets()[sink]->delivery;
  if (static_cast<uint32_t>(out) >= delivery.lanes()) return false;
  Duration wait{0};
  std::unique_ptr<Batch> batch = delivery.Take(&wait);
  if (batch == nullptr) return false;
  batch->pending_before = static_cast<uint32_t>(
      std::count_if(batch->records.begin(), batch->records.end(),
                    [](const BatchRecord& record) { return record.outcome == Outcome::kPending; }));
  Tell(fmt::format("sink {}: is sent a batch of {} records", sink, batch->records.size()));
  life_->sent.push_back({sink, std::move(batch)});
  return true;
}

void Simulation::Complete(size_t index) {
  const size_t sink = life_->sent[index].sink;
  std::unique_ptr<Batch> batch = std::move(life_->sent[index].batch);
  life_->sent.erase(life_->sent.begin() + static_cast<ptrdiff_t>(index));
  Pipeline& pipeline = *life_->pipeline;
  const Attempt attempt = pipeline.outlets()[sink]->sink->Deliver(*batch, 0, {});
  Tell(fmt::format("sink {}: {} of {} records", sink, servers_[sink]->last_answer,
                   batch->records.size()));
  Guarded([&] { pipeline.outlets()[sink]->delivery->Complete(std::move(batch), attempt); });
}

void Simulation::Heal() {
  healed_ = true;
  Tell("all faults end");
  files_.SparesLife();
  files_.faults = {};
  for (const auto& server : servers_) server->Heal();
  kubelet_->Rest();
  if (!kScansWithoutProbe && life_ != nullptr) Kill(/*power_cut=*/false);
  if (life_ == nullptr) Start();
}

// Gives the agent the time to deliver what is left.
void Simulation::Drain() {
  int quiet = 0;
  for (int round = 0; round < kDrainRoundsMax; ++round) {
    quiet = DrainRound() ? 0 : quiet + 1;
    Audit();
    if (quiet >= kQuietRoundsMin && life_->pipeline->Drained() && life_->sent.empty()) return;
  }
  throw Violation{fmt::format("the agent does not come to rest: store {}, worker {}, {} sent",
                              life_->pipeline->store().Drained() ? "idle" : "busy",
                              life_->pipeline->worker().idle() ? "idle" : "busy",
                              life_->sent.size())};
}

// True when something was delivered.
bool Simulation::DrainRound() {
  Pipeline& pipeline = *life_->pipeline;
  clock_.Advance(std::chrono::milliseconds(700));
  LookAround([&] { pipeline.sources()[0]->Sweep(); });
  clock_.Advance(std::chrono::milliseconds(300));  // what was seen has lingered
  bool busy = false;
  for (uint32_t route = 0; route < world_.routes.size(); ++route) {
    for (int i = 0; i < 1000; ++i) {
      bool more = false;
      Guarded([&] { more = Work(route); });
      for (size_t sink = 0; sink < servers_.size(); ++sink) {
        while (Take(sink)) more = true;
      }
      while (!life_->sent.empty()) {
        Complete(life_->sent.size() - 1);
        busy = true;
      }
      if (!more) break;
    }
  }
  Guarded([&] { pipeline.Housekeep(); });
  return busy;
}

void Simulation::Audit() const {
  if (life_ == nullptr) return;
  const Ledger ledger = life_->pipeline->store().TakeLedger();
  CheckLedger(ledger, world_);
  CheckLosses(ledger, world_, model_);
}

void Simulation::CheckEnd() {
  const std::string dead_letters = world_.config.state_dir + "/dead_letters";
  for (const DirectoryEntry& entry : disk_.List(dead_letters)) {
    model_.FoundDeadLetters(disk_.Find(dead_letters + "/" + entry.name)->content);
  }
  model_.CheckAllArrived();
  CheckLossesAreTold();
  CheckLedgerAtRest(life_->pipeline->store().TakeLedger(), world_, model_, disk_);
  CheckEscrowAtRest(world_, disk_);
  for (const InodePointer& inode : files_.Held()) {
    if (inode->links == 0) {
      throw Violation{
          fmt::format("file #{} is settled and removed, and kept open", inode->identity)};
    }
  }
}

// What the gap records below a directory say is lost.
uint64_t Simulation::ToldBelow(const std::string& directory) const {
  constexpr std::string_view kBytes = "\"bytes\":";
  uint64_t told = 0;
  for (const DirectoryEntry& entry : disk_.List(directory)) {
    const std::string path = directory + "/" + entry.name;
    if (entry.kind == FileKind::kDirectory) told += ToldBelow(path);
    if (entry.kind != FileKind::kRegular) continue;
    const std::string& content = disk_.Find(path)->content;
    for (size_t at = 0; (at = content.find(kBytes, at)) != std::string::npos;) {
      told += std::stoull(content.substr(at += kBytes.size()));
    }
  }
  return told;
}

// Where the disk takes no record for a minute the loss is settled without one, and counted.
void Simulation::NoteMissingRecords() {
  if (life_ == nullptr || (world_.faults.no_space == 0 && world_.faults.io_error == 0)) return;
  const std::string text = life_->metrics.Expose();
  records_missing_ |= text.find("\nhinomi_gap_records_missing_total 0") == std::string::npos;
}

// Each loss has its record, whatever happened in between; it may have several.
void Simulation::CheckLossesAreTold() {
  NoteMissingRecords();
  if (records_missing_) return;
  const uint64_t told = ToldBelow(world_.config.state_dir + "/events");
  uint64_t lost = 0;
  for (const LedgerEntry& entry : life_->pipeline->store().TakeLedger().entries) {
    const uint64_t late = entry.settled.lost[static_cast<size_t>(LossReason::kLate)];
    lost += entry.settled.LostTotal() - late;
  }
  if (told < lost) {
    throw Violation{fmt::format("{} bytes are lost, and records tell of {}", lost, told)};
  }
}

}  // namespace

RunResult Run(uint64_t seed, bool verbose) { return Simulation(seed, verbose).Run(); }

}  // namespace hinomi::simulation
