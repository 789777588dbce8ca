// THE table of collectors.
#include <array>

#include "collector/collector.h"
#include "collector/node/bonding.h"
#include "collector/node/build_info.h"
#include "collector/node/conntrack.h"
#include "collector/node/cpu.h"
#include "collector/node/diskstats.h"
#include "collector/node/filefd.h"
#include "collector/node/filesystem.h"
#include "collector/node/loadavg.h"
#include "collector/node/mdadm.h"
#include "collector/node/meminfo.h"
#include "collector/node/netclass.h"
#include "collector/node/netdev.h"
#include "collector/node/netstat.h"
#include "collector/node/os.h"
#include "collector/node/pressure.h"
#include "collector/node/schedstat.h"
#include "collector/node/sockstat.h"
#include "collector/node/softnet.h"
#include "collector/node/stat.h"
#include "collector/node/textfile.h"
#include "collector/node/time.h"
#include "collector/node/timex.h"
#include "collector/node/uname.h"
#include "collector/node/vmstat.h"

namespace hinomi {

std::span<const CollectorKind> NodeCollectors() {
  static constexpr CollectorKind kKinds[] = {
      {"bonding", kBondingMetrics, MakeBonding},
      {"build_info", kBuildInfoMetrics, MakeBuildInfo},
      {"conntrack", kConntrackMetrics, MakeConntrack},
      {"cpu", kCpuMetrics, MakeCpu},
      {"diskstats", kDiskstatsMetrics, MakeDiskstats},
      {"filefd", kFilefdMetrics, MakeFilefd},
      {"filesystem", kFilesystemMetrics, MakeFilesystem},
      {"loadavg", kLoadavgMetrics, MakeLoadavg},
      {"mdadm", kMdadmMetrics, MakeMdadm},
      {"meminfo", kMeminfoMetrics, MakeMeminfo},
      {"netclass", kNetclassMetrics, MakeNetclass},
      {"netdev", kNetdevMetrics, MakeNetdev},
      {"netstat", kNetstatMetrics, MakeNetstat},
      {"os", kOsMetrics, MakeOs},
      {"pressure", kPressureMetrics, MakePressure},
      {"schedstat", kSchedstatMetrics, MakeSchedstat},
      {"sockstat", kSockstatMetrics, MakeSockstat},
      {"softnet", kSoftnetMetrics, MakeSoftnet},
      {"stat", kStatMetrics, MakeStat},
      {"time", kTimeMetrics, MakeTime},
      {"timex", kTimexMetrics, MakeTimex},
      {"uname", kUnameMetrics, MakeUname},
      {"vmstat", kVmstatMetrics, MakeVmstat},
      {"textfile", kTextfileMetrics, MakeTextfile},  // last: it must see the other names
  };
  return kKinds;
}

}  // namespace hinomi
