#include "shipper/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/planted_bug.h"

namespace hinomi {
namespace {

constexpr Duration kShedAfter = std::chrono::seconds(30);
constexpr Duration kBackOffFirst = std::chrono::milliseconds(250);
constexpr Duration kBackOffMax = std::chrono::seconds(10);
constexpr Duration kRejectingHold = std::chrono::seconds(60);
// Fewer than this are dead-lettered without the wait: one odd document in a quiet hour is most of
// its batch.
constexpr size_t kRejectingRecordsMin = 16;
constexpr Duration kIdleWait = std::chrono::seconds(1);

/// Whether an attempt failed as it does where a server has more to do than it can. Every other
/// refusal has nothing to do with how many requests there are.
bool IsOverload(std::string_view code) {
  // Of HTTP, of connections and of gRPC.
  constexpr std::string_view kCodes[] = {"429",
                                         "502",
                                         "503",
                                         "504",
                                         "connect",
                                         "timeout",
                                         "reset",
                                         "unavailable",
                                         "deadline_exceeded",
                                         "resource_exhausted"};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

bool Contains(const std::vector<uint32_t>& routes, uint32_t route) {
  return std::find(routes.begin(), routes.end(), route) != routes.end();
}

}  // namespace

Delivery::Delivery(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      entered_(parts_.sink.concurrency()),
      limit_(parts_.sink.concurrency()),
      random_(static_cast<unsigned>(parts_.clock.Monotonic().count())) {
  const Labels sink = {{"sink", options_.sink_name}};
  Metrics& metrics = parts_.metrics;
  retries_ =
      metrics.CounterOf("hinomi_sink_retries_total", "Batches that were sent once more.", sink);
  batches_ = metrics.CounterOf("hinomi_sink_batches_total", "Batches settled.", sink);
  up_ = metrics.GaugeOf("hinomi_sink_up", "0 while the sink takes nothing.", sink);
  in_flight_ =
      metrics.GaugeOf("hinomi_sink_in_flight_bytes",
                      "Encoded bytes of batches that are filled, waiting or being sent.", sink);
  in_flight_max_ =
      metrics.GaugeOf("hinomi_sink_in_flight_bytes_max",
                      "What that may be: the sink's share of limits.in_flight_bytes_max.", sink);
  SetInFlightMax(options_.in_flight_bytes_max);
  concurrency_ = metrics.GaugeOf("hinomi_sink_concurrency",
                                 "Requests that the sink may have on their way at once.", sink);
  concurrency_.Set(limit_.now());
  up_.Set(1);
  SetRoutes(options_.route_names, options_.high_routes);
}

void Delivery::SetRoutes(const std::vector<std::string>& names, const std::vector<uint32_t>& high) {
  const std::lock_guard lock(mutex_);
  routes_.resize(std::max(routes_.size(), names.size()));
  for (uint32_t i = 0; i < routes_.size(); ++i) {
    routes_[i].high = Contains(high, i);
    const bool ours = i < names.size() && !names[i].empty();
    if (ours == routes_[i].ours) continue;
    Route& route = routes_[i];
    route.ours = ours;
    route.open = ours && !Contains(options_.kept_routes, i);
    route.rejecting = false;
    route.hold_until = Duration{0};
    route.rejecting_gauge = {};
    if (!ours) continue;
    route.name = names[i];
    route.rejecting_gauge = parts_.metrics.GaugeOf(
        "hinomi_sink_rejecting", "1 while the sink refuses most documents of a route.",
        {{"sink", options_.sink_name}, {"route", route.name}});
  }
  Changed();
}

// The lock is held.
bool Delivery::RoomFor(bool high) const {
  if (in_flight_bytes_ == 0) return true;  // one batch must fit, whatever the limit
  const bool any_high = std::any_of(routes_.begin(), routes_.end(),
                                    [](const Route& route) { return route.ours && route.high; });
  const uint64_t kept_free =
      high || !any_high ? 0 : std::min(options_.batch_bytes, in_flight_bytes_max_ / 2);
  return in_flight_bytes_ + options_.batch_bytes <= in_flight_bytes_max_ - kept_free;
}

// The lock is held.
std::deque<Delivery::Waiting>::iterator Delivery::FirstOfTheRest() {
  return std::find_if(waiting_.begin(), waiting_.end(), [this](const Waiting& waiting) {
    return !routes_[waiting.batch->route].high;
  });
}

void Delivery::SetInFlightMax(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  in_flight_bytes_max_ = bytes;
  in_flight_max_.Set(static_cast<double>(bytes));
}

void Delivery::ForgetForeign() {
  std::vector<std::unique_ptr<Batch>> foreign;
  {
    const std::lock_guard lock(mutex_);
    const auto kept = std::stable_partition(
        waiting_.begin(), waiting_.end(),
        [this](const Waiting& waiting) { return routes_[waiting.batch->route].ours; });
    for (auto it = kept; it != waiting_.end(); ++it) foreign.push_back(std::move(it->batch));
    waiting_.erase(kept, waiting_.end());
  }
  for (std::unique_ptr<Batch>& batch : foreign) {
    parts_.forget(*batch);
    Release(std::move(batch));
  }
}

bool Delivery::HoldsForeign() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(routes_.begin(), routes_.end(),
                     [](const Route& route) { return !route.ours && route.batches > 0; });
}

std::unique_ptr<Batch> Delivery::NewBatch(uint32_t route) {
  const std::lock_guard lock(mutex_);
  const Duration now = parts_.clock.Monotonic();
  if (failing_since_ && now - *failing_since_ >= kShedAfter) return nullptr;
  if (!routes_[route].open || now < routes_[route].hold_until) return nullptr;
  if (!RoomFor(routes_[route].high)) return nullptr;
  std::unique_ptr<Batch> batch;
  if (spare_.empty()) {
    batch = std::make_unique<Batch>();
  } else {
    batch = std::move(spare_.back());
    spare_.pop_back();
  }
  batch->route = route;
  batch->number = ++batches_made_;
  batch->charged_bytes = options_.batch_bytes;
  ++routes_[route].batches;
  in_flight_bytes_ += batch->charged_bytes;
  in_flight_.Set(static_cast<double>(in_flight_bytes_));
  ++open_;
  return batch;
}

void Delivery::Enqueue(std::unique_ptr<Batch> batch) {
  const bool empty = batch->records.empty();
  {
    const std::lock_guard lock(mutex_);
    --open_;
    in_flight_bytes_ += batch->bytes.size() - batch->charged_bytes;
    batch->charged_bytes = batch->bytes.size();
    in_flight_.Set(static_cast<double>(in_flight_bytes_));
    if (!empty) {
      const bool high = routes_[batch->route].high;
      waiting_.insert(high ? FirstOfTheRest() : waiting_.end(), {std::move(batch), Duration{0}});
    }
    Changed();
  }
  if (empty) Finish(std::move(batch));
}

void Delivery::Changed() {
  ++changes_;
  changed_.notify_all();
}

void Delivery::Discard(std::unique_ptr<Batch> batch) {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  Release(std::move(batch));
}

bool Delivery::shedding() const {
  const std::lock_guard lock(mutex_);
  return failing_since_ && parts_.clock.Monotonic() - *failing_since_ >= kShedAfter;
}

std::vector<std::unique_ptr<Batch>> Delivery::Shed() {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Batch>> shed;
  if (!failing_since_ || parts_.clock.Monotonic() - *failing_since_ < kShedAfter) return shed;
  // What is being sent comes back first in line and is the probe; else the oldest that waits.
  const size_t keep = delivering_ > 0 ? 0 : 1;
  while (waiting_.size() > keep) {
    shed.push_back(std::move(waiting_.back().batch));
    waiting_.pop_back();
    ++open_;
  }
  spare_.clear();
  return shed;
}

bool Delivery::open(uint32_t route) const {
  const std::lock_guard lock(mutex_);
  return routes_[route].open;
}

std::vector<std::unique_ptr<Batch>> Delivery::ShedRoute(uint32_t route) {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Batch>> shed;
  const auto kept = std::stable_partition(
      waiting_.begin(), waiting_.end(),
      [route](const Waiting& waiting) { return waiting.batch->route != route; });
  for (auto it = kept; it != waiting_.end(); ++it) {
    shed.push_back(std::move(it->batch));
    ++open_;
  }
  waiting_.erase(kept, waiting_.end());
  return shed;
}

bool Delivery::idle() const {
  const std::lock_guard lock(mutex_);
  return waiting_.empty() && delivering_ == 0;
}

std::unique_ptr<Batch> Delivery::Take(Duration* wait) {
  const std::lock_guard lock(mutex_);
  const Duration now = parts_.clock.Monotonic();
  *wait = kIdleWait;
  if (failing_since_ && delivering_ > 0) return nullptr;  // the probe is out
  if (delivering_ >= limit_.now()) return nullptr;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (!routes_[it->batch->route].open) continue;  // the worker forgets it
    const Duration held_until = routes_[it->batch->route].hold_until;
    const Duration due = std::max(it->not_before, held_until);
    if (due <= now) {
      std::unique_ptr<Batch> batch = std::move(it->batch);
      waiting_.erase(it);
      ++delivering_;
      batch->taken_at = now;
      if (batch->attempts++ > 0) retries_.Add();
      return batch;
    }
    *wait = std::min(*wait, due - now);
    // A route that is held may be passed: nothing of it is on its way. One that backs off may not,
    // where the order of records counts.
    if (failing_since_ || (lanes() == 1 && held_until <= now)) return nullptr;
  }
  return nullptr;
}

uint32_t Delivery::PendingOf(const Batch& batch) const {
  return static_cast<uint32_t>(
      std::count_if(batch.records.begin(), batch.records.end(),
                    [](const BatchRecord& record) { return record.outcome == Outcome::kPending; }));
}

// Most of a batch refused looks like a mistake in the sink's mapping, not like bad documents: that
// is said, and gets a minute in which somebody may mend it, before the records become dead letters.
bool Delivery::HoldForRejections(Batch& batch, Duration now) {
  const std::lock_guard lock(mutex_);
  Route& route = routes_[batch.route];
  const auto again =
      std::partition(batch.rejections.begin(), batch.rejections.end(),
                     [](const Rejection& rejection) { return rejection.perhaps_taken; });
  const auto refused = static_cast<size_t>(batch.rejections.end() - again);
  const bool most = refused * 2 > batch.records.size();
  if (!most || refused < kRejectingRecordsMin) {
    if (!most && route.rejecting) {
      route.rejecting = false;
      route.rejecting_gauge.Set(0);
    }
    return false;
  }
  if (route.rejecting) return false;
  route.rejecting = true;
  route.refusal = again->type + ": " + again->reason;
  route.rejecting_since = now;
  route.rejecting_gauge.Set(1);
  route.hold_until = now + kRejectingHold;
  log::Error(
      "sink \"{}\" refuses most documents of route \"{}\": {}; the route waits for {} s, then they "
      "become dead letters",
      options_.sink_name, route.name, route.refusal, kRejectingHold / std::chrono::seconds(1));
  SendAgain(batch);
  return true;
}

// Makes the refused records pending again, but for those that may have been taken.
void Delivery::SendAgain(Batch& batch) {
  for (const Rejection& rejection : batch.rejections) {
    if (!rejection.perhaps_taken) batch.records[rejection.record].outcome = Outcome::kPending;
  }
  std::erase_if(batch.rejections,
                [](const Rejection& rejection) { return !rejection.perhaps_taken; });
}

// On the disk before they are settled. When that fails they are pending again.
std::optional<std::string> Delivery::StoreRejections(Batch& batch) {
  if (batch.rejections.empty()) return std::nullopt;
  const Result<void> stored = parts_.dead_letters.Append(
      batch, {options_.sink_name, NameOf(batch.route), parts_.sink.format()});
  if (stored || PlantedBug(Bug::kDeadLetterErrorIgnored)) {
    const Rejection& first = batch.rejections.front();
    const Slice& slice = batch.slices[batch.records[first.record].slice];
    if (!slice.origin->own) {
      log::Error("sink \"{}\" refused {} documents, now dead letters; the first, of \"{}\": {}: {}",
                 options_.sink_name, batch.rejections.size(), slice.origin->path, first.type,
                 first.reason);
    }
    batch.rejections.clear();
    return std::nullopt;
  }
  SendAgain(batch);
  return stored.error().message;
}

// A server that sends all agents away for the same time would have all of them back at once: what
// it asks for is therefore stretched, as the wait of our own is cut short.
Duration Delivery::BackOff(int attempts, const Attempt& attempt) {
  const Duration full = kBackOffFirst * (1 << std::clamp(attempts, 0, 10));
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  const double part = jitter(random_);
  const auto wait = std::chrono::duration_cast<Duration>(std::min(full, kBackOffMax) * part);
  if (!attempt.retry_after) return wait;
  return std::max(wait, std::chrono::duration_cast<Duration>(*attempt.retry_after * (0.5 + part)));
}

void Delivery::Failed(const std::string& error, bool progress, Duration now) {
  if (last_error_.empty()) {
    log::Warn("sink \"{}\": {}; nothing is lost, it will be tried again", options_.sink_name,
              error);
    error_since_ = now;
  }
  last_error_ = error;
  if (progress) {
    failing_since_.reset();
    failures_ = 0;
  } else if (!failing_since_) {
    failing_since_ = now;
  }
  ++failures_;
  up_.Set(failing_since_ ? 0 : 1);
}

void Delivery::Succeeded() {
  if (!last_error_.empty()) log::Info("sink \"{}\" takes records again", options_.sink_name);
  last_error_.clear();
  failing_since_.reset();
  failures_ = 0;
  up_.Set(1);
}

void Delivery::Complete(std::unique_ptr<Batch> batch, const Attempt& attempt) {
  const Duration now = parts_.clock.Monotonic();
  if (attempt.reopen) Close(batch->route, attempt);
  if (HoldForRejections(*batch, now)) {
    const std::lock_guard lock(mutex_);
    return Requeue(std::move(batch), now + kRejectingHold);
  }
  const std::optional<std::string> unstored = StoreRejections(*batch);
  const uint32_t pending = PlantedBug(Bug::kFailureTakenForSuccess) ? 0 : PendingOf(*batch);
  const bool progress = pending < batch->pending_before;
  batch->pending_before = pending;
  if (pending == 0 && !unstored) {
    {
      const std::lock_guard lock(mutex_);
      Succeeded();
      limit_.Taken(now - batch->taken_at, delivering_);
      concurrency_.Set(limit_.now());
      --delivering_;
      Changed();
    }
    return Finish(std::move(batch));
  }
  const std::string error = unstored.value_or(attempt.error);
  CountError(unstored ? "dead_letters" : attempt.code);
  const std::lock_guard lock(mutex_);
  if (attempt.code != "stopped") Failed(error, progress, now);
  if (IsOverload(attempt.code)) limit_.Refused(batch->taken_at, now);
  concurrency_.Set(limit_.now());
  const Duration wait = BackOff(failures_ - 1, attempt);
  Requeue(std::move(batch), now + wait);
}

void Delivery::CountError(const std::string& code) {
  parts_.metrics
      .CounterOf("hinomi_sink_errors_total", "Attempts that left records undelivered, by cause.",
                 {{"sink", options_.sink_name}, {"code", code}})
      .Add();
}

// Back to where its age puts it: in front of those of its priority.
void Delivery::Requeue(std::unique_ptr<Batch> batch, Duration not_before) {
  --delivering_;
  if (PlantedBug(Bug::kRetriedLast)) {
    waiting_.push_back({std::move(batch), not_before});
  } else {
    const bool high = routes_[batch->route].high;
    waiting_.insert(high ? waiting_.begin() : FirstOfTheRest(), {std::move(batch), not_before});
  }
  Changed();
}

void Delivery::TallySlices(Batch& batch) {
  for (const BatchRecord& record : batch.records) {
    Slice& slice = batch.slices[record.slice];
    if (record.outcome == Outcome::kRejected) {
      Dropped& rejected = slice.dropped[DropReason::kRejected];
      ++rejected.lines;
      rejected.bytes += record.source_bytes;
    } else {
      slice.acknowledged_bytes += record.source_bytes;
    }
  }
}

void Delivery::Finish(std::unique_ptr<Batch> batch) {
  TallySlices(*batch);
  parts_.settle(*batch);
  batches_.Add();
  {
    const std::lock_guard lock(mutex_);
    for (const Slice& slice : batch->slices) {
      acknowledged_records_ += slice.records - slice.dropped[DropReason::kRejected].lines;
    }
  }
  Release(std::move(batch));
}

void Delivery::Release(std::unique_ptr<Batch> batch) {
  {
    const std::lock_guard lock(mutex_);
    in_flight_bytes_ -= batch->charged_bytes;
    in_flight_.Set(static_cast<double>(in_flight_bytes_));
    --routes_[batch->route].batches;
    batch->Clear();
    if (!failing_since_ && spare_.size() < 2) spare_.push_back(std::move(batch));
  }
  parts_.room();
}

void Delivery::RunLane(uint32_t lane, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const uint64_t seen = Changes();
    if (lane == 0) OpenRoutes(stop);
    Duration wait{0};
    std::unique_ptr<Batch> batch = Take(&wait);
    if (batch == nullptr) {
      Tidy(lane);
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, wait, [&] { return changes_ != seen; });
      continue;
    }
    batch->pending_before = PendingOf(*batch);
    Enter(lane);
    const Attempt attempt = parts_.sink.Deliver(*batch, lane, stop);
    Leave(lane);
    Complete(std::move(batch), attempt);
  }
}

void Delivery::OpenRoutes(const std::stop_token& stop) {
  for (uint32_t index : options_.kept_routes) {
    if (!MayOpen(index)) continue;
    std::vector<KeptCursor> cursors;
    Enter(0);
    const Attempt attempt = parts_.sink.cursors()->Open(index, stop, &cursors);
    Leave(0);
    if (stop.stop_requested()) return;
    if (attempt.error.empty()) {
      parts_.adopt(index, std::move(cursors));
      {
        const std::lock_guard lock(mutex_);
        routes_[index].open = routes_[index].ours;
        if (AllOpen()) Succeeded();
      }
      parts_.room();
      continue;
    }
    CountError(attempt.code);
    const std::lock_guard lock(mutex_);
    const Duration now = parts_.clock.Monotonic();
    Failed(attempt.error, /*progress=*/false, now);
    routes_[index].open_not_before = now + BackOff(failures_ - 1, attempt);
  }
}

// Whatever became of the batch's records: none goes to that route before it is opened again.
void Delivery::Close(uint32_t route, const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  routes_[route].open = false;
  routes_[route].open_not_before = parts_.clock.Monotonic() + BackOff(failures_, attempt);
}

bool Delivery::MayOpen(uint32_t index) const {
  const std::lock_guard lock(mutex_);
  const Route& route = routes_[index];
  return route.ours && !route.open && route.batches == 0 &&
         parts_.clock.Monotonic() >= route.open_not_before;
}

bool Delivery::AllOpen() const {
  return std::all_of(routes_.begin(), routes_.end(),
                     [](const Route& route) { return route.open || !route.ours; });
}

void Delivery::Tidy(uint32_t lane) {
  if (lane != 0) return;
  Enter(lane);
  parts_.sink.Tidy();
  if (!LastError().empty() && parts_.sink.Mended()) TryAtOnce();
  Leave(lane);
  const std::lock_guard lock(mutex_);
  // It hung, and no batch is there to show that it no longer does.
  if (failing_since_ && AllOpen() && waiting_.empty() && delivering_ == 0) Succeeded();
}

void Delivery::TryAtOnce() {
  const std::lock_guard lock(mutex_);
  for (Waiting& waiting : waiting_) waiting.not_before = Duration{0};
  Changed();
}

void Delivery::Enter(uint32_t lane) {
  const std::lock_guard lock(mutex_);
  entered_[lane] = parts_.clock.Monotonic();
}

void Delivery::Leave(uint32_t lane) {
  const std::lock_guard lock(mutex_);
  entered_[lane].reset();
}

void Delivery::Watch() {
  ForgetForeign();
  const std::lock_guard lock(mutex_);
  const Duration now = parts_.clock.Monotonic();
  for (const std::optional<Duration>& since : entered_) {
    if (!since || now - *since < parts_.sink.patience()) continue;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *since).count();
    Failed(fmt::format("has not answered for {} s", seconds), /*progress=*/false, *since);
  }
}

uint64_t Delivery::Changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

DeliveryStatus Delivery::Status() const {
  const std::lock_guard lock(mutex_);
  const Duration now = parts_.clock.Monotonic();
  DeliveryStatus status;
  status.batches = static_cast<uint64_t>(batches_.Value());
  status.records = acknowledged_records_;
  status.in_flight_bytes = in_flight_bytes_;
  status.full = !RoomFor(/*high=*/false);
  if (!waiting_.empty()) status.retry = std::max(waiting_.front().not_before - now, Duration{0});
  for (const Route& route : routes_) {
    if (!route.rejecting) continue;
    status.refused.push_back({route.name, route.refusal, now - route.rejecting_since,
                              std::max(route.hold_until - now, Duration{0})});
  }
  if (!last_error_.empty()) {
    status.state = SinkState::kFailing;
    status.error = last_error_;
    status.since = now - error_since_;
  } else if (!status.refused.empty()) {
    status.state = SinkState::kRejecting;
    status.error = status.refused.front().reason;
    status.since = status.refused.front().since;
  }
  return status;
}

std::string Delivery::NameOf(uint32_t route) const {
  const std::lock_guard lock(mutex_);
  return routes_[route].name;
}

std::string Delivery::LastError() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

}  // namespace hinomi
