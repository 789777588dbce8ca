// The TCP connections that pods have made, by workload and remote port: as the kernel lists them in
// the network namespace of each pod, never by a packet. Those of pods in the node's own namespace
// are nobody's in particular, and not counted.
// Source: /proc/PID/net/tcp and tcp6, Linux, net/ipv4/tcp_ipv4.c and net/ipv6/tcp_ipv6.c; and
// sockstat and sockstat6, net/ipv4/proc.c and net/ipv6/proc.c.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "collector/collector.h"
#include "collector/container/container_rows.h"

namespace hinomi {

/// As in the kernel's include/net/tcp_states.h.
enum class TcpState : uint8_t { kSynRecv = 3, kListen = 10, kNewSynRecv = 12 };
inline constexpr size_t kTcpStates = 13;  // above every state's number

/// One line of those files.
struct TcpConnection {
  uint16_t local_port = 0;
  uint16_t remote_port = 0;  // zero: none, of one that listens
  TcpState state{};
  bool to_loopback = false;
};

/// The number behind `key` in the line of `protocol`, of /proc/PID/net/sockstat or sockstat6;
/// nothing where there is none.
std::optional<uint64_t> SocketCount(std::string_view text, std::string_view protocol,
                                    std::string_view key);

/// Takes the next of a file; nothing at its end. Lines that are none are passed over.
std::optional<TcpConnection> TakeTcpConnection(std::string_view* text);

/// How many connections of a namespace lead to a port, in a state. Port 0 stands for the ephemeral.
using TcpCounts = std::map<std::pair<uint16_t, TcpState>, uint64_t>;

/// Which remote ports are told apart, and their groups.
class TcpPorts {
 public:
  /// `groups` outlive it. Ports from `ephemeral_first` on are ephemeral, unless they have a group.
  TcpPorts(const std::vector<TcpGroupConfig>& groups, uint16_t ephemeral_first);

  /// Of the first group that has the port; empty when none has.
  std::string_view GroupOf(uint16_t port) const;
  /// Connections that were made from a namespace: those whose local port nobody listens on there.
  /// `tcp` and `tcp6` are its files.
  TcpCounts CountOutgoing(std::string_view tcp, std::string_view tcp6) const;

 private:
  struct Range {
    uint16_t first, last;
    std::string_view group;
  };
  std::vector<Range> ranges_;
  const uint16_t ephemeral_first_;
};

/// The rows of one scrape. Of more than kRowsMax those with a group come first, then those with the
/// lowest ports; the rest is summed up by state.
class TcpRows {
 public:
  static constexpr size_t kRowsMax = 1'000;

  /// `ports` outlives it.
  explicit TcpRows(const TcpPorts& ports) : ports_(ports) {}

  void Add(std::string_view namespace_name, std::string_view workload, const TcpCounts& counts);
  void Write(Exposition& out) const;

 private:
  // Without a group, port, namespace, workload, state: the order in which they are kept.
  using Key = std::tuple<bool, uint16_t, std::string, std::string, TcpState>;

  const TcpPorts& ports_;
  std::map<Key, uint64_t> rows_;
  std::array<uint64_t, kTcpStates> overflow_{};
};

class Connections final : public Collector {
 public:
  struct Parts {
    const Host& host;
    const Config& config;
    const MetadataStore* metadata;  // null: nobody is asked
    ContainerRows& rows;            // that Containers has read for the same scrape
    Metrics& metrics;
  };

  /// Metrics, of the agent: hinomi_tcp_connections_truncated_total.
  explicit Connections(const Parts& parts);

  static const MetricInfo& Info();
  Result<void> Collect(Exposition& out) override;

 private:
  struct Pod {
    uint32_t process = 0;  // in its network namespace
    std::string namespace_name, workload;
  };
  std::string WorkloadOfRow(const ContainerRow& row) const;
  std::vector<Pod> Pods() const;
  TcpCounts CountOutgoing(uint32_t process, uint64_t* left_out) const;

  const Parts parts_;
  const TcpPorts ports_;
  Counter truncated_;
};

inline constexpr std::string_view kTcpGroup = "tcp";

}  // namespace hinomi
