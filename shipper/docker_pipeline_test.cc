// The pipeline from docker's files to a sink: as the kubelet's (pipeline_test.cc), but for what
// docker does differently.
#include "shipper/pipeline_fixture.h"

namespace hinomi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kId(64, 'a');
constexpr char kRoot[] = "var/lib/docker/";

class DockerPipelineTest : public PipelineTest {
 protected:
  DockerPipelineTest() {
    config_.kubernetes_enabled = false;
    config_.docker_enabled = true;
    config_.docker.roots = {"/var/lib/docker"};
    std::filesystem::create_directories(root_ / "var/lib/docker/containers");
  }

  std::string Path(const std::string& id) const { return root_ / (kRoot + ("containers/" + id)); }
  static std::string Name(int rotation = 0, const std::string& id = kId) {
    const std::string suffix = rotation == 0 ? "" : "." + std::to_string(rotation);
    return kRoot + ("containers/" + id) + "/" + id + "-json.log" + suffix;
  }
  std::string JsonLine(const std::string& log, const char* stream = "stdout") {
    char time[64];
    std::snprintf(time, sizeof time, "2026-11-21T02:26:54.%09dZ", ++written_);
    return R"({"log":")" + log + R"(","stream":")" + stream + R"(","time":")" + time + "\"}\n";
  }
  std::string JsonLines(int first, int count) {
    std::string lines;
    for (int i = first; i < first + count; ++i) lines += JsonLine("n=" + std::to_string(i) + "\\n");
    return lines;
  }
  void WriteLog(const std::string& content, const std::string& id = kId) {
    root_.Append(Name(0, id), content);
  }
  static std::string Config(const std::string& name, const std::string& labels,
                            const std::string& id = kId) {
    return R"({"ID":")" + id + R"(","Name":"/)" + name +
           R"(","Config":{"Image":"nginx:1","Env":["SECRET=hush"],"Labels":{)" + labels + "}}}";
  }
  void WriteConfig(const std::string& content, const std::string& id = kId) {
    const std::string name = kRoot + ("containers/" + id) + "/config.v2.json";
    std::filesystem::remove(root_ / name);
    root_.Append(name, content);
  }
  // As dockerd: the oldest goes, all others take the next number, a new file begins.
  void RotateDocker(int files_max) {
    std::filesystem::remove(root_ / Name(files_max - 1));
    for (int i = files_max - 2; i >= 0; --i) {
      if (std::filesystem::exists(root_ / Name(i))) root_.Rename(Name(i), Name(i + 1));
    }
    WriteLog("");
  }
};

TEST_F(DockerPipelineTest, SaysWhoseLinesTheyAre) {
  WriteConfig(Config("web-1", R"("com.docker.compose.project":"shop","a":"b","a.b":"c")"));
  WriteLog(JsonLines(0, 2));
  Agent agent(*this);
  Pass(agent);
  ExpectLines(0, 2);
  const std::string& document = sink_.documents[0].text;
  EXPECT_THAT(document, HasSubstr(R"("container":{"id":")" + kId +
                                  R"(","name":"web-1",)"
                                  R"("image":{"name":"nginx:1"},"labels":{)"
                                  R"("com.docker.compose.project":"shop","a":"b","a.b":"c"}})"));
  EXPECT_THAT(document, HasSubstr(R"("docker":{"compose":{"project":"shop"}},"host":)"));
  EXPECT_THAT(document, Not(HasSubstr("hush")));
  EXPECT_THAT(document, Not(HasSubstr("kubernetes\":")));
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_lines_total{namespace=\"shop\"} 2"));
}

TEST_F(DockerPipelineTest, FollowsRenamesOfTheWholeChain) {
  WriteConfig(Config("web", ""));
  Agent agent(*this);
  int lines = 0;
  for (int rotation = 0; rotation < 12; ++rotation) {
    WriteLog(JsonLines(lines, 10));
    Pass(agent, std::chrono::milliseconds(100 * (1 + rotation % 9)));
    RotateDocker(4);
    lines += 10;
  }
  WriteLog(JsonLines(lines, 5));
  Pass(agent, std::chrono::seconds(3));
  ExpectLines(0, lines + 5);
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("hinomi_ledger_bytes{route=\"all\",state=\"lost\"} 0"));
}

TEST_F(DockerPipelineTest, GoesOnAfterARestartInTheMiddleOfRotations) {
  WriteConfig(Config("web", ""));
  CheckpointState state;
  {
    Agent agent(*this);
    WriteLog(JsonLines(0, 10) + JsonLine("half, "));
    Pass(agent);
    RotateDocker(5);
    WriteLog(JsonLine("whole\\n") + JsonLines(10, 10));
    state = agent.store.Snapshot();
  }
  RotateDocker(5);
  WriteLog(JsonLines(20, 10));
  RotateDocker(5);
  WriteLog(JsonLines(30, 10));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(4));
  std::vector<std::string> messages = Messages();
  ASSERT_EQ(messages.size(), 41u);
  EXPECT_EQ(messages[10], "half, whole");
  messages.erase(messages.begin() + 10);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(messages[i], "n=" + std::to_string(i));
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(DockerPipelineTest, SendsTheSameIdsWhenTheCheckpointIsLostAndTheContainerRenamed) {
  WriteConfig(Config("web", ""));
  WriteLog(JsonLine(std::string(16384, 'x')) + JsonLine("y\\n") + JsonLines(0, 9));
  {
    Agent agent(*this);
    Pass(agent);
  }
  RotateDocker(3);
  WriteConfig(Config("renamed", ""));
  Agent agent(*this);
  Pass(agent, std::chrono::seconds(2));
  EXPECT_EQ(sink_.documents.size(), 10u);
  EXPECT_EQ(sink_.duplicates, 10);
}

TEST_F(DockerPipelineTest, ReadsOnUnderItsIdUntilTheConfigCanBeRead) {
  const std::string config = Config("web", "");
  const std::vector<std::string> broken = {"", config.substr(0, config.size() / 2),
                                           std::string(5 << 20, ' '), std::string(9, '\0'),
                                           Config("other", "", std::string(64, 'b'))};
  Agent agent(*this);
  int lines = 0;
  for (const std::string& content : broken) {
    WriteConfig(content);
    if (content.empty()) std::filesystem::remove(Path(kId) + "/config.v2.json");
    WriteLog(JsonLines(lines++, 1));
    Pass(agent);
    EXPECT_THAT(sink_.documents.back().text, HasSubstr("\"name\":\"" + kId + "\""));
    EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_docker_configs_unreadable 1"));
  }
  WriteConfig(config);
  WriteLog(JsonLines(lines++, 1));
  Pass(agent);
  EXPECT_THAT(sink_.documents.back().text, HasSubstr("\"name\":\"web\",\"image\""));
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_docker_configs_unreadable 0"));
  WriteConfig(config.substr(0, 20));  // what was known is better than nothing
  WriteLog(JsonLines(lines++, 1));
  Pass(agent);
  EXPECT_THAT(sink_.documents.back().text, HasSubstr("\"name\":\"web\""));
  ExpectLines(0, lines);
  EXPECT_EQ(sink_.duplicates, 0);
}

TEST_F(DockerPipelineTest, ALeaseDoesNotBringBackAnOldName) {
  WriteLog(JsonLines(0, 1));
  Agent agent(*this);
  agent.Sweep();
  clock_.Advance(std::chrono::seconds(1));
  Lease lease;
  ASSERT_TRUE(agent.store.NextLease(0, &lease));
  lease.metadata = "under its id";
  WriteConfig(Config("web", ""));
  agent.Sweep();
  Decoded decoded;
  decoded.consumed = lease.begin;
  agent.store.Commit(lease, decoded, {});
  WriteLog(JsonLines(1, 1));
  Pass(agent);
  EXPECT_THAT(sink_.documents.at(0).text, HasSubstr("\"name\":\"web\""));
  ExpectLines(0, 2);
}

TEST_F(DockerPipelineTest, LeavesContainersOfKubernetesAndStrangersAlone) {
  WriteConfig(Config("k8s_web", R"("io.kubernetes.pod.name":"web")"));
  WriteLog(JsonLines(0, 2));
  root_.Append(kRoot + std::string("containers/not-an-id/not-an-id-json.log"), JsonLines(2, 2));
  root_.Append(Name() + ".1.gz", "compressed");
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 0"));
}

TEST_F(DockerPipelineTest, PassesOverWhatIsNotCompressedAndRefusesLinksThatLeadOutside) {
  WriteConfig(Config("web", ""));
  WriteLog(JsonLines(0, 1));
  root_.Append(Name(1) + ".gz", "compressed");
  root_.Append("etc/shadow", JsonLines(1, 1));
  std::filesystem::create_symlink("/etc/shadow", root_ / Name(1));
  std::filesystem::create_directory_symlink("/etc", Path(std::string(64, 'b')));
  Agent agent(*this);
  Pass(agent);
  ExpectLines(0, 1);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_links_refused_total 2"));
}

TEST_F(DockerPipelineTest, ReadsARemovedContainerToItsEnd) {
  WriteConfig(Config("web", ""));
  WriteLog(JsonLines(0, 10));
  Agent agent(*this);
  agent.Sweep();
  std::filesystem::remove_all(Path(kId));
  Pass(agent, std::chrono::seconds(2));
  ExpectLines(0, 10);
  EXPECT_THAT(sink_.documents[9].text, HasSubstr("\"name\":\"web\""));
  agent.store.Prune();
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_logs 0"));
  std::filesystem::remove_all(root_ / kRoot);
  agent.Sweep();
  EXPECT_THAT(agent.sources[0]->NotReady(), HasSubstr("/var/lib/docker/containers\""));
}

TEST_F(DockerPipelineTest, GoesOnBehindTheNulsOfACrash) {
  WriteConfig(Config("web", ""));
  Agent agent(*this);
  WriteLog(JsonLines(0, 2) + JsonLine("torn").substr(0, 30) + std::string(5000, '\0'));
  Pass(agent);
  ExpectLines(0, 2);
  WriteLog(JsonLines(2, 2) + "garbage\n" + JsonLines(4, 1));
  Pass(agent);
  ExpectLines(0, 5);
  WriteLog(std::string(5000, '\0'));
  Pass(agent, std::chrono::seconds(12));  // longer than an open record waits
  WriteLog(JsonLines(5, 1));
  Pass(agent);
  ExpectLines(0, 6);
  EXPECT_THAT(agent.metrics.Expose(),
              HasSubstr("outcome=\"corrupt\",route=\"all\",sink=\"keep\"} 3"));
}

TEST_F(DockerPipelineTest, StartsNowOnlyForWhatWasThereAtTheFirstLook) {
  config_.routes[0].start = StartAt::kNow;
  const std::string late(64, 'c');
  WriteConfig(Config("web", ""));
  WriteLog(JsonLines(0, 5));
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  WriteConfig(Config("late", "", late), late);
  WriteLog(JsonLines(5, 1), late);
  Pass(agent);
  ExpectLines(5, 1);
}

// The kubelet over docker: its logs are links.
TEST_F(DockerPipelineTest, FollowsTheLinksOfTheKubelet) {
  config_.kubernetes_enabled = true;
  WriteConfig(Config("k8s_main", R"("io.kubernetes.pod.name":"web")"));
  WriteLog(JsonLines(0, 5));
  RotateDocker(4);
  WriteLog(JsonLines(5, 5));
  std::filesystem::create_directories(std::filesystem::path(PathOf("0.log")).parent_path());
  std::filesystem::create_symlink("/" + Name(), PathOf("0.log"));
  Write(Lines(100, 1), "1.log");  // as after a change of the runtime
  CheckpointState state;
  {
    Agent agent(*this);
    Pass(agent, std::chrono::seconds(2));
    EXPECT_EQ(sink_.documents.size(), 11u);
    WriteLog(JsonLines(10, 5));
    Pass(agent);
    EXPECT_THAT(sink_.documents.back().text, HasSubstr(R"("kubernetes":{"namespace":"prod",)"));
    EXPECT_THAT(sink_.documents.back().text, HasSubstr("/main/0.log\""));
    state = agent.store.Snapshot();
  }
  RotateDocker(4);
  WriteLog(JsonLines(15, 5));
  Agent agent(*this, state);
  Pass(agent, std::chrono::seconds(3));
  EXPECT_EQ(sink_.documents.size(), 21u);
  EXPECT_EQ(sink_.documents.back().message, "n=19");
  EXPECT_EQ(sink_.duplicates, 0);
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_links_refused_total 0"));
}

TEST_F(DockerPipelineTest, RefusesTheKubeletsLinksWithoutARoot) {
  config_.kubernetes_enabled = true;
  config_.docker.roots.clear();
  WriteLog(JsonLines(0, 5));
  std::filesystem::create_directories(std::filesystem::path(PathOf("0.log")).parent_path());
  std::filesystem::create_symlink("/" + Name(), PathOf("0.log"));
  Agent agent(*this);
  Pass(agent);
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_THAT(agent.metrics.Expose(), HasSubstr("hinomi_log_links_refused_total 1"));
}

// Shows a directory as it is in the middle of a rename: the current file under two names.
class TornListing final : public PosixFileSystem {
 public:
  Result<FileStat> Stat(const std::string& root, const std::string& relative) override {
    Result<FileStat> stat = PosixFileSystem::Stat(root, relative);
    if (relative.ends_with("-json.log") && before_look) std::exchange(before_look, nullptr)();
    return stat;
  }
  std::function<void()> before_look;
};

TEST_F(DockerPipelineTest, DoesNotBelieveAListingThatARenameOvertook) {
  WriteConfig(Config("web", ""));
  TornListing files;
  WriteLog(JsonLines(0, 5));
  RotateDocker(4);
  WriteLog(JsonLines(5, 5));
  LogStoreOptions options;
  options.routes = config_.routes;
  options.lingers = {Duration{0}};
  LogStore store(options, files, clock_, metrics_);
  DockerSource source(config_, config_.docker.roots[0], {store, files, clock_, metrics_}, nullptr);
  source.Sweep();
  files.before_look = [this] {
    RotateDocker(4);
    WriteLog(JsonLines(10, 5));
  };
  source.Sweep();
  ASSERT_EQ(store.Snapshot().logs.size(), 1u);
  EXPECT_EQ(store.Snapshot().logs[0].segments.size(), 3u);
}

}  // namespace
}  // namespace hinomi
