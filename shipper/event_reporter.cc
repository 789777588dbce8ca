#include "shipper/event_reporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/logging.h"
#include "shipper/last_lines.h"

namespace hinomi {
namespace {

constexpr Duration kRecordPatience = std::chrono::minutes(1);
// Each is synced to the disk; the others wait for the next time.
constexpr size_t kRecordsMax = 100;
// What is over sooner is a hiccup and no event.
constexpr Duration kDownAfter = std::chrono::seconds(5);

int64_t MillisecondsOf(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

int64_t Signed(uint64_t number) { return static_cast<int64_t>(number); }

}  // namespace

EventReporter::EventReporter(Parts parts)
    : parts_(parts),
      missing_(parts_.metrics.CounterOf(
          "hinomi_gap_records_missing_total",
          "Losses that were settled without a record, since it could not be written.")) {}

Result<void> EventReporter::Write(const Loss& loss) {
  const std::string route = parts_.store.RouteName(loss.route);
  const std::string reason(ToString(loss.reason));
  Event event{.action = EventAction::kBytesLost,
              .message = fmt::format("{} bytes of the log are lost for route \"{}\": {}",
                                     loss.bytes, route, reason),
              .details = {{"route", route},
                          {"reason", reason},
                          {"bytes", Signed(loss.bytes)},
                          {"log", loss.origin->path},
                          {"segment", int64_t{loss.begin.segment}},
                          {"begin", Signed(loss.begin.offset)},
                          {"end", Signed(loss.begin.offset + loss.bytes)}}};
  return parts_.events.Append(loss.origin->pod, event);
}

bool EventReporter::PatienceIsOver() {
  const Duration now = parts_.clock.Monotonic();
  if (!unwritable_since_) unwritable_since_ = now;
  return now - *unwritable_since_ >= kRecordPatience;
}

std::vector<Loss> EventReporter::Record(std::vector<Loss> losses) {
  losses.insert(losses.begin(), late_.begin(), late_.end());
  late_.clear();
  std::vector<Loss> settled;
  size_t records = 0;
  std::string error;
  for (Loss& loss : losses) {
    const bool late = loss.reason == LossReason::kLate;
    if (loss.origin->events) {
      settled.push_back(std::move(loss));
      continue;
    }
    const bool tried = error.empty() && records < kRecordsMax;
    const Result<void> written = tried ? Write(loss) : Result<void>();
    if (tried) ++records;
    if (!written) error = written.error().message;
    if (tried && written) {
      unwritable_since_.reset();
      settled.push_back(std::move(loss));
    } else if (!error.empty() && PatienceIsOver()) {
      missing_.Add();
      settled.push_back(std::move(loss));
    } else if (late) {
      late_.push_back(std::move(loss));
    }
  }
  if (!error.empty()) {
    log::Warn("{}; losses wait for their record for {} s at most", error,
              kRecordPatience / std::chrono::seconds(1));
  }
  return settled;
}

void EventReporter::EscrowFull(uint64_t bytes) {
  if (bytes == 0) return;
  parts_.events.Append(
      {.action = EventAction::kEscrowFull,
       .message = fmt::format("removed files of {} bytes that were not sent yet are given up: the "
                              "escrow is at its limit",
                              bytes),
       .details = {{"bytes", Signed(bytes)}}});
}

void EventReporter::FilesLost(const std::vector<MissedFile>& files) {
  for (const MissedFile& file : files) {
    Event event{
        .action = EventAction::kFileLost,
        .message = fmt::format("\"{}\" of the log went, or may have grown, unseen", file.name),
        .details = {{"file", file.name}}};
    const Result<void> written = parts_.events.Append(file.pod, event);
    if (!written)
      log::Warn("{}; the event is not kept: {}", written.error().message, event.message);
  }
}

void EventReporter::WatchSinks(const std::vector<std::shared_ptr<Outlet>>& outlets) {
  const Duration now = parts_.clock.Monotonic();
  for (const std::shared_ptr<Outlet>& outlet : outlets) {
    const Delivery& delivery = *outlet->delivery;
    const auto down = down_since_.find(delivery.name());
    const DeliveryStatus status = delivery.Status();
    const bool failing = status.state == SinkState::kFailing;
    if (failing && down == down_since_.end() && status.since >= kDownAfter) {
      down_since_[delivery.name()] = now - status.since;
      parts_.events.Append({.action = EventAction::kSinkDown,
                            .message = fmt::format("sink \"{}\" does not take all records: {}",
                                                   delivery.name(), status.error),
                            .details = {{"sink", delivery.name()}, {"reason", status.error}}});
    } else if (!failing && down != down_since_.end()) {
      const Duration lasted = now - down->second;
      down_since_.erase(down);
      parts_.events.Append(
          {.action = EventAction::kSinkUp,
           .message = fmt::format("sink \"{}\" takes records again, after {} s", delivery.name(),
                                  lasted / std::chrono::seconds(1)),
           .details = {{"sink", delivery.name()}, {"down_milliseconds", MillisecondsOf(lasted)}}});
    }
  }
}

void EventReporter::ContainerExited(const PodMetadata& pod, const ContainerMetadata& container) {
  PodInfo about;
  about.namespace_name = pod.namespace_name;
  about.pod_name = pod.name;
  about.pod_uid = pod.uid;
  about.container_name = container.name;
  about.restart_count = container.attempt;
  const bool died = container.exit_code != 0 || container.reason == "OOMKilled";
  Event event{.action = died ? EventAction::kContainerDied : EventAction::kContainerCompleted,
              .message = fmt::format("ended with exit code {}", container.exit_code),
              .details = {{"exit_code", int64_t{container.exit_code}},
                          {"reason", container.reason},
                          {"restart", int64_t{container.attempt}}},
              .at = container.finished};
  if (!container.reason.empty()) event.message += fmt::format(" ({})", container.reason);
  if (container.started > Duration{0} && container.started <= container.finished) {
    const Duration ran = container.finished - container.started;
    event.message += fmt::format(", {} s after its start", ran / std::chrono::seconds(1));
    event.details.emplace_back("ran_milliseconds", MillisecondsOf(ran));
  }
  if (died) {
    event.last_lines = LastLines(parts_.store.TailOf(
        fmt::format("{}_{}_{}/{}", pod.namespace_name, pod.name, pod.uid, container.name),
        container.attempt));
  }
  const Result<void> written = parts_.events.Append(about, event);
  if (!written) log::Warn("{}; the event is not kept: {}", written.error().message, event.message);
}

}  // namespace hinomi
