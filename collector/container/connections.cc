#include "collector/container/connections.h"

#include <arpa/inet.h>

#include <algorithm>

#include "collector/words.h"
#include "config/text.h"
#include "metadata/workload.h"

namespace hinomi {
namespace {

constexpr MetricInfo kInfo = {"hinomi_tcp_connections",
                              MetricType::kGauge,
                              "",
                              "namespace, workload, remote_port, remote_group, state",
                              "/proc/PID/net/tcp, tcp6",
                              "TCP connections that pods have made, by remote port.",
                              false};

// By TcpState. One that listens is no connection.
constexpr std::string_view kStateNames[kTcpStates] = {
    "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
    "close", "close_wait",  "last_ack", "",         "closing",   "syn_recv"};

constexpr uint16_t kEphemeralFirst = 32768;  // the kernel's default

constexpr std::string_view kOverflow = "_overflow";

struct Endpoint {
  uint16_t port = 0;
  bool loopback = false;
};

// "0100007F:0035": addresses are words of 32 bits, which the kernel takes from memory as they lie
// there, ports are numbers.
std::optional<Endpoint> ParseEndpoint(std::string_view word) {
  constexpr size_t kWordDigits = 8;
  const size_t colon = word.find(':');
  if (colon != kWordDigits && colon != 4 * kWordDigits) return std::nullopt;
  uint32_t address[4] = {0, 0, htonl(0xFFFF), 0};  // one of IPv4 is mapped
  const size_t count = colon / kWordDigits;
  for (size_t i = 0; i < count; ++i) {
    const auto value = ParseCount(word.substr(i * kWordDigits, kWordDigits), 16);
    if (!value) return std::nullopt;
    address[4 - count + i] = static_cast<uint32_t>(*value);
  }
  const std::string_view digits = word.substr(colon + 1);
  const std::optional<uint64_t> port = ParseCount(digits, 16);
  if (digits.size() != 4 || !port) return std::nullopt;
  const uint32_t third = ntohl(address[2]), last = ntohl(address[3]);
  const bool loopback = address[0] == 0 && address[1] == 0 &&
                        ((third == 0xFFFF && last >> 24 == 127) || (third == 0 && last == 1));
  return Endpoint{static_cast<uint16_t>(*port), loopback};
}

std::optional<TcpConnection> ParseLine(std::string_view line) {
  if (!TakeWord(&line).ends_with(':')) return std::nullopt;
  const std::optional<Endpoint> local = ParseEndpoint(TakeWord(&line));
  const std::optional<Endpoint> remote = ParseEndpoint(TakeWord(&line));
  const std::optional<uint64_t> state = ParseCount(TakeWord(&line), 16);
  if (!local || !remote || !state || *state == 0 || *state >= kTcpStates) return std::nullopt;
  auto named = static_cast<TcpState>(*state);
  if (named == TcpState::kNewSynRecv) named = TcpState::kSynRecv;
  return TcpConnection{local->port, remote->port, named, remote->loopback};
}

uint16_t EphemeralFirst(const Host& host) {
  const std::string text = host.ReadWord("/proc/sys/net/ipv4/ip_local_port_range");
  std::string_view rest = text;
  const std::optional<uint64_t> first = ParseCount(TakeWord(&rest));
  return first && *first > 0 && *first <= 65535 ? static_cast<uint16_t>(*first) : kEphemeralFirst;
}

}  // namespace

std::optional<uint64_t> SocketCount(std::string_view text, std::string_view protocol,
                                    std::string_view key) {
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    if (TakeWord(&*line) != protocol) continue;
    for (std::string_view word = TakeWord(&*line); !word.empty(); word = TakeWord(&*line)) {
      const std::string_view value = TakeWord(&*line);
      if (word == key) return ParseCount(value);
    }
  }
  return std::nullopt;
}

std::optional<TcpConnection> TakeTcpConnection(std::string_view* text) {
  while (const std::optional<std::string_view> line = TakeLine(text)) {
    if (const std::optional<TcpConnection> connection = ParseLine(*line)) return connection;
  }
  return std::nullopt;
}

TcpPorts::TcpPorts(const std::vector<TcpGroupConfig>& groups, uint16_t ephemeral_first)
    : ephemeral_first_(ephemeral_first) {
  for (const TcpGroupConfig& group : groups) {
    for (const std::string& ports : group.ports) {
      const std::optional<PortRange> range = ParsePortRange(ports);
      if (range) ranges_.push_back({range->first, range->last, group.name});
    }
  }
}

std::string_view TcpPorts::GroupOf(uint16_t port) const {
  for (const Range& range : ranges_) {
    if (range.first <= port && port <= range.last) return range.group;
  }
  return "";
}

TcpCounts TcpPorts::CountOutgoing(std::string_view tcp, std::string_view tcp6) const {
  std::vector<bool> listening(65536);
  for (std::string_view text : {tcp, tcp6}) {
    while (const std::optional<TcpConnection> connection = TakeTcpConnection(&text)) {
      if (connection->state == TcpState::kListen) listening[connection->local_port] = true;
    }
  }
  TcpCounts counts;
  for (std::string_view text : {tcp, tcp6}) {
    while (const std::optional<TcpConnection> connection = TakeTcpConnection(&text)) {
      if (connection->state == TcpState::kListen || listening[connection->local_port] ||
          connection->to_loopback || connection->remote_port == 0) {
        continue;
      }
      uint16_t port = connection->remote_port;
      if (port >= ephemeral_first_ && GroupOf(port).empty()) port = 0;
      ++counts[{port, connection->state}];
    }
  }
  return counts;
}

void TcpRows::Add(std::string_view namespace_name, std::string_view workload,
                  const TcpCounts& counts) {
  for (const auto& [kind, count] : counts) {
    const auto& [port, state] = kind;
    rows_[{ports_.GroupOf(port).empty(), port, std::string(namespace_name), std::string(workload),
           state}] += count;
    // What was left out once comes after all that are kept, so it stays out.
    if (rows_.size() <= kRowsMax) continue;
    const auto last = std::prev(rows_.end());
    overflow_[static_cast<size_t>(std::get<TcpState>(last->first))] += last->second;
    rows_.erase(last);
  }
}

void TcpRows::Write(Exposition& out) const {
  if (!out.Begin(kInfo)) return;
  for (const auto& [key, count] : rows_) {
    const auto& [ungrouped, port, namespace_name, workload, state] = key;
    out.Row({{"namespace", namespace_name},
             {"workload", workload},
             {"remote_port", port == 0 ? "ephemeral" : std::to_string(port)},
             {"remote_group", ports_.GroupOf(port)},
             {"state", kStateNames[static_cast<size_t>(state)]}},
            static_cast<double>(count));
  }
  for (size_t state = 0; state < kTcpStates; ++state) {
    if (overflow_[state] == 0) continue;
    out.Row({{"namespace", kOverflow},
             {"workload", kOverflow},
             {"remote_port", ""},
             {"remote_group", ""},
             {"state", kStateNames[state]}},
            static_cast<double>(overflow_[state]));
  }
}

const MetricInfo& Connections::Info() { return kInfo; }

Connections::Connections(const Parts& parts)
    : parts_(parts), ports_(parts.config.metrics.tcp_groups, EphemeralFirst(parts.host)) {
  truncated_ =
      parts.metrics.CounterOf("hinomi_tcp_connections_truncated_total",
                              "Connections not looked at, of pods with more than 4MiB of them.");
}

std::string Connections::WorkloadOfRow(const ContainerRow& row) const {
  const Cgroup* pod = row.cgroup->pod;
  if (row.pod.empty() || pod == nullptr) return "";
  const std::shared_ptr<const PodMetadata> known =
      parts_.metadata == nullptr ? nullptr : parts_.metadata->Find(pod->id());
  const std::string& node = parts_.config.node;
  return known == nullptr ? WorkloadOf(row.pod, node).name : WorkloadNameOf(*known, node);
}

std::vector<Connections::Pod> Connections::Pods() const {
  const std::unique_lock lock = parts_.rows.Lock();
  std::vector<Pod> pods;
  for (const ContainerRow* row : parts_.rows.rows()) {
    if (!row->owns_network) continue;
    pods.push_back({row->watched.process(), row->namespace_name, WorkloadOfRow(*row)});
  }
  return pods;
}

// For each of the two files the kernel walks a table of the whole machine, which takes milliseconds
// also where a namespace has nothing in it: sockstat says whether it has, those in TIME_WAIT of
// both families together.
TcpCounts Connections::CountOutgoing(uint32_t process, uint64_t* left_out) const {
  const std::string directory = "/proc/" + std::to_string(process) + "/net/";
  const std::string sockstat = parts_.host.ReadWord(directory + "sockstat");
  const std::string sockstat6 = parts_.host.ReadWord(directory + "sockstat6");
  const bool waiting = SocketCount(sockstat, "TCP:", "tw") != 0;
  const auto read = [&](const char* name, std::optional<uint64_t> sockets) {
    if (sockets == 0 && !waiting) return std::string();
    // Of a process that has just ended there is none; a kernel without IPv6 has no tcp6.
    Result<std::string> text = parts_.host.ReadLines(directory + name, left_out);
    return text ? std::move(*text) : std::string();
  };
  const std::string tcp = read("tcp", SocketCount(sockstat, "TCP:", "inuse"));
  const std::string tcp6 = read("tcp6", SocketCount(sockstat6, "TCP6:", "inuse"));
  return ports_.CountOutgoing(tcp, tcp6);
}

// Without the lock of the rows: the kernel may take milliseconds for each pod, and the other
// endpoint need not wait for that.
Result<void> Connections::Collect(Exposition& out) {
  TcpRows rows(ports_);
  uint64_t left_out = 0;
  for (const Pod& pod : Pods()) {
    rows.Add(pod.namespace_name, pod.workload, CountOutgoing(pod.process, &left_out));
  }
  truncated_.Add(static_cast<double>(left_out));
  rows.Write(out);
  return {};
}

}  // namespace hinomi
