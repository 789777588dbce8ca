#include "app/agent.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <thread>

#include "app/api.h"
#include "app/page/page.h"
#include "app/process_metrics.h"
#include "app/scrape.h"
#include "app/version.h"
#include "base/hash.h"
#include "base/logging.h"
#include "config/load.h"
#include "metadata/cri.h"
#include "metadata/kubelet.h"

namespace hinomi {
namespace {

constexpr Duration kLockPatience = std::chrono::seconds(60);
// SIGTERM to exit is ten seconds at most; what follows the drain (a second for a sink that hangs)
// needs a part of that.
constexpr Duration kDrainPatience = std::chrono::seconds(8);

constexpr Duration kLookEvery = std::chrono::seconds(1);  // at the file of the configuration

// The one of these signals that comes within `timeout`; none otherwise.
std::optional<int> AwaitSignal(Duration timeout, std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec wait = {seconds.count(), (timeout - seconds).count()};
  const int signal = sigtimedwait(&set, nullptr, &wait);
  return signal > 0 ? std::optional(signal) : std::nullopt;
}

bool IsAskedToEnd() {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

std::string OwnPod() {
  const char* namespace_name = std::getenv("POD_NAMESPACE");
  const char* pod = std::getenv("POD_NAME");
  if (namespace_name == nullptr || pod == nullptr) return "";
  return std::string(namespace_name) + "/" + pod;
}

std::string HashOf(const Config& config) {
  Loaded loaded;
  loaded.config = config;
  return ToHex(Hash128Of(Dump(loaded)));
}

}  // namespace

Agent::Agent(Config config, const std::string& path, std::function<Loaded()> load)
    : config_(std::move(config)),
      process_metrics_(RegisterProcessMetrics(metrics_)),
      events_({.directory = config_.state_dir + "/events", .agent = AgentAsPod(OwnPod())},
              {files_, clock_, metrics_}),
      life_(config_.state_dir + "/last_run", HashOf(config_), files_, events_),
      container_life_(config_.node, metrics_),
      metadata_(MakeMetadata()),
      endpoints_(config_, {metadata_.get(), MakeRuntime(), files_, clock_, metrics_, kVersion}),
      access_(config_.http.token_file, files_),
      board_({config_.cluster, config_.node, clock_.Monotonic()}, [this] { return Sample(); }),
      reloader_(config_, path, {files_, metrics_, std::move(load)}) {}

void Agent::SetNotReady(std::string why) {
  const std::lock_guard lock(mutex_);
  not_ready_ = std::move(why);
}

std::string Agent::NotReady() const {
  return not_ready_.empty() && shipper_ != nullptr ? shipper_->NotReady() : not_ready_;
}

// The process is ready when its sources are; a dead sink is shown, but restarting the agent would
// not mend it.
HttpResponse Agent::Ready() {
  const std::lock_guard lock(mutex_);
  HttpResponse response;
  const std::string why = NotReady();
  if (!why.empty()) response.status = 503;
  response.body = why.empty() ? "ready\n" : "not ready: " + why + "\n";
  if (shipper_ == nullptr) return response;
  for (const auto& [sink, error] : shipper_->SinkErrors()) {
    response.body += "sink " + sink + ": " + error + "\n";
  }
  if (const std::string degraded = shipper_->EscrowDegraded(); !degraded.empty()) {
    response.body +=
        "escrow: " + degraded +
        "; files that are not settled are held by their descriptors, until a restart\n";
  }
  if (metadata_ == nullptr || !config_.kubernetes_enabled) return response;
  for (const auto& [source, problem] : metadata_->Problems()) {
    response.body += source + ": " + problem + "; documents have no labels from it\n";
  }
  return response;
}

Result<std::unique_ptr<FileLock>> Agent::TakeState() {
  const Result<void> made = files_.MakeDirectories(config_.state_dir);
  if (!made) return made.error();
  const Duration until = clock_.Monotonic() + kLockPatience;
  while (true) {
    Result<std::unique_ptr<FileLock>> lock = files_.Lock(config_.state_dir + "/lock");
    if (lock || clock_.Monotonic() >= until) return lock;
    if (lock.error().kind != ErrorKind::kTransient) {
      return Error{ErrorKind::kIo, lock.error().message + "; state_dir must be writable"};
    }
    SetNotReady(lock.error().message);
    log::Warn("{}; waiting for it to end", lock.error().message);
    if (AwaitSignal(std::chrono::seconds(1), {SIGTERM, SIGINT})) {
      return Error{ErrorKind::kIo, "stopped while waiting for the state directory"};
    }
  }
}

std::unique_ptr<CriClient> Agent::MakeRuntime() {
  const MetadataConfig& config = config_.metadata;
  if (!config.enabled || !config_.kubernetes_enabled) return nullptr;
  CriOptions options;
  options.host_root = config_.host_root;
  options.socket = config.cri_socket;
  options.annotations = config.annotations;
  return std::make_unique<CriClient>(std::move(options), files_);
}

std::unique_ptr<MetadataStore> Agent::MakeMetadata() {
  const MetadataConfig& config = config_.metadata;
  std::unique_ptr<CriClient> runtime = MakeRuntime();
  if (runtime == nullptr) return nullptr;
  std::unique_ptr<PodSource> kubelet;
  if (!config.kubelet.url.empty()) {
    kubelet = std::make_unique<Kubelet>(config.kubelet, config.annotations, files_);
  }
  return std::make_unique<MetadataStore>(
      MetadataStore::Options{config_.state_dir + "/metadata", config.wait_max, config.pods_max},
      MetadataStore::Parts{
          std::move(runtime), std::move(kubelet), files_, clock_, metrics_,
          [this](const std::vector<std::string>& uids) { shipper_->MetadataChanged(uids); },
          [this](const PodMetadata& pod, const ContainerMetadata& container) {
            container_life_.Exited(pod, container);
            endpoints_.ContainerExited(pod, container);
            shipper_->ContainerExited(pod, container);
          },
          [this](const PodMetadata& pod, const ContainerMetadata& container) {
            container_life_.Started(pod, container);
          }});
}

StatusSample Agent::Sample() {
  StatusSample sample;
  sample.at = clock_.Monotonic();
  sample.usage = ReadProcessUsage();
  const std::lock_guard lock(mutex_);
  if (shipper_ != nullptr) sample.shipper = shipper_->Status();
  sample.not_ready = NotReady();
  return sample;
}

// What there is once all is started is there until the end.
Shipper* Agent::StartedShipper() {
  const std::lock_guard lock(mutex_);
  return shipper_.get();
}

HttpServer::Handlers Agent::GuardedHandlers() {
  HttpServer::Handlers guarded;
  for (auto& [path, file] : PageFiles()) {
    guarded[path] = [file = file](const IncomingRequest&) { return file; };
  }
  guarded["/api/v1/status"] = [this](const IncomingRequest&) {
    return HttpResponse{.content_type = "application/json", .body = board_.Json() + "\n"};
  };
  guarded["/api/v1/status/stream"] = [this](const IncomingRequest& request) {
    HttpResponse response{.content_type = "text/event-stream"};
    response.stream = [this, request, seen = uint64_t{0}](const std::stop_token& stop) mutable {
      std::optional<std::string> event = board_.NextEvent(&seen, stop);
      if (access_.Refuse(request)) event.reset();  // the token has changed meanwhile
      return event;
    };
    return response;
  };
  const auto ask = [this](auto answer) {
    return [this, answer](const IncomingRequest& request) {
      Shipper* shipper = StartedShipper();
      if (shipper == nullptr) return HttpResponse{.status = 503, .body = "not ready yet\n"};
      return answer(request, *shipper);
    };
  };
  guarded["/api/v1/ledger"] = ask(AnswerLedger);
  guarded["/api/v1/explain"] = ask(AnswerExplain);
  return guarded;
}

HttpServer::Handlers Agent::Handlers() {
  HttpServer::Handlers handlers;
  handlers["/healthz"] = [](const IncomingRequest&) { return HttpResponse{.body = "ok\n"}; };
  handlers["/readyz"] = [this](const IncomingRequest&) { return Ready(); };
  handlers["/metrics"] = [this](const IncomingRequest&) {
    return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics_.Expose()};
  };
  for (const auto& [path, scraper] : endpoints_.scrapers()) {
    handlers[path] = [scraper = scraper.get()](const IncomingRequest& request) {
      return AnswerScrape(request, *scraper);
    };
  }
  for (auto& [path, handler] : GuardedHandlers()) {
    handlers[path] = [this, handler = handler](const IncomingRequest& request) {
      std::optional<HttpResponse> refusal = access_.Refuse(request);
      return refusal ? *std::move(refusal) : handler(request);
    };
  }
  return handlers;
}

void Agent::Reload() {
  const std::optional<Config> next = reloader_.Read();
  if (!next) return;
  shipper_->Reload(*next, IsAskedToEnd);
  life_.Changed(HashOf(*next));
  reloader_.Applied();
  log::Info("the new configuration is in effect");
}

Result<int> Agent::Run() {
  board_.Sample();
  const std::jthread sampler([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "hinomi-status");
    board_.Run(stop);
  });
  const Result<std::unique_ptr<HttpServer>> http =
      HttpServer::Start({.listen = config_.http.listen}, Handlers(), metrics_);
  if (!http) return http.error();
  log::Info("hinomi {} ({}) on node \"{}\" serves {}", kVersion, kCommit, config_.node,
            (*http)->address());
  const Result<std::unique_ptr<FileLock>> state = TakeState();
  if (!state) return state.error();
  const Result<void> opened = events_.Open();
  if (!opened) log::Warn("{}; events are not kept until it can be", opened.error().message);
  life_.Begin(kVersion);
  if (metadata_ != nullptr) metadata_->Load();
  {
    const std::lock_guard lock(mutex_);
    shipper_ = std::make_unique<Shipper>(
        config_, OwnPod(), Shipper::Parts{files_, clock_, metrics_, metadata_.get(), &events_});
    shipper_->Start();
    not_ready_.clear();
  }
  const std::jthread metadata([this](const std::stop_token& stop) {
    if (metadata_ == nullptr) return;
    pthread_setname_np(pthread_self(), "hinomi-metadata");
    metadata_->Run(stop);
  });
  const std::jthread collecting([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "hinomi-collect");
    endpoints_.Run(stop);
  });
  std::optional<int> signal;
  while (!signal || *signal == SIGHUP) {
    if (signal || reloader_.Changed()) Reload();
    signal = AwaitSignal(kLookEvery, {SIGTERM, SIGINT, SIGHUP});
  }
  log::Info("received {}; shipping what is left", strsignal(*signal));
  SetNotReady("ending");
  life_.Stop(strsignal(*signal));
  // From here on a further signal ends the process the plain way.
  std::signal(SIGINT, SIG_DFL);
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
  const bool drained = shipper_->Drain(kDrainPatience);
  life_.End();
  if (!drained) {
    log::Warn("a sink hangs; leaving without it");
    _exit(0);
  }
  return 0;
}

}  // namespace hinomi
