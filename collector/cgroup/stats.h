// The numbers of one cgroup, and how the kernel's files become them, for both versions of cgroups.
// Pure functions of text; foreign only as far as the kernel is, but never trusted.
// Source: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace hinomi {

/// One number of a cgroup, in base units.
enum class Field : uint8_t {
  kCpuUsage,
  kCpuUser,
  kCpuSystem,
  kCpuPeriods,
  kCpuThrottledPeriods,
  kCpuThrottled,
  kMemoryUsage,
  kMemoryMaxUsage,
  kMemoryFailures,
  kMemoryRss,
  kMemoryCache,
  kMemoryMappedFile,
  kMemoryInactiveFile,
  kMemoryActiveFile,
  kMemorySlabReclaimable,
  kMemorySwap,
  kPageFaults,
  kMajorPageFaults,
  kOomKills,
  kCpuWaiting,
  kCpuStalled,
  kMemoryWaiting,
  kMemoryStalled,
  kIoWaiting,
  kIoStalled,
  kProcesses,
  kThreads,
  kThreadsMax,
  kCpuPeriod,
  kCpuQuota,  // missing where there is none
  kCpuShares,
  kMemoryLimit,  // limits are zero where there is none
  kMemorySwapLimit,
  kMemoryReservation,
  // Of the above, by Derive:
  kWorkingSet,
  kUnreclaimable,
  // From elsewhere:
  kStartTime,  // Unix time
  kLastSeen,
};
inline constexpr size_t kFieldCount = static_cast<size_t>(Field::kLastSeen) + 1;

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// What a cgroup has done to one block device.
struct DeviceIo {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
};

class CgroupStats {
 public:
  CgroupStats() { values_.fill(kMissing); }
  /// All become missing; but those that settings give, unless they are read anew as well.
  void Clear(bool settings);
  double operator[](Field field) const { return values_[static_cast<size_t>(field)]; }
  void Set(Field field, double value) { values_[static_cast<size_t>(field)] = value; }
  bool Has(Field field) const { return !std::isnan((*this)[field]); }
  /// Computes what follows from others, and takes away what does not count without others.
  void Derive();

  std::vector<DeviceIo> io;

 private:
  std::array<double, kFieldCount> values_;
};

/// The hierarchies that files lie in. On version 2 there is only kUnified; a hybrid tree has one
/// for pressure beside the others.
enum class Controller : uint8_t { kUnified, kCpu, kCpuacct, kMemory, kBlkio, kPids };
inline constexpr size_t kControllerCount = 6;

/// One file of a cgroup.
struct CgroupFile {
  Controller controller;
  std::string_view name;
  /// Takes what it knows out of the text; the rest stays missing.
  void (*parse)(std::string_view text, CgroupStats* stats);
  std::span<const Field> fields;  // that it is read for
  bool io = false;                // it is read for CgroupStats::io
  bool setting = false;           // changed by people, not by time
  bool of_quota = false;  // says something only where there is a quota, which was read before
};

/// Those that an agent may want, of a pure tree of version 2, or of version 1 (hybrid or not).
std::span<const CgroupFile> CgroupFilesV2();
std::span<const CgroupFile> CgroupFilesV1();

}  // namespace hinomi
