// The agent's version: dashboards find nodes by this name.
#include "collector/node/build_info.h"

namespace hinomi {
namespace {

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  if (out.Begin(kBuildInfoMetrics[0])) out.Row({{"version", parts.version}}, 1);
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeBuildInfo(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
