// What the page and /api/v1/status show: a sample of the agent every two seconds, and the rates
// between samples, the same for all who look. Knows nothing of HTTP.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "app/process_metrics.h"
#include "base/clock.h"
#include "shipper/status.h"

namespace hinomi {

/// What stays the same while the agent runs.
struct StatusIdentity {
  std::string cluster;
  std::string node;
  Duration started{0};  // monotonic
};

struct StatusSample {
  Duration at{0};         // monotonic
  std::string not_ready;  // why; empty when the agent is ready
  ProcessUsage usage;
  ShipperStatus shipper;
};

/// A rate is a mean over the last ten seconds or a little more, or since the start where that is
/// shorter: what arrives in batches is not to look like silence and bursts.
struct StatusRates {
  double lines_per_second = 0;
  double bytes_per_second = 0;
};

struct LogView {
  const LogStatus* log = nullptr;
  StatusRates rates;
};

/// The sums over all logs at one sample.
struct StatusTotals {
  StatusRates rates;
  uint64_t pending_bytes = 0;
  Duration oldest{0};
  uint64_t resident_bytes = 0;
  double cpu_percent = 0;  // of one core
};

/// All that is shown. Refers to the board.
struct StatusView {
  const StatusIdentity& identity;
  const StatusSample& sample;
  const std::deque<StatusTotals>& history;  // the last two minutes, oldest first; the last is now
  std::vector<double> sink_records_per_second;  // as sample.shipper.sinks
  /// At most 500: those with most bytes pending, then the busiest.
  std::vector<LogView> logs;
};

class StatusBoard {
 public:
  static constexpr Duration kEvery = std::chrono::seconds(2);

  /// `take` is called by Sample.
  StatusBoard(StatusIdentity identity, std::function<StatusSample()> take);

  /// Samples until stopped. Its own thread.
  void Run(const std::stop_token& stop);
  /// Takes one sample.
  void Sample();

  /// The newest sample as JSON; at least one has been taken. Any thread.
  std::string Json();
  /// The same as a server-sent event, as soon as it is newer than sample number `*seen`, which is
  /// then set. None when `stop` is requested before that. Any thread.
  std::optional<std::string> NextEvent(uint64_t* seen, const std::stop_token& stop);

 private:
  StatusView View() const;
  const std::string& Rendered();

  const StatusIdentity identity_;
  const std::function<StatusSample()> take_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t count_ = 0;                // of samples so far
  std::deque<StatusSample> samples_;  // those of the window, oldest first
  std::deque<StatusTotals> history_;
  std::string json_;  // of the newest sample; empty until somebody asks for it
};

}  // namespace hinomi
