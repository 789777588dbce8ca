// The kernel's files of cgroups, interfaces and connections and its log, names of cgroups and of
// the kubelet's links: whatever they hold, numbers come of it that are none below nothing. The
// first byte chooses the parser.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "collector/cgroup/cgroup_name.h"
#include "collector/cgroup/stats.h"
#include "collector/container/connections.h"
#include "collector/container/container_names.h"
#include "collector/container/network.h"
#include "collector/container/oom_watch.h"

namespace {

void ParseFile(const hinomi::CgroupFile& file, std::string_view text) {
  hinomi::CgroupStats stats;
  file.parse(text, &stats);
  stats.Derive();
  for (size_t i = 0; i < hinomi::kFieldCount; ++i) {
    const auto field = static_cast<hinomi::Field>(i);
    CHECK(!stats.Has(field) || stats[field] >= 0);
  }
  CHECK(stats.io.size() <= text.size());
}

void CountConnections(std::string_view text) {
  const std::vector<hinomi::TcpGroupConfig> groups = {{"group", {"40000-50000"}}};
  const hinomi::TcpPorts ports(groups, 32768);
  size_t sum = 0;
  for (const auto& [kind, count] : ports.CountOutgoing(text, text)) {
    CHECK(kind.first < 32768 || ports.GroupOf(kind.first) == "group");
    CHECK(kind.second != hinomi::TcpState::kListen);
    CHECK(static_cast<size_t>(kind.second) < hinomi::kTcpStates);
    sum += count;
  }
  CHECK(sum <= 2 * text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto v2 = hinomi::CgroupFilesV2();
  const auto v1 = hinomi::CgroupFilesV1();
  size_t choice = data[0] % (v2.size() + v1.size() + 5);
  if (choice < v2.size()) {
    ParseFile(v2[choice], text);
    return 0;
  }
  choice -= v2.size();
  if (choice < v1.size()) {
    ParseFile(v1[choice], text);
    return 0;
  }
  choice -= v1.size();
  if (choice == 0) {
    std::vector<hinomi::InterfaceCounts> interfaces;
    hinomi::ParseInterfaces(text, &interfaces);
    for (const auto& interface : interfaces) CHECK(!interface.name.empty());
  } else if (choice == 1) {
    const hinomi::CgroupName name = hinomi::ParseCgroupName(text, /*in_slice=*/true);
    CHECK(name.id.find('/') == std::string::npos);
  } else if (choice == 2) {
    const hinomi::ContainerLink link = hinomi::ParseContainerLink(text);
    CHECK(link.id.empty() || link.id.size() == 64);
  } else if (choice == 3) {
    CountConnections(text);
  } else if (const auto cgroup = hinomi::OomKilledCgroup(text)) {
    const auto container = hinomi::ContainerOfPath(*cgroup);
    CHECK(!container || container->container.starts_with(container->pod));
  }
  return 0;
}
