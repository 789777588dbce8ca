// What the pipeline knows of a pod's logs for those who ask, step by step.
#include "shipper/disk_facts.h"
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace fs = std::filesystem;

class ExplainPipelineTest : public PipelineTest {
 protected:
  static std::vector<LogFacts> Ask(Agent& agent, const std::string& pod = "web-*") {
    return agent.store.Explain(*ParsePodQuery(pod));
  }
  Survey Look(const std::string& pod = "*") {
    return SurveyLogs(config_, files_, *ParsePodQuery(pod),
                      [](const std::string&) { return nullptr; });
  }
};

TEST_F(ExplainPipelineTest, FollowsALogFromItsFirstByteToItsEnd) {
  Agent agent(*this);
  EXPECT_THAT(Ask(agent), IsEmpty());
  Write("2026-11-21T02:26:54.1Z stdout F no end");
  Pass(agent);
  ASSERT_THAT(Ask(agent), SizeIs(1));
  EXPECT_EQ(Ask(agent)[0].pod.pod_name, "web-7d9f8c6b5d-x2v4q");
  EXPECT_EQ(Ask(agent)[0].directory, kDirectory);
  EXPECT_THAT(Ask(agent, "other"), IsEmpty());

  Write(" after all\n" + Lines(1, 9));
  Pass(agent);
  LogFacts log = Ask(agent).at(0);
  EXPECT_TRUE(log.identified);
  ASSERT_THAT(log.readers, SizeIs(1));
  EXPECT_EQ(log.readers[0].ledger.produced, fs::file_size(PathOf("0.log")));
  EXPECT_EQ(log.readers[0].ledger.settled.acknowledged, log.readers[0].ledger.produced);
  EXPECT_EQ(log.readers[0].oldest, Duration{0});
  EXPECT_EQ(log.removed_files + log.unlinked_files, 0u);

  sink_.dead = true;
  const std::string more = Lines(10, 5);
  Write(more);
  Pass(agent, std::chrono::seconds(5));
  log = Ask(agent).at(0);
  EXPECT_EQ(log.readers[0].ledger.in_flight + log.readers[0].ledger.unread, more.size());
  EXPECT_GE(log.readers[0].oldest, std::chrono::seconds(4));
  EXPECT_EQ(agent.delivery.Status().state, SinkState::kFailing);

  // Removed while it is needed: the escrow has it.
  fs::remove(PathOf("0.log"));
  Pass(agent);
  log = Ask(agent).at(0);
  EXPECT_EQ(log.removed_files, 1u);
  EXPECT_GE(log.removed_bytes, more.size());
  EXPECT_EQ(log.unlinked_files, 0u);
}

TEST_F(ExplainPipelineTest, CountsFilesThatOnlyADescriptorHolds) {
  config_.escrow.directory = "";
  Agent agent(*this);
  sink_.dead = true;
  Write(Lines(1, 5));
  Pass(agent);
  EXPECT_EQ(Ask(agent).at(0).unlinked_files, 1u);
  EXPECT_EQ(Ask(agent).at(0).removed_files, 0u);
}

TEST_F(ExplainPipelineTest, SeesWhatGrowsBehindADeadSink) {
  Agent agent(*this);
  sink_.dead = true;
  Write(Lines(1, 5));
  Pass(agent, std::chrono::seconds(40));
  const std::string more = Lines(6, 100);
  Write(more);
  const ReaderFacts reader = Ask(agent).at(0).readers.at(0);
  EXPECT_EQ(reader.ledger.produced, fs::file_size(PathOf("0.log")));
}

TEST_F(ExplainPipelineTest, SurveysDirectoriesWithoutAnAgent) {
  config_.kubernetes.exclude = {{"", "", "nothing"}, {"kube-*", "", ""}};
  Write(Lines(1, 5));
  Write("x", "0.log.20261121-022645.tmp");
  root_.Append("var/log/pods/kube-system_dns_0b1c/main/0.log", "x");
  root_.Append("var/log/pods/shop_linked_0b1d/main/readme", "x");
  fs::create_symlink("/etc/passwd", root_ / "var/log/pods/shop_linked_0b1d/main/0.log");
  fs::create_symlink("/etc", root_ / "var/log/pods/shop_linked_0b1d/side");
  fs::create_directories(root_ / "var/log/pods/shop_new_0b1e");
  fs::create_directories(root_ / "var/log/pods/stranger");

  const Survey survey = Look();
  EXPECT_THAT(survey.problems, IsEmpty());
  ASSERT_THAT(survey.containers, SizeIs(5));
  const auto& [dns, web, linked, side, fresh] =
      std::tie(survey.containers[0], survey.containers[1], survey.containers[2],
               survey.containers[3], survey.containers[4]);
  EXPECT_EQ(dns.excluded_by, "sources.kubernetes.exclude[1]");
  EXPECT_EQ(web.directory, kDirectory);
  EXPECT_EQ(web.files, 1u);
  EXPECT_EQ(web.bytes, fs::file_size(PathOf("0.log")));
  EXPECT_EQ(web.excluded_by, "");
  EXPECT_THAT(linked.refused, ::testing::ElementsAre("0.log"));
  EXPECT_EQ(linked.files, 0u);
  EXPECT_THAT(side.refused, ::testing::ElementsAre("side"));
  EXPECT_EQ(fresh.pod.pod_name, "new");
  EXPECT_EQ(fresh.pod.container_name, "");
  EXPECT_THAT(Look("shop/linked").containers, SizeIs(2));
  EXPECT_THAT(Look("shop/linked/side").containers, SizeIs(1));

  fs::remove_all(root_ / "var/log/pods");
  EXPECT_THAT(Look().containers, IsEmpty());
  EXPECT_THAT(Look().problems, SizeIs(1));
}

TEST_F(ExplainPipelineTest, SurveysDocker) {
  const std::string id(64, 'a'), nameless(64, 'b'), kubelets(64, 'c');
  config_.docker_enabled = true;
  config_.docker.roots = {"/docker"};
  const auto add = [&](const std::string& container, const std::string& config) {
    const std::string directory = "docker/containers/" + container + "/";
    root_.Append(directory + container + "-json.log", "{}\n");
    if (!config.empty()) root_.Append(directory + "config.v2.json", config);
  };
  add(id, R"({"ID":")" + id + R"(","Name":"/worker","Config":{"Image":"i","Labels":{}}})");
  add(nameless, "");
  add(kubelets, R"({"ID":")" + kubelets + R"(","Name":"/k8s","Config":{"Image":"i",)" +
                    R"("Labels":{"io.kubernetes.pod.name":"web"}}})");
  const Survey survey = Look();
  ASSERT_THAT(survey.containers, SizeIs(2));
  EXPECT_EQ(survey.containers[0].pod.pod_name, "worker");
  EXPECT_EQ(survey.containers[0].directory, "/docker/containers/" + id);
  EXPECT_EQ(survey.containers[0].files, 1u);
  EXPECT_EQ(survey.containers[1].pod.pod_uid, nameless);
  EXPECT_THAT(Look("aaaaaaaaaaaa").containers, SizeIs(1));
  EXPECT_THAT(Look("docker/worker").containers, SizeIs(1));
}

}  // namespace
}  // namespace hinomi
