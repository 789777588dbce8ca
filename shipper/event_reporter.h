// Says in the event log what happens to the pipeline: losses, before they are settled; sinks that
// take nothing; files that nobody saw; containers that ended.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metadata/pod_metadata.h"
#include "shipper/event_log.h"
#include "shipper/outlet.h"
#include "shipper/source/log_store.h"

namespace hinomi {

/// Metrics: hinomi_gap_records_missing_total.
class EventReporter {
 public:
  struct Parts {
    EventLog& events;
    LogStore& store;
    const Clock& clock;
    Metrics& metrics;
  };
  explicit EventReporter(Parts parts);

  // The thread that keeps house.
  /// Writes a gap record for each loss and returns those that may be settled now. The others wait,
  /// for as long as no record can be written but a minute at most; then they are settled without
  /// one and counted. What is lost of the events themselves has no record: it would be about
  /// itself.
  std::vector<Loss> Record(std::vector<Loss> losses);
  /// Files of the escrow were given up.
  void EscrowFull(uint64_t bytes);
  void FilesLost(const std::vector<MissedFile>& files);
  /// Notices sinks that take nothing, and that do so again. About once a second.
  void WatchSinks(const std::vector<std::shared_ptr<Outlet>>& outlets);

  /// Any thread.
  void ContainerExited(const PodMetadata& pod, const ContainerMetadata& container);

 private:
  Result<void> Write(const Loss& loss);
  bool PatienceIsOver();

  const Parts parts_;
  std::map<std::string, Duration> down_since_;  // by sink: monotonic; once it was said
  std::optional<Duration> unwritable_since_;
  std::vector<Loss> late_;  // those that are settled already and wait for their record
  Counter missing_;
};

}  // namespace hinomi
