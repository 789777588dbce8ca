// Totals of IP, ICMP, TCP and UDP.
// Source: /proc/1/net/netstat, snmp, snmp6.
#include "collector/node/netstat.h"

#include "collector/words.h"

namespace hinomi {
namespace {

// The default of node_exporter's newest version: the kernel has three hundred more.
constexpr std::string_view kWanted =
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|"
    "TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|"
    "Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|"
    "Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$";

}  // namespace

Result<NamedValues> ParseNetstat(std::string_view text) {
  const Error error = Unexpected("netstat", "a line of names and one of as many numbers");
  NamedValues values;
  while (auto names = TakeLine(&text)) {
    auto numbers = TakeLine(&text);
    std::string_view protocol = TakeWord(&*names);
    if (!numbers || !protocol.ends_with(":") || TakeWord(&*numbers) != protocol) return error;
    protocol.remove_suffix(1);
    while (true) {
      const std::string_view name = TakeWord(&*names);
      const std::string_view number = TakeWord(&*numbers);
      if (name.empty() && number.empty()) break;
      const std::optional<double> value = ParseDouble(number);  // Tcp_MaxConn is negative
      if (name.empty() || !value) return error;
      values.push_back({std::string(protocol) + "_" + std::string(name), *value});
    }
  }
  return values;
}

Result<NamedValues> ParseSnmp6(std::string_view text) {
  NamedValues values;
  while (auto line = TakeLine(&text)) {
    std::string name(TakeWord(&*line));
    const size_t six = name.find('6');  // Ip6InOctets
    const std::optional<double> value = ParseDouble(TakeWord(&*line));
    if (six == std::string::npos || !value) return Unexpected("snmp6", "a name and a number");
    values.push_back({name.insert(six + 1, "_"), *value});
  }
  return values;
}

namespace {

class Netstat final : public Collector {
 public:
  explicit Netstat(const Host& host) : host_(host) {}

  Result<void> Collect(Exposition& out) override {
    const auto write = [&](NamedValues values) {
      std::erase_if(values, [&](const NamedValue& value) { return !wanted_.Matches(value.name); });
      WriteNamed(values, kNetstatMetrics[0], out);
    };
    Result<void> done = ForFile(host_, "/proc/1/net/netstat", ParseNetstat, write);
    if (done) done = ForFile(host_, "/proc/1/net/snmp", ParseNetstat, write);
    if (done) done = ForFile(host_, "/proc/1/net/snmp6", ParseSnmp6, write);
    return done;
  }

 private:
  const Host& host_;
  const Pattern wanted_ = std::move(*Pattern::Compile(kWanted));
};

}  // namespace

std::unique_ptr<Collector> MakeNetstat(const CollectorParts& parts) {
  return std::make_unique<Netstat>(parts.host);
}

}  // namespace hinomi
