#include "collector/cgroup/stats.h"

#include <unistd.h>

#include <algorithm>

#include "collector/words.h"

namespace hinomi {
namespace {

// Units in a second; divided by, since a quotient is rounded once.
constexpr double kMicro = 1e6;
constexpr double kNano = 1e9;
// Version 1 writes this and a little less for "none", in pages.
constexpr double kNoLimit = 1ULL << 62;

double Ticks() {
  static const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return ticks;
}

struct KeyedField {
  std::string_view key;
  Field field;
  double per_unit = 1;
};

// Lines of `key value`.
void ParseKeyed(std::string_view text, std::span<const KeyedField> fields, CgroupStats* stats) {
  while (const std::optional<std::string_view> line = TakeLine(&text)) {
    const size_t space = line->find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view key = line->substr(0, space);
    for (const KeyedField& field : fields) {
      if (field.key != key) continue;
      const std::optional<uint64_t> value = ParseCount(line->substr(space + 1));
      if (value) stats->Set(field.field, static_cast<double>(*value) / field.per_unit);
    }
  }
}

// A file of one number, or the word max.
std::optional<double> SingleOf(std::string_view text) {
  const std::string_view word = TakeWord(&text);
  if (word == "max") return std::numeric_limits<double>::infinity();
  const std::optional<uint64_t> value = ParseCount(word);
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

template <Field kField>
void ParseSingle(std::string_view text, CgroupStats* stats) {
  if (const std::optional<double> value = SingleOf(text)) stats->Set(kField, *value);
}

template <Field kField>
void ParseLimit(std::string_view text, CgroupStats* stats) {
  if (const std::optional<double> value = SingleOf(text)) {
    stats->Set(kField, *value >= kNoLimit ? 0 : *value);
  }
}

template <Field kField>
void ParseNanoseconds(std::string_view text, CgroupStats* stats) {
  if (const std::optional<double> value = SingleOf(text)) stats->Set(kField, *value / kNano);
}

template <Field kField>
void CountLines(std::string_view text, CgroupStats* stats) {
  stats->Set(kField, static_cast<double>(std::count(text.begin(), text.end(), '\n')));
}

// some avg10=0.00 avg60=0.00 avg300=0.00 total=5
// full …
template <Field kSome, Field kFull>
void ParsePressure(std::string_view text, CgroupStats* stats) {
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    const bool some = line->starts_with("some ");
    const size_t total = line->find("total=");
    if ((!some && !line->starts_with("full ")) || total == std::string_view::npos) continue;
    const std::optional<uint64_t> value = ParseCount(line->substr(total + 6));
    if (value) stats->Set(some ? kSome : kFull, static_cast<double>(*value) / kMicro);
  }
}

// "8:16" at the beginning of `word`; nothing if it is not such a word.
std::optional<DeviceIo> DeviceOf(std::string_view word) {
  const size_t colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> major = ParseCount(word.substr(0, colon));
  const std::optional<uint64_t> minor = ParseCount(word.substr(colon + 1));
  if (!major || !minor || *major > UINT32_MAX || *minor > UINT32_MAX) return std::nullopt;
  DeviceIo device;
  device.major = static_cast<uint32_t>(*major);
  device.minor = static_cast<uint32_t>(*minor);
  return device;
}

// 8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
void ParseIoStat(std::string_view text, CgroupStats* stats) {
  constexpr std::pair<std::string_view, uint64_t DeviceIo::*> kKeys[] = {
      {"rbytes=", &DeviceIo::read_bytes},
      {"wbytes=", &DeviceIo::written_bytes},
      {"rios=", &DeviceIo::reads},
      {"wios=", &DeviceIo::writes}};
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    std::optional<DeviceIo> device = DeviceOf(TakeWord(&*line));
    if (!device) continue;
    bool any = false;
    for (std::string_view word = TakeWord(&*line); !word.empty(); word = TakeWord(&*line)) {
      for (const auto& [key, member] : kKeys) {
        if (!word.starts_with(key)) continue;
        const std::optional<uint64_t> value = ParseCount(word.substr(key.size()));
        if (value) (*device).*member = *value;
        any = any || value;
      }
    }
    if (any) stats->io.push_back(*device);
  }
}

// 8:16 Read 1459200
// 8:16 Write 314773504
// …
// Total 316232704
template <uint64_t DeviceIo::*kRead, uint64_t DeviceIo::*kWrite>
void ParseBlkio(std::string_view text, CgroupStats* stats) {
  while (std::optional<std::string_view> line = TakeLine(&text)) {
    const std::optional<DeviceIo> device = DeviceOf(TakeWord(&*line));
    const std::string_view operation = TakeWord(&*line);
    const std::optional<uint64_t> value = ParseCount(TakeWord(&*line));
    if (!device || !value || (operation != "Read" && operation != "Write")) continue;
    auto found = std::find_if(stats->io.begin(), stats->io.end(), [&](const DeviceIo& known) {
      return known.major == device->major && known.minor == device->minor;
    });
    if (found == stats->io.end()) found = stats->io.insert(found, *device);
    (*found).*(operation == "Read" ? kRead : kWrite) = *value;
  }
}

// "20000 100000", or "max 100000".
void ParseCpuMax(std::string_view text, CgroupStats* stats) {
  const std::optional<uint64_t> quota = ParseCount(TakeWord(&text));
  const std::optional<uint64_t> period = ParseCount(TakeWord(&text));
  if (quota) stats->Set(Field::kCpuQuota, static_cast<double>(*quota));
  if (period) stats->Set(Field::kCpuPeriod, static_cast<double>(*period));
}

// A weight of 1 to 10,000 as shares of 2 to 262,144, as runtimes made it of them.
void ParseCpuWeight(std::string_view text, CgroupStats* stats) {
  const std::optional<double> weight = SingleOf(text);
  if (!weight || *weight < 1 || *weight > 10'000) return;
  stats->Set(Field::kCpuShares, 2 + std::floor((*weight - 1) * 262'142 / 9'999));
}

void ParseCpuStatV2(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"usage_usec", Field::kCpuUsage, kMicro},
                                    {"user_usec", Field::kCpuUser, kMicro},
                                    {"system_usec", Field::kCpuSystem, kMicro},
                                    {"nr_periods", Field::kCpuPeriods},
                                    {"nr_throttled", Field::kCpuThrottledPeriods},
                                    {"throttled_usec", Field::kCpuThrottled, kMicro}};
  ParseKeyed(text, kFields, stats);
}

void ParseMemoryStatV2(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"anon", Field::kMemoryRss},
                                    {"file", Field::kMemoryCache},
                                    {"file_mapped", Field::kMemoryMappedFile},
                                    {"inactive_file", Field::kMemoryInactiveFile},
                                    {"active_file", Field::kMemoryActiveFile},
                                    {"slab_reclaimable", Field::kMemorySlabReclaimable},
                                    {"pgfault", Field::kPageFaults},
                                    {"pgmajfault", Field::kMajorPageFaults}};
  ParseKeyed(text, kFields, stats);
}

void ParseMemoryEvents(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"max", Field::kMemoryFailures},
                                    {"oom_kill", Field::kOomKills}};
  ParseKeyed(text, kFields, stats);
}

void ParseCpuStatV1(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"nr_periods", Field::kCpuPeriods},
                                    {"nr_throttled", Field::kCpuThrottledPeriods},
                                    {"throttled_time", Field::kCpuThrottled, kNano}};
  ParseKeyed(text, kFields, stats);
}

void ParseCpuacctStat(std::string_view text, CgroupStats* stats) {
  const KeyedField fields[] = {{"user", Field::kCpuUser, Ticks()},
                               {"system", Field::kCpuSystem, Ticks()}};
  ParseKeyed(text, fields, stats);
}

void ParseMemoryStatV1(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"total_rss", Field::kMemoryRss},
                                    {"total_cache", Field::kMemoryCache},
                                    {"total_mapped_file", Field::kMemoryMappedFile},
                                    {"total_inactive_file", Field::kMemoryInactiveFile},
                                    {"total_active_file", Field::kMemoryActiveFile},
                                    {"total_swap", Field::kMemorySwap},
                                    {"total_pgfault", Field::kPageFaults},
                                    {"total_pgmajfault", Field::kMajorPageFaults}};
  ParseKeyed(text, kFields, stats);
}

void ParseOomControl(std::string_view text, CgroupStats* stats) {
  constexpr KeyedField kFields[] = {{"oom_kill", Field::kOomKills}};
  ParseKeyed(text, kFields, stats);
}

// Missing for -1.
void ParseQuotaV1(std::string_view text, CgroupStats* stats) {
  ParseSingle<Field::kCpuQuota>(text, stats);
}

constexpr Field kCpuUsage[] = {Field::kCpuUsage};
constexpr Field kCpuTimes[] = {Field::kCpuUser, Field::kCpuSystem};
constexpr Field kCpuThrottling[] = {Field::kCpuPeriods, Field::kCpuThrottledPeriods,
                                    Field::kCpuThrottled};
constexpr Field kCpuStat[] = {Field::kCpuUsage,
                              Field::kCpuUser,
                              Field::kCpuSystem,
                              Field::kCpuPeriods,
                              Field::kCpuThrottledPeriods,
                              Field::kCpuThrottled};
constexpr Field kCpuBandwidth[] = {Field::kCpuQuota, Field::kCpuPeriod, Field::kCpuPeriods,
                                   Field::kCpuThrottledPeriods, Field::kCpuThrottled};
constexpr Field kCpuPeriod[] = {Field::kCpuPeriod};
constexpr Field kCpuShares[] = {Field::kCpuShares};
constexpr Field kMemoryUsage[] = {Field::kMemoryUsage, Field::kWorkingSet, Field::kUnreclaimable};
constexpr Field kMemoryStat[] = {
    Field::kMemoryRss,     Field::kMemoryCache, Field::kMemoryMappedFile, Field::kWorkingSet,
    Field::kUnreclaimable, Field::kPageFaults,  Field::kMajorPageFaults,  Field::kMemoryUsage};
constexpr Field kMemoryStatSwap[] = {
    Field::kMemoryRss,     Field::kMemoryCache, Field::kMemoryMappedFile, Field::kWorkingSet,
    Field::kUnreclaimable, Field::kPageFaults,  Field::kMajorPageFaults,  Field::kMemorySwap};
constexpr Field kMemoryMaxUsage[] = {Field::kMemoryMaxUsage};
constexpr Field kMemoryFailures[] = {Field::kMemoryFailures};
constexpr Field kMemoryEvents[] = {Field::kMemoryFailures, Field::kOomKills};
constexpr Field kMemorySwap[] = {Field::kMemorySwap};
constexpr Field kOomKills[] = {Field::kOomKills};
constexpr Field kCpuPressure[] = {Field::kCpuWaiting, Field::kCpuStalled};
constexpr Field kMemoryPressure[] = {Field::kMemoryWaiting, Field::kMemoryStalled};
constexpr Field kIoPressure[] = {Field::kIoWaiting, Field::kIoStalled};
constexpr Field kMemoryLimit[] = {Field::kMemoryLimit};
constexpr Field kMemorySwapLimit[] = {Field::kMemorySwapLimit};
constexpr Field kMemoryReservation[] = {Field::kMemoryReservation};
constexpr Field kProcesses[] = {Field::kProcesses};
constexpr Field kThreads[] = {Field::kThreads};
constexpr Field kThreadsMax[] = {Field::kThreadsMax};

constexpr CgroupFile kPressureFiles[] = {
    {Controller::kUnified, "cpu.pressure", ParsePressure<Field::kCpuWaiting, Field::kCpuStalled>,
     kCpuPressure},
    {Controller::kUnified, "memory.pressure",
     ParsePressure<Field::kMemoryWaiting, Field::kMemoryStalled>, kMemoryPressure},
    {Controller::kUnified, "io.pressure", ParsePressure<Field::kIoWaiting, Field::kIoStalled>,
     kIoPressure},
};

constexpr CgroupFile kV2[] = {
    {Controller::kUnified, "cpu.stat", ParseCpuStatV2, kCpuStat},
    {Controller::kUnified, "cpu.max", ParseCpuMax, kCpuBandwidth, false, true},
    {Controller::kUnified, "cpu.weight", ParseCpuWeight, kCpuShares, false, true},
    {Controller::kUnified, "memory.current", ParseSingle<Field::kMemoryUsage>, kMemoryUsage},
    {Controller::kUnified, "memory.stat", ParseMemoryStatV2, kMemoryStat},
    {Controller::kUnified, "memory.swap.current", ParseSingle<Field::kMemorySwap>, kMemorySwap},
    {Controller::kUnified, "memory.peak", ParseSingle<Field::kMemoryMaxUsage>, kMemoryMaxUsage},
    {Controller::kUnified, "memory.events", ParseMemoryEvents, kMemoryEvents},
    {Controller::kUnified, "memory.max", ParseLimit<Field::kMemoryLimit>, kMemoryLimit, false,
     true},
    {Controller::kUnified, "memory.swap.max", ParseLimit<Field::kMemorySwapLimit>, kMemorySwapLimit,
     false, true},
    {Controller::kUnified, "memory.low", ParseLimit<Field::kMemoryReservation>, kMemoryReservation,
     false, true},
    {Controller::kUnified, "io.stat", ParseIoStat, {}, true},
    kPressureFiles[0],
    kPressureFiles[1],
    kPressureFiles[2],
    {Controller::kUnified, "cgroup.procs", CountLines<Field::kProcesses>, kProcesses},
    {Controller::kUnified, "pids.current", ParseSingle<Field::kThreads>, kThreads},
    {Controller::kUnified, "pids.max", ParseLimit<Field::kThreadsMax>, kThreadsMax, false, true},
};

constexpr CgroupFile kV1[] = {
    {Controller::kCpuacct, "cpuacct.usage", ParseNanoseconds<Field::kCpuUsage>, kCpuUsage},
    {Controller::kCpuacct, "cpuacct.stat", ParseCpuacctStat, kCpuTimes},
    {Controller::kCpu, "cpu.cfs_quota_us", ParseQuotaV1, kCpuBandwidth, false, true},
    {Controller::kCpu, "cpu.stat", ParseCpuStatV1, kCpuThrottling, false, false, true},
    {Controller::kCpu, "cpu.cfs_period_us", ParseSingle<Field::kCpuPeriod>, kCpuPeriod, false,
     true},
    {Controller::kCpu, "cpu.shares", ParseSingle<Field::kCpuShares>, kCpuShares, false, true},
    {Controller::kMemory, "memory.usage_in_bytes", ParseSingle<Field::kMemoryUsage>, kMemoryUsage},
    {Controller::kMemory, "memory.stat", ParseMemoryStatV1, kMemoryStatSwap},
    {Controller::kMemory, "memory.max_usage_in_bytes", ParseSingle<Field::kMemoryMaxUsage>,
     kMemoryMaxUsage},
    {Controller::kMemory, "memory.failcnt", ParseSingle<Field::kMemoryFailures>, kMemoryFailures},
    {Controller::kMemory, "memory.oom_control", ParseOomControl, kOomKills},
    {Controller::kMemory, "memory.limit_in_bytes", ParseLimit<Field::kMemoryLimit>, kMemoryLimit,
     false, true},
    {Controller::kMemory, "memory.memsw.limit_in_bytes", ParseLimit<Field::kMemorySwapLimit>,
     kMemorySwapLimit, false, true},
    {Controller::kMemory, "memory.soft_limit_in_bytes", ParseLimit<Field::kMemoryReservation>,
     kMemoryReservation, false, true},
    {Controller::kBlkio,
     "blkio.throttle.io_service_bytes_recursive",
     ParseBlkio<&DeviceIo::read_bytes, &DeviceIo::written_bytes>,
     {},
     true},
    {Controller::kBlkio,
     "blkio.throttle.io_serviced_recursive",
     ParseBlkio<&DeviceIo::reads, &DeviceIo::writes>,
     {},
     true},
    kPressureFiles[0],
    kPressureFiles[1],
    kPressureFiles[2],
    {Controller::kPids, "cgroup.procs", CountLines<Field::kProcesses>, kProcesses},
    {Controller::kPids, "pids.current", ParseSingle<Field::kThreads>, kThreads},
    {Controller::kPids, "pids.max", ParseLimit<Field::kThreadsMax>, kThreadsMax, false, true},
};

}  // namespace

void CgroupStats::Clear(bool settings) {
  constexpr Field kSettings[] = {
      Field::kCpuPeriod,       Field::kCpuQuota,          Field::kCpuShares, Field::kMemoryLimit,
      Field::kMemorySwapLimit, Field::kMemoryReservation, Field::kThreadsMax};
  const std::array<double, kFieldCount> before = values_;
  values_.fill(kMissing);
  io.clear();
  if (settings) return;
  for (const Field field : kSettings) Set(field, before[static_cast<size_t>(field)]);
}

void CgroupStats::Derive() {
  const auto value = [&](Field field) { return Has(field) ? (*this)[field] : 0; };
  // The root of version 2 has no memory.current.
  if (!Has(Field::kMemoryUsage) && Has(Field::kMemoryRss) && Has(Field::kMemoryCache)) {
    Set(Field::kMemoryUsage, value(Field::kMemoryRss) + value(Field::kMemoryCache));
  }
  if (Has(Field::kMemoryUsage) && Has(Field::kMemoryInactiveFile)) {
    const double working_set = value(Field::kMemoryUsage) - value(Field::kMemoryInactiveFile);
    Set(Field::kWorkingSet, std::max(0.0, working_set));
    Set(Field::kUnreclaimable, std::max(0.0, working_set - value(Field::kMemoryActiveFile) -
                                                 value(Field::kMemorySlabReclaimable)));
  }
  if (!Has(Field::kCpuQuota)) {
    for (const Field field :
         {Field::kCpuPeriods, Field::kCpuThrottledPeriods, Field::kCpuThrottled}) {
      Set(field, kMissing);
    }
  }
}

std::span<const CgroupFile> CgroupFilesV2() { return kV2; }
std::span<const CgroupFile> CgroupFilesV1() { return kV1; }

}  // namespace hinomi
