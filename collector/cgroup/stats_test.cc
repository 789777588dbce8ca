#include "collector/cgroup/stats.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace hinomi {
namespace {

using Files = std::map<std::string, std::string, std::less<>>;

CgroupStats Parse(std::span<const CgroupFile> kinds, const Files& texts) {
  CgroupStats stats;
  for (const CgroupFile& file : kinds) {
    const auto text = texts.find(file.name);
    if (text != texts.end()) file.parse(text->second, &stats);
  }
  stats.Derive();
  return stats;
}

void Expect(const CgroupStats& stats, const std::map<Field, double>& wanted) {
  for (size_t i = 0; i < kFieldCount; ++i) {
    const auto field = static_cast<Field>(i);
    const auto want = wanted.find(field);
    if (want == wanted.end()) {
      EXPECT_FALSE(stats.Has(field)) << "field " << i << " is " << stats[field];
    } else {
      EXPECT_EQ(stats[field], want->second) << "field " << i;
    }
  }
}

const std::string kMemoryStatV2 =
    "anon 106496\nfile 8192\nkernel 200704\nfile_mapped 4096\ninactive_file 2048\n"
    "active_file 1024\nslab_reclaimable 512\nslab 120464\npgfault 12507\npgmajfault 3\n";

TEST(CgroupStats, OfVersion2) {
  const CgroupStats stats =
      Parse(CgroupFilesV2(),
            {{"cpu.stat",
              "usage_usec 2860000\nuser_usec 2707330\nsystem_usec 152670\nnr_periods 231\n"
              "nr_throttled 53\nthrottled_usec 1670000\nnr_bursts 0\nburst_usec 0\n"},
             {"cpu.max", "20000 100000\n"},
             {"cpu.weight", "39\n"},
             {"memory.current", "316000\n"},
             {"memory.stat", kMemoryStatV2},
             {"memory.swap.current", "7\n"},
             {"memory.peak", "2174976\n"},
             {"memory.events", "low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\noom_group_kill 0\n"},
             {"memory.max", "33554432\n"},
             {"memory.swap.max", "max\n"},
             {"memory.low", "0\n"},
             {"io.stat",
              "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n8:0 \n"
              "253:1 rbytes=1 wbytes=2 rios=3 wios=4\n"},
             {"cpu.pressure",
              "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
              "full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n"},
             {"memory.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=2\n"},
             {"cgroup.procs", "731\n109877\n"},
             {"pids.current", "14\n"},
             {"pids.max", "max\n"}});
  Expect(stats, {{Field::kCpuUsage, 2.86},
                 {Field::kCpuUser, 2.70733},
                 {Field::kCpuSystem, 0.15267},
                 {Field::kCpuPeriods, 231},
                 {Field::kCpuThrottledPeriods, 53},
                 {Field::kCpuThrottled, 1.67},
                 {Field::kCpuQuota, 20000},
                 {Field::kCpuPeriod, 100000},
                 {Field::kCpuShares, 998},
                 {Field::kMemoryUsage, 316000},
                 {Field::kMemoryRss, 106496},
                 {Field::kMemoryCache, 8192},
                 {Field::kMemoryMappedFile, 4096},
                 {Field::kMemoryInactiveFile, 2048},
                 {Field::kMemoryActiveFile, 1024},
                 {Field::kMemorySlabReclaimable, 512},
                 {Field::kWorkingSet, 313952},
                 {Field::kUnreclaimable, 312416},
                 {Field::kPageFaults, 12507},
                 {Field::kMajorPageFaults, 3},
                 {Field::kMemorySwap, 7},
                 {Field::kMemoryMaxUsage, 2174976},
                 {Field::kMemoryFailures, 5},
                 {Field::kOomKills, 1},
                 {Field::kMemoryLimit, 33554432},
                 {Field::kMemorySwapLimit, 0},
                 {Field::kMemoryReservation, 0},
                 {Field::kCpuWaiting, 1.5},
                 {Field::kCpuStalled, 0.5},
                 {Field::kMemoryWaiting, 0.000002},
                 {Field::kProcesses, 2},
                 {Field::kThreads, 14},
                 {Field::kThreadsMax, 0}});
  ASSERT_EQ(stats.io.size(), 2U);
  EXPECT_EQ(stats.io[0].minor, 16U);
  EXPECT_EQ(stats.io[0].written_bytes, 314773504U);
  EXPECT_EQ(stats.io[1].major, 253U);
  EXPECT_EQ(stats.io[1].writes, 4U);
}

TEST(CgroupStats, OfVersion1) {
  const CgroupStats stats =
      Parse(CgroupFilesV1(),
            {{"cpuacct.usage", "116184516\n"},
             {"cpuacct.stat", "user 200\nsystem 800\n"},
             {"cpu.stat", "nr_periods 129\nnr_throttled 4\nthrottled_time 2500000000\n"},
             {"cpu.cfs_quota_us", "20000\n"},
             {"cpu.cfs_period_us", "100000\n"},
             {"cpu.shares", "51\n"},
             {"memory.usage_in_bytes", "835584\n"},
             {"memory.stat",
              "cache 1\nrss 2\nswap 3\ninactive_file 4\ntotal_cache 32768\ntotal_rss 114688\n"
              "total_mapped_file 16\ntotal_swap 64\ntotal_pgfault 7842\ntotal_pgmajfault 9\n"
              "total_inactive_file 5584\ntotal_active_file 30000\n"},
             {"memory.max_usage_in_bytes", "2805760\n"},
             {"memory.failcnt", "11\n"},
             {"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n"},
             {"memory.limit_in_bytes", "9223372036854771712\n"},
             {"memory.memsw.limit_in_bytes", "33554432\n"},
             {"memory.soft_limit_in_bytes", "9223372036854771712\n"},
             {"blkio.throttle.io_service_bytes_recursive",
              "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Total 12288\nTotal 12288\n"},
             {"blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Write 2\nTotal 3\n"}});
  EXPECT_EQ(stats[Field::kCpuUsage], 0.116184516);
  EXPECT_EQ(stats[Field::kCpuThrottled], 2.5);
  EXPECT_EQ(stats[Field::kCpuShares], 51);
  EXPECT_EQ(stats[Field::kMemoryRss], 114688);
  EXPECT_EQ(stats[Field::kMemorySwap], 64);
  EXPECT_EQ(stats[Field::kWorkingSet], 830000);
  EXPECT_EQ(stats[Field::kUnreclaimable], 800000);
  EXPECT_EQ(stats[Field::kOomKills], 6);
  EXPECT_EQ(stats[Field::kMemoryLimit], 0);
  EXPECT_EQ(stats[Field::kMemorySwapLimit], 33554432);
  EXPECT_EQ(stats[Field::kMemoryReservation], 0);
  EXPECT_EQ(stats[Field::kMajorPageFaults], 9);
  ASSERT_EQ(stats.io.size(), 1U);
  EXPECT_EQ(stats.io[0].read_bytes, 4096U);
  EXPECT_EQ(stats.io[0].writes, 2U);
}

TEST(CgroupStats, WithoutAQuotaNothingIsThrottled) {
  for (const std::string quota : {"max 100000\n", ""}) {
    const CgroupStats stats =
        Parse(CgroupFilesV2(),
              {{"cpu.stat", "usage_usec 1\nnr_periods 0\nnr_throttled 0\n"}, {"cpu.max", quota}});
    Expect(stats, quota.empty() ? std::map<Field, double>{{Field::kCpuUsage, 1e-6}}
                                : std::map<Field, double>{{Field::kCpuUsage, 1e-6},
                                                          {Field::kCpuPeriod, 100000}});
  }
  EXPECT_FALSE(
      Parse(CgroupFilesV1(), {{"cpu.stat", "nr_periods 0\n"}, {"cpu.cfs_quota_us", "-1\n"}})
          .Has(Field::kCpuPeriods));
}

TEST(CgroupStats, TheRootOfVersion2HasNoUsageOfItsOwn) {
  const CgroupStats stats = Parse(CgroupFilesV2(), {{"memory.stat", kMemoryStatV2}});
  EXPECT_EQ(stats[Field::kMemoryUsage], 106496 + 8192);
  EXPECT_EQ(stats[Field::kWorkingSet], 106496 + 8192 - 2048);
}

TEST(CgroupStats, IsNeverBelowNothing) {
  const CgroupStats stats =
      Parse(CgroupFilesV2(), {{"memory.current", "1000\n"}, {"memory.stat", kMemoryStatV2}});
  EXPECT_EQ(stats[Field::kWorkingSet], 0);
  EXPECT_EQ(stats[Field::kUnreclaimable], 0);
}

TEST(CgroupStats, WhatIsNoNumberIsMissing) {
  for (const std::string text :
       {"", "\n", "x\n", "-1\n", "18446744073709551616\n", "some total=\n", "usage_usec\nanon -5\n",
        "8:16 rbytes=\n", ":: Read 1\n", "4294967296:0 rbytes=1 wbytes=1\n"}) {
    for (const auto& kinds : {CgroupFilesV1(), CgroupFilesV2()}) {
      for (const CgroupFile& file : kinds) {
        if (file.fields.size() == 1 && file.fields[0] == Field::kProcesses) continue;
        CgroupStats stats;
        file.parse(text, &stats);
        stats.Derive();
        Expect(stats, {});
        EXPECT_TRUE(stats.io.empty()) << file.name << ": " << text;
      }
    }
  }
}

TEST(CgroupStats, SettingsOutliveTheOthers) {
  CgroupStats stats;
  stats.Set(Field::kMemoryLimit, 1);
  stats.Set(Field::kMemoryUsage, 2);
  stats.io.emplace_back();
  stats.Clear(/*settings=*/false);
  Expect(stats, {{Field::kMemoryLimit, 1}});
  EXPECT_TRUE(stats.io.empty());
  stats.Clear(/*settings=*/true);
  Expect(stats, {});
}

}  // namespace
}  // namespace hinomi
