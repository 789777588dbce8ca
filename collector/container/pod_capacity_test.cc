#include "collector/container/pod_capacity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/manual_clock.h"
#include "collector/node/test_host.h"

namespace hinomi {
namespace {

using std::chrono::minutes;

class PodCapacityTest : public testing::Test {
 protected:
  void Kubelet(const std::string& process, std::string command) {
    std::replace(command.begin(), command.end(), ' ', '\0');
    std::filesystem::remove_all(files_.root() + "/proc/" + process + "/comm");
    std::filesystem::remove_all(files_.root() + "/proc/" + process + "/cmdline");
    files_.Write("/proc/" + process + "/comm", "kubelet\n");
    files_.Write("/proc/" + process + "/cmdline", command + '\0');
  }
  std::optional<uint64_t> Read(uint64_t configured = 0) {
    return PodCapacity(host_, configured, clock_).Read();
  }

  TestHost files_;
  Host host_{files_.root()};
  ManualClock clock_;
};

TEST_F(PodCapacityTest, AsTheKubeletWasTold) {
  files_.Write("/proc/1/comm", "systemd\n");
  files_.Write("/proc/kubelet/comm", "kubelet\n");
  EXPECT_EQ(Read(), std::nullopt);
  EXPECT_EQ(Read(42), 42u);
  Kubelet("7", "/usr/bin/kubelet --v=2");
  EXPECT_EQ(Read(), 110u);
  EXPECT_EQ(Read(42), 42u) << "the operator knows best";
  Kubelet("7", "/hyperkube kubelet --max-pods=90");
  EXPECT_EQ(Read(), 90u);
  Kubelet("7", "/usr/bin/kubectl get kubelet");
  EXPECT_EQ(Read(), std::nullopt);
  files_.Write("/proc/7/root/etc/kubelet.yaml", "kind: KubeletConfiguration\nmaxPods: 200\n");
  Kubelet("7", "/usr/bin/kubelet --config /etc/kubelet.yaml");
  EXPECT_EQ(Read(), 200u);
  files_.Write("/proc/7/root/etc/kubelet.d/20-a.conf", "{\"maxPods\": 220}");
  files_.Write("/proc/7/root/etc/kubelet.d/10-b.conf", "maxPods: 210\n");
  files_.Write("/proc/7/root/etc/kubelet.d/30-c.conf", "maxPods: many\n");
  files_.Write("/proc/7/root/etc/kubelet.d/note.txt", "maxPods: 5\n");
  Kubelet("7", "/usr/bin/kubelet --config-dir=/etc/kubelet.d --config=/etc/kubelet.yaml");
  EXPECT_EQ(Read(), 220u);
  Kubelet("7", "/usr/bin/kubelet --max-pods=1 --config=/etc/kubelet.yaml --max-pods 250");
  EXPECT_EQ(Read(), 250u);
  Kubelet("7", "/usr/bin/kubelet --config=/etc/missing.yaml --max-pods=x");
  EXPECT_EQ(Read(), 110u);
}

TEST_F(PodCapacityTest, IsLookedForOnceAMinute) {
  PodCapacity capacity(host_, 0, clock_);
  EXPECT_EQ(capacity.Read(), std::nullopt);
  Kubelet("7", "/usr/bin/kubelet");
  EXPECT_EQ(capacity.Read(), std::nullopt);
  clock_.Advance(minutes(1));
  EXPECT_EQ(capacity.Read(), 110u);
}

}  // namespace
}  // namespace hinomi
