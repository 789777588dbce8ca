// What the pipeline is doing now, for people: taken from the components, never fed back to them.
// Ages count from the moment at which it was taken; totals from the start of the process.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "shipper/batch.h"

namespace hinomi {

/// One log. A line counts once however many routes it takes: totals are those of the route that is
/// furthest, `pending` and `oldest` those of the route that is furthest behind.
struct LogStatus {
  uint64_t log = 0;  // the store's handle, never used twice
  std::shared_ptr<const Origin> origin;
  uint64_t lines = 0;          // settled records
  uint64_t bytes = 0;          // of the log's files, settled
  uint64_t pending_bytes = 0;  // seen and not settled
  Duration oldest{0};          // how long the oldest of them has waited
};

struct LogsStatus {
  std::vector<LogStatus> logs;  // in no order
  // Of these and of the logs that are gone since the start:
  uint64_t lines = 0;
  uint64_t bytes = 0;
  std::map<std::string_view, uint64_t> dropped_bytes;  // by reason
  std::map<std::string_view, uint64_t> lost_bytes;     // by reason
};

/// What became of the bytes of one log on one route, or of all logs of a namespace that are gone.
/// produced = settled + in_flight + unread, or there is a bug.
struct LedgerEntry {
  std::string route;
  std::shared_ptr<const Origin> origin;  // null for those that are gone
  std::string namespace_name;
  uint64_t produced = 0;
  SettledBytes settled;
  uint64_t in_flight = 0;  // in batches
  uint64_t unread = 0;     // in files
  int64_t imbalance = 0;
};

struct Ledger {
  int64_t epoch_seconds = 0;  // Unix time; since when it counts
  std::vector<LedgerEntry> entries;
};

enum class SinkState : uint8_t {
  kOk,
  kFailing,    // it does not take everything; what it does not take waits
  kRejecting,  // it refuses most documents of a route
};
std::string_view ToString(SinkState state);

/// A route most of whose documents a sink refuses.
struct RefusedRoute {
  std::string route;
  std::string reason;
  Duration since{0};
  Duration wait{0};  // until they are tried once more, to become dead letters if they must
};

/// One sink's delivery.
struct DeliveryStatus {
  SinkState state = SinkState::kOk;
  std::string error;             // what is wrong; empty when nothing is
  Duration since{0};             // how long it has been so
  uint64_t batches = 0;          // settled
  uint64_t records = 0;          // acknowledged
  uint64_t in_flight_bytes = 0;  // encoded
  bool full = false;             // there is no room for another batch
  Duration retry{0};             // until a batch that failed is tried again
  std::vector<RefusedRoute> refused = {};
};

/// What kind of sink it is, as in the configuration, and where it sends to, without secrets.
std::string TypeOf(const SinkConfig& config);
std::string TargetOf(const SinkConfig& config);

struct SinkStatus {
  std::string name;
  std::string type;
  std::string target;
  DeliveryStatus delivery;
};

struct SourceStatus {
  std::string name;
  std::string path;       // where it looks for logs
  std::string not_ready;  // why it cannot; empty when it can
};

struct ShipperStatus {
  std::vector<SourceStatus> sources;
  std::vector<SinkStatus> sinks;  // as in the configuration
  LogsStatus logs;
};

}  // namespace hinomi
