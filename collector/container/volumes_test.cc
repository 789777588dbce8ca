#include "collector/container/volumes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/fake_http_server.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As kubelet 1.33 writes it, shortened.
constexpr std::string_view kSummary =
    R"({"node":{"nodeName":"n","fs":{"availableBytes":1,"capacityBytes":2}},"pods":[)"
    R"({"podRef":{"name":"db-0","namespace":"shop","uid":"u"},"containers":[{"name":"db","rootfs":)"
    R"({"usedBytes":9}}],"volume":[{"time":"2026-11-21T00:00:00Z","availableBytes":70,)"
    R"("capacityBytes":100,"usedBytes":30,"inodesFree":7,"inodes":10,"inodesUsed":3,"name":"data",)"
    R"("pvcRef":{"name":"data-db-0","namespace":"shop"},"volumeHealthStats":{"abnormal":false}},)"
    R"({"time":"","availableBytes":1,"capacityBytes":1,"usedBytes":1,"name":"kube-api-access"},)"
    R"({"availableBytes":5,"name":"other","pvcRef":{"name":"other","namespace":"shop"}}]},)"
    R"({"podRef":{"name":"once","namespace":"default","uid":"v"}}]})";

TEST(Volumes, OfClaimsAlone) {
  const Result<VolumeStats> stats = ParseVolumeStats(kSummary);
  ASSERT_TRUE(stats) << stats.error().message;
  ASSERT_EQ(stats->size(), 2u);
  EXPECT_THAT(stats->at({"shop", "data-db-0"}), ElementsAre(100, 70, 30, 10, 7, 3));
  const auto& other = stats->at({"shop", "other"});
  EXPECT_EQ(other[1], 5);
  EXPECT_TRUE(std::isnan(other[0]) && std::isnan(other[5])) << "nobody has told";
}

TEST(Volumes, RefusesWhatIsNoSummary) {
  for (size_t bytes = 0; bytes < kSummary.size(); ++bytes) {
    EXPECT_FALSE(ParseVolumeStats(kSummary.substr(0, bytes))) << bytes;
  }
  for (const char* json : {"[]", "{}", R"({"pods":{}})", R"({"node":{"pods":[]}})"}) {
    EXPECT_FALSE(ParseVolumeStats(json)) << json;
  }
  EXPECT_TRUE(ParseVolumeStats(R"({"pods":[]})")->empty());
}

TEST(Volumes, AsTheKubeletServesThem) {
  FakeHttpServer server([](const FakeHttpServer::Request& request) {
    return FakeHttpServer::Answer(request.target == "/stats/summary" ? 200 : 404, kSummary);
  });
  KubeletConfig config;
  config.url = server.Url();
  PosixFileSystem files;
  Volumes volumes(config, files);
  const Result<MetricFilter> filter = MetricFilter::Make({}, {});
  Exposition out(ExpositionFormat::kText, *filter, 1000);
  ASSERT_TRUE(volumes.Collect(out));
  const std::string text = out.Finish();
  const std::string labels = R"({namespace="shop",persistentvolumeclaim="data-db-0"})";
  EXPECT_THAT(text, HasSubstr("\nkubelet_volume_stats_available_bytes" + labels + " 70\n"));
  EXPECT_THAT(text, HasSubstr("\nkubelet_volume_stats_inodes_used" + labels + " 3\n"));
}

}  // namespace
}  // namespace hinomi
