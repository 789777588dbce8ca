// Names of the kernel and the node.
// Source: uname(2). The node's name is the agent's where it does not share the host's network.
#include "collector/node/uname.h"

#include <sys/utsname.h>

#include <cerrno>

namespace hinomi {
namespace {

Result<void> Collect(const CollectorParts&, Exposition& out) {
  utsname names = {};
  if (uname(&names) < 0) return IoError("ask", "uname", errno);
  if (out.Begin(kUnameMetrics[0])) {
    out.Row({{"domainname", names.domainname},
             {"machine", names.machine},
             {"nodename", names.nodename},
             {"release", names.release},
             {"sysname", names.sysname},
             {"version", names.version}},
            1);
  }
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeUname(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
