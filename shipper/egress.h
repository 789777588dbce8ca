// What leaves this machine by the sinks: no more per second than each, and all together, may send,
// and by the address and device that a sink names (docs/egress.md).
//
//   client ──Open──▶ SinkEgress ◀──shares── EgressLimits ──every 0.1 s: what was sent, who wants
//   more
//
// The kernel paces each socket; here is decided how fast. So whoever sends (libcurl, librdkafka,
// gRPC) is not slowed down before the wire, and what waits is in its buffers as with any slow
// server. Knows nothing of batches.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/socket_source.h"
#include "config/config.h"
#include "shipper/egress_division.h"
#include "shipper/egress_socket.h"

namespace hinomi {

/// The kernel's part, for tests to stand in for.
struct EgressCalls {
  std::function<EgressUse(int socket)> use = ReadEgressUse;
  std::function<void(int socket, double bytes_per_second)> pace = PaceEgress;
};

/// One sink's sockets. Any thread.
class SinkEgress final : public SocketSource {
 public:
  explicit SinkEgress(EgressCalls calls);
  ~SinkEgress() override;
  SinkEgress(const SinkEgress&) = delete;
  SinkEgress& operator=(const SinkEgress&) = delete;

  Result<int> Open(int family, int type, int protocol) override;
  void Close(int socket) override;
  /// The same of a socket that somebody else has opened, before it is connected, and closes without
  /// a word, but not without a shutdown. Errors: io.
  Result<void> Adopt(int socket);
  /// Why the last socket could not be had; empty when it could.
  std::string problem() const;
  /// How long so many bytes may take for the limits alone, beside other requests as large,
  /// `requests` in all; zero without a limit. What a timeout is to be longer by.
  Duration TimeFor(uint64_t bytes, uint64_t requests) const;

  // EgressLimits' side.
  void SetPath(const SinkEgressConfig& path);
  /// What it can count on, whatever others send: for TimeFor.
  void SetAssured(double bytes_per_second);
  struct Demand {
    double sent = 0;    // bytes since the last look
    double wanted = 0;  // bytes per second; infinite: more than it had
  };
  Demand Look(double seconds);
  /// Divides that among its sockets: `bytes_per_second` among those that send; `idle` among all,
  /// for those that begin.
  void Divide(double bytes_per_second, double idle);
  /// Bytes on the wire, since this was made.
  double bytes();

 private:
  struct Socket {
    int descriptor = -1;
    bool adopted = false;  // a duplicate, which is ours to close
    int closed = 0;        // how often it was found so: at first it is not connected yet
    uint64_t counted = 0;  // of its bytes
    double fresh = 0;      // those since the last look
    double paced = kNoEgressLimit;
    double wanted = 0;
    // Of the last third of a second.
    double recently_sent = 0, recently_paced = 0;
  };
  Result<void> Prepare(int socket, bool adopted);
  void Count(Socket& socket);
  void Forget(Socket& socket);
  void Pace(Socket& socket, double bytes_per_second);
  void DropClosed();

  const EgressCalls calls_;
  mutable std::mutex mutex_;
  SinkEgressConfig path_;
  std::vector<Socket> sockets_;
  double idle_ = kNoEgressLimit;
  double assured_ = kNoEgressLimit;
  double bytes_ = 0;
  double fresh_ = 0;  // of sockets that are closed
  std::string problem_;
};

/// Those of all sinks. Any thread.
class EgressLimits {
 public:
  struct Parts {
    const Clock& clock;
    Metrics& metrics;
    EgressCalls calls = {};
  };
  /// Metrics: hinomi_sink_egress_bytes_total{sink}, and where there is a limit
  /// hinomi_sink_egress_limit_bytes_per_second{sink} and hinomi_egress_limit_bytes_per_second.
  explicit EgressLimits(Parts parts);

  /// Puts the limits of `config` into effect, on open sockets too; sinks that have no limit any
  /// more send freely. An address or a device holds for sockets from now on. A thread of its own
  /// looks after the limits from the first one on.
  void Apply(const Config& config);
  /// Of a sink that Apply knows. It may outlive this, and goes on at the rate that it has.
  std::shared_ptr<SinkEgress> Of(const std::string& sink) const;
  /// Looks at what was sent and divides anew. Called by that thread.
  void Balance();

 private:
  struct Sink {
    std::shared_ptr<SinkEgress> egress;
    EgressBudget budget;
    double wanted = 0;
  };
  void Measure();
  void Divide();
  void Run(const std::stop_token& stop);
  std::vector<MetricRows> Rows() const;

  const Parts parts_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Sink> sinks_;
  EgressBudget total_;
  bool limited_ = false;
  Duration measured_at_{0};
  std::jthread thread_;  // after what it uses, so that it ends first
  Metrics::Hook hook_;   // likewise
};

/// Whether a sink of that type sends to other machines.
bool SendsEgress(SinkType type);

}  // namespace hinomi
