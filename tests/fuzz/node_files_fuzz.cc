// The kernel's files of the node, and those that others write for /metrics/node. The first byte
// chooses the parser.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "base/check.h"
#include "collector/node/conntrack.h"
#include "collector/node/cpu.h"
#include "collector/node/diskstats.h"
#include "collector/node/filefd.h"
#include "collector/node/filesystem.h"
#include "collector/node/loadavg.h"
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
#include "collector/node/textfile_format.h"
#include "collector/node/vmstat.h"

namespace hinomi {
namespace {

template <auto parse>
void Run(std::string_view text) {
  static_cast<void>(parse(text));
}

// Each value has its word in the text.
void RunNamed(const Result<NamedValues>& values, std::string_view text) {
  CHECK(!values || values->size() <= text.size());
}

void RunMounts(std::string_view text) {
  const auto mounts = ParseMountinfo(text);
  if (!mounts) return;
  for (const Mount& mount : *mounts) CHECK(!mount.mount_point.empty() && !mount.type.empty());
}

void RunTextfile(std::string_view text) {
  const auto file = ParseTextfile(text);
  if (!file) return;
  size_t samples = 0;
  for (const auto& [name, family] : file->families) {
    CHECK(!name.empty() && !family.samples.empty());
    samples += family.samples.size();
  }
  CHECK(samples == file->series.size());
  Textfile all;
  CHECK(MergeTextfile(*file, &all).ok());
  CHECK(samples == 0 || !MergeTextfile(*file, &all).ok());
}

constexpr void (*kParsers[])(std::string_view) = {
    Run<ParseLoadavg>,
    Run<ParseCpuTimes>,
    Run<ParseStat>,
    [](std::string_view text) { RunNamed(ParseMeminfo(text), text); },
    [](std::string_view text) { RunNamed(ParseVmstat(text), text); },
    Run<ParseDiskstats>,
    RunMounts,
    Run<ParseNetdev>,
    Run<ParseNetclassAttribute>,
    [](std::string_view text) { RunNamed(ParseNetstat(text), text); },
    [](std::string_view text) { RunNamed(ParseSnmp6(text), text); },
    [](std::string_view text) { RunNamed(ParseSockstat(text), text); },
    Run<ParseSoftnet>,
    Run<ParseSchedstat>,
    [](std::string_view text) { RunNamed(ParseConntrack(text), text); },
    Run<ParseFileNr>,
    Run<ParsePressure>,
    Run<ParseOsRelease>,
    Run<ParseOsVersion>,
    RunTextfile,
};

}  // namespace
}  // namespace hinomi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  hinomi::kParsers[data[0] % std::size(hinomi::kParsers)](text);
  return 0;
}
