// Sockets, by protocol.
// Source: /proc/1/net/sockstat and sockstat6: "TCP: inuse 5 orphan 0 mem 449".
#include "collector/node/sockstat.h"

#include <unistd.h>

#include "collector/words.h"

namespace hinomi {

Result<NamedValues> ParseSockstat(std::string_view text) {
  const double page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  NamedValues values;
  while (auto line = TakeLine(&text)) {
    std::string_view protocol = TakeWord(&*line);
    if (!protocol.ends_with(":")) return Unexpected("sockstat", "a protocol");
    protocol.remove_suffix(1);
    while (true) {
      const std::string_view key = TakeWord(&*line);
      if (key.empty()) break;
      const std::optional<uint64_t> count = ParseCount(TakeWord(&*line));
      if (!count) return Unexpected("sockstat", "a number behind " + std::string(key));
      const std::string name = std::string(protocol) + "_" + std::string(key);
      const auto value = static_cast<double>(*count);
      values.push_back({name, value});
      if (key == "mem") values.push_back({name + "_bytes", value * page_bytes});
    }
  }
  return values;
}

namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  for (const char* file : {"/proc/1/net/sockstat", "/proc/1/net/sockstat6"}) {
    const Result<void> done =
        ForFile(parts.host, file, ParseSockstat,
                [&](const NamedValues& values) { WriteNamed(values, kSockstatMetrics[0], out); });
    if (!done) return done;
  }
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeSockstat(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
