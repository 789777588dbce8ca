#include "collector/container/disk_use.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include "base/metric_of.h"
#include "base/temporary_directory.h"

namespace hinomi {
namespace {

class ToldLayers final : public LayerSource {
 public:
  explicit ToldLayers(const Result<std::vector<WritableLayer>>& told) : told_(told) {}
  Result<std::vector<WritableLayer>> Layers(const std::stop_token&) override { return told_; }

 private:
  const Result<std::vector<WritableLayer>>& told_;
};

class DiskUseTest : public testing::Test {
 protected:
  DiskUseTest() : host_(directory_.path()) {}
  DiskUse Make() {
    return DiskUse(host_, "/var/log/pods", std::make_unique<ToldLayers>(told_), metrics_);
  }

  TemporaryDirectory directory_;
  const Host host_;
  Metrics metrics_;
  Result<std::vector<WritableLayer>> told_ = std::vector<WritableLayer>();
};

TEST_F(DiskUseTest, Layers) {
  directory_.Append("snapshots/x", "");
  told_ = std::vector<WritableLayer>{{"c1", 7, "/snapshots"}, {"c2", 8, "/missing"}};
  DiskUse use = Make();
  EXPECT_TRUE(use.Last()->layers.empty());
  use.Look({});
  const auto found = use.Last();
  ASSERT_EQ(found->layers.size(), 2u);
  struct statvfs space;
  ASSERT_EQ(statvfs(directory_.path().c_str(), &space), 0);
  EXPECT_EQ(found->layers.at("c1").bytes, 7u);
  EXPECT_EQ(found->layers.at("c1").capacity, space.f_blocks * space.f_frsize);
  EXPECT_EQ(found->layers.at("c2").bytes, 8u);
  EXPECT_EQ(found->layers.at("c2").capacity, 0u);
  told_ = Error{ErrorKind::kTransient, "cannot reach it"};
  use.Look({});
  EXPECT_TRUE(use.Last()->layers.empty()) << "what it was a minute ago is not told as if it were";
  EXPECT_EQ(MetricOf(metrics_, "hinomi_writable_layers_errors_total"), 1);
}

TEST_F(DiskUseTest, Logs) {
  directory_.Append("var/log/pods/shop_web-0_u-1/main/0.log", "12345");
  directory_.Append("var/log/pods/shop_web-0_u-1/main/0.log.20261121-000000.gz", "12");
  directory_.Append("var/log/pods/shop_web-0_u-1/side/0.log", "1");
  directory_.Append("var/log/pods/lost+found/main/0.log", "1");
  std::filesystem::create_directories(directory_ / "var/log/pods/shop_new_u-2/main");
  std::filesystem::create_symlink(directory_ / "var/log/pods/shop_web-0_u-1/main/0.log",
                                  directory_ / "var/log/pods/shop_web-0_u-1/side/1.log");
  DiskUse use = Make();
  use.Look({});
  const auto found = use.Last();
  ASSERT_EQ(found->logs.size(), 2u);
  EXPECT_EQ(found->logs[0].container, "main");
  EXPECT_EQ(found->logs[0].namespace_name, "shop");
  EXPECT_EQ(found->logs[0].pod, "web-0");
  EXPECT_EQ(found->logs[0].uid, "u-1");
  EXPECT_EQ(found->logs[0].bytes, 7u);
  EXPECT_EQ(found->logs[1].container, "side");
  EXPECT_EQ(found->logs[1].bytes, 1u);
}

}  // namespace
}  // namespace hinomi
