// Who reads a log, from its first line and after the configuration has changed.
#include <algorithm>

#include "base/logging.h"
#include "metadata/pod_wishes.h"
#include "shipper/source/log_store.h"

namespace hinomi {
namespace {

const TakenRoute* Find(const std::vector<TakenRoute>& routes, uint32_t route) {
  const auto found = std::find_if(routes.begin(), routes.end(), [route](const TakenRoute& taken) {
    return taken.route == route;
  });
  return found == routes.end() ? nullptr : &*found;
}

bool IsExcluded(const PodInfo& pod) {
  return pod.metadata != nullptr && WishesOf(pod.metadata->annotations).exclude;
}

}  // namespace

// Whatever is kept by route has its place for each that is known.
void LogStore::AddQueues() {
  lingers_.resize(routes_.size());
  while (queues_.size() < routes_.size()) {
    queues_.emplace_back(options_.quantum_bytes,
                         [this](const std::string& name, Duration wait) { CountWait(name, wait); });
    route_metrics_.emplace_back();
    RegisterRoute(static_cast<uint32_t>(queues_.size() - 1));
  }
}

std::vector<TakenRoute> LogStore::RoutesOf(const Log& log) const {
  const PodInfo& pod = log.origin->pod;
  return IsExcluded(pod) ? std::vector<TakenRoute>() : routes_.Taking(pod, log.origin->events);
}

void LogStore::AddReaders(Log& log, bool first_look) {
  const std::vector<TakenRoute> routes = RoutesOf(log);
  for (const TakenRoute& taken : routes) {
    log.readers.push_back(MakeReader(log, taken, first_look));
    log.readers.back().fresh_since = clock_.Monotonic();
    AdoptCursor(log, log.readers.back());
  }
  ChangeLevels(log, routes);
  DismissStored(log);
  if (log.readers.empty() && !log.origin->events) {
    log.LetGo(Around(clock_.Monotonic()));
    CountNoRoute(log);
    log::Info("{} \"{}\"; its log is not shipped",
              IsExcluded(log.origin->pod) ? "its annotation excludes" : "no route matches",
              log.directory());
  }
}

// Routes that had a cursor in the log when the last process ended, and do not take it any more.
void LogStore::DismissStored(const Log& log) {
  const auto stored = restored_.find({log.directory(), log.restart()});
  if (stored == restored_.end()) return;
  for (const ReaderState& state : stored->second.state.readers) {
    const uint32_t route = routes_.IndexOf(state.route);
    AddQueues();
    const bool kept =
        std::any_of(log.readers.begin(), log.readers.end(),
                    [route](const Reader& reader) { return reader.route() == route; });
    if (kept) continue;
    SettledBytes rest;
    uint64_t& removed = rest.dropped[static_cast<size_t>(DropReason::kRouteRemoved)];
    removed = state.produced_bytes - std::min(state.produced_bytes, state.settled.Total());
    const std::string name = NamespaceLabel(log.origin->pod.namespace_name);
    CountDropped(name, route, DropReason::kRouteRemoved, removed);
    GoneBytes& gone = gone_[{name, route}];
    gone.produced += state.produced_bytes;
    gone.settled += state.settled;
    gone.settled += rest;
    settled_bytes_ += rest;
    if (removed > 0 && !log.origin->own) {
      log::Warn("{} bytes of \"{}\" are dropped: route \"{}\" does not take it any more", removed,
                log.directory(), state.route);
    }
  }
}

// What it has not settled is dropped.
void LogStore::Dismiss(Log& log, Reader& reader) {
  CHECK(!reader.leased);
  if (!reader.idle()) reader.Forget(reader.oldest_ticket());
  SettledBytes rest;
  rest.dropped[static_cast<size_t>(DropReason::kRouteRemoved)] =
      log.BytesAfter(reader.settled().at);
  reader.Pass({log.End(), {}}, rest);
  CountBytes(log);
  Fold(log, reader);
  Queue& queue = queues_[reader.route()];
  queue.ready.Leave(log.handle());
  std::erase_if(queue.next, [&](const Reference& next) { return next.log == log.handle(); });
}

// Where another configuration takes records from one route and gives them to another, it does so
// from one position on, which no reader has passed: else what the first has left to come would be
// left out by the other, or what it has had would be sent again.
void LogStore::ChangeLevels(Log& log, const std::vector<TakenRoute>& routes) {
  Position from;
  for (const Reader& reader : log.readers) {
    from = std::max({from, reader.read().at, reader.levels.changed_at()});
  }
  for (Reader& reader : log.readers) {
    reader.levels.Forget(reader.settled().at);
    reader.levels.Change(from, Find(routes, reader.route())->levels);
  }
}

void LogStore::ChooseAgain(Log& log, std::map<uint32_t, uint64_t>* dropped) {
  const std::vector<TakenRoute> routes = RoutesOf(log);
  const bool was_read = !log.readers.empty();
  for (Reader& reader : log.readers) {
    if (Find(routes, reader.route()) != nullptr) continue;
    const uint64_t before = reader.settled_bytes().DroppedTotal();
    Dismiss(log, reader);
    (*dropped)[reader.route()] += reader.settled_bytes().DroppedTotal() - before;
  }
  std::erase_if(log.readers,
                [&](const Reader& reader) { return Find(routes, reader.route()) == nullptr; });
  const Duration now = clock_.Monotonic();
  if (routes.empty()) {
    // What was seen until now is in the account of those who read it.
    if (was_read) log.unrouted_counted = log.seen_bytes();
    if (was_read) log.LetGo(Around(now));
    return;
  }
  for (const TakenRoute& taken : routes) {
    const bool known =
        std::any_of(log.readers.begin(), log.readers.end(),
                    [&](const Reader& reader) { return reader.route() == taken.route; });
    if (known) continue;
    log.readers.push_back(MakeReader(log, taken, /*first_look=*/true));
    log.readers.back().fresh_since = now;
  }
  ChangeLevels(log, routes);
  log.TakeUp(Around(now));
  JoinShares(log, /*forgive=*/false);
  // References name readers by their places, which may have changed.
  MarkAllReady(log, now);
}

void LogStore::Configure(const RouteOptions& options) {
  const std::lock_guard lock(mutex_);
  const std::vector<RouteConfig> before = routes_.by_index();
  routes_.Configure(options.routes);
  fairness_ = options.fairness;
  AddQueues();
  for (size_t i = 0; i < options.routes.size(); ++i) {
    lingers_[routes_.IndexOf(options.routes[i].name)] = options.lingers[i];
  }
  for (uint32_t route = 0; route < before.size(); ++route) {
    const bool moved = before[route].sink != routes_[route].sink;
    if (routes_.removed(route)) {
      known_routes_.erase(before[route].name);
    } else if (looked_ && !before[route].sink.empty()) {
      known_routes_.insert(before[route].name);
    }
    if (!moved) continue;
    kept_.erase(route);
    if (!before[route].sink.empty()) {
      metrics_.Hide({{"route", before[route].name}, {"sink", before[route].sink}});
    }
    RegisterRoute(route);
  }
  std::map<uint32_t, uint64_t> dropped;
  for (const auto& [handle, log] : logs_) {
    if (log->origin != nullptr) ChooseAgain(*log, &dropped);
  }
  for (const auto& [route, bytes] : dropped) {
    if (bytes == 0) continue;
    log::Warn(
        "{} bytes that route \"{}\" had not delivered are dropped: it does not take them any "
        "more",
        bytes, routes_[route].name);
  }
  dirty_ = true;
  woken_ = true;
  wake_.notify_one();
}

RouteTable LogStore::routes() const {
  const std::lock_guard lock(mutex_);
  return routes_;
}

std::string LogStore::RouteName(uint32_t route) const {
  const std::lock_guard lock(mutex_);
  return routes_[route].name;
}

void LogStore::TakeBack(uint32_t route) {
  const std::lock_guard lock(mutex_);
  const Duration now = clock_.Monotonic();
  for (const auto& [handle, log] : logs_) {
    for (uint32_t i = 0; i < log->readers.size(); ++i) {
      const Reader& reader = log->readers[i];
      if (reader.route() != route || reader.idle()) continue;
      TakeBack(*log, i, reader.oldest_ticket(), now);
    }
  }
}

}  // namespace hinomi
