#include "collector/container/connections.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/manual_clock.h"
#include "base/temporary_directory.h"
#include "collector/container/resource.h"

namespace hinomi {
namespace {

const std::string kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode                                                     \n";
constexpr std::string_view kRest =
    " 00000000:00000000 00:00000000 00000000     0        0 5856793 1 0000000096ba31a7 100 0 0 10 "
    "0                   \n";

// Words of addresses as a machine writes them whose lowest byte comes first.
const std::string kPod = "0A00F40A:";  // 10.244.0.10
const std::string kPeer = "0100600A:";
const std::string kPod6 = "000080FE00000000000000000A000000:";
const std::string kPeer6 = "B80D0120000000000000000001000000:";
const std::string kMapped = "0000000000000000FFFF0000";

std::string Line(const std::string& local, const std::string& remote, const std::string& state) {
  return "   0: " + local + " " + remote + " " + state + std::string(kRest);
}
std::string Listening(const std::string& port) {
  return Line("00000000:" + port, "00000000:0000", "0A");
}

MetricFilter Filter() { return std::move(*MetricFilter::Make({"tcp"}, {})); }

std::string TextOf(Exposition& out) {
  std::string rows, text = out.Finish();
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    if (text[begin] != '#') rows += text.substr(begin, end + 1 - begin);
  }
  return rows;
}

std::string RowOf(const std::string& who, const std::string& port, const std::string& rest) {
  return "hinomi_tcp_connections{namespace=\"" + who + ",remote_port=\"" + port +
         "\",remote_group=\"" + rest + "\n";
}

TEST(Connections, TakesConnections) {
  const struct {
    std::string line;
    int local_port, remote_port, state;
    bool to_loopback;
  } kCases[] = {
      {Listening("07E8"), 2024, 0, 10, false},
      {Line(kPod + "9C40", kPeer + "0CEA", "01"), 40000, 3306, 1, false},
      {Line(kPod + "ffff", kPeer + "0cea", "0b"), 65535, 3306, 11, false},
      {Line(kPod + "9C40", kPeer + "0CEA", "0C"), 40000, 3306, 3, false},
      {Line(kPod + "9C40", "0100007F:0035", "06"), 40000, 53, 6, true},
      {Line(kPod + "9C40", "FEFFFF7F:0035", "06"), 40000, 53, 6, true},
      {Line(kPod + "9C40", "0100007E:0035", "06"), 40000, 53, 6, false},
      {Line(kPod6 + "9C40", kPeer6 + "01BB", "08"), 40000, 443, 8, false},
      {Line(kPod6 + "9C40", "00000000000000000000000001000000:01BB", "01"), 40000, 443, 1, true},
      {Line(kPod6 + "9C40", "00000000000000000000000002000000:01BB", "01"), 40000, 443, 1, false},
      {Line(kPod6 + "9C40", kMapped + "0100007F:01BB", "01"), 40000, 443, 1, true},
      {Line(kPod6 + "9C40", kMapped + "0100600A:01BB", "01"), 40000, 443, 1, false},
  };
  for (const auto& test : kCases) {
    std::string text = kHead + test.line;
    std::string_view rest = text;
    const std::optional<TcpConnection> connection = TakeTcpConnection(&rest);
    ASSERT_TRUE(connection) << test.line;
    EXPECT_EQ(connection->local_port, test.local_port) << test.line;
    EXPECT_EQ(connection->remote_port, test.remote_port) << test.line;
    EXPECT_EQ(static_cast<int>(connection->state), test.state) << test.line;
    EXPECT_EQ(connection->to_loopback, test.to_loopback) << test.line;
    EXPECT_FALSE(TakeTcpConnection(&rest));
  }
}

TEST(Connections, PassesOverForeignLines) {
  for (const std::string& line :
       {std::string(), kHead, std::string("\n\n"), std::string("0: 1:2 3:4 01\n"),
        Line(kPod + "9C40", "0100600A", "01"), Line(kPod + "9C4", kPeer + "0CEA", "01"),
        Line(kPod + "19C40", kPeer + "0CEA", "01"), Line("0A00F40G:9C40", kPeer + "0CEA", "01"),
        Line(kPod + "9C40", "0A00F40A0A00F40A:0CEA", "01"), Line(kPod + "9C40", kPeer, "01"),
        Line(kPod + "9C40", kPeer + "0CEA", "00"), Line(kPod + "9C40", kPeer + "0CEA", "0D"),
        Line(kPod + "9C40", kPeer + "0CEA", "x"), Line(kPod + "9C40", kPeer + "0CEA", "FFF")}) {
    std::string_view text = line;
    EXPECT_FALSE(TakeTcpConnection(&text)) << line;
  }
}

TEST(Connections, CountsThoseThatWereMadeHere) {
  const std::vector<TcpGroupConfig> groups = {{"high", {"40000-40001"}}};
  const TcpPorts ports(groups, 32768);
  const std::string tcp =
      kHead + Line(kPod + "1F90", kPeer + "9C40", "01") + Listening("1F90") +  // accepted
      Line(kPod + "C001", kPeer + "0CEA", "01") + Line(kPod + "C002", kPeer + "0CEA", "01") +
      Line(kPod + "C003", kPeer + "0CEA", "06") + Line(kPod + "C004", "0100007F:0CEA", "01") +
      Line(kPod + "C005", kPeer + "8000", "01") + Line(kPod + "C006", kPeer + "FFFF", "01") +
      Line(kPod + "C007", kPeer + "7FFF", "01") + Line(kPod + "C008", kPeer + "9C40", "01") +
      Line(kPod + "C009", kPeer + "0000", "07") + Line(kPod + "2000", kPeer + "9C40", "01");
  const std::string tcp6 =
      kHead + Line(kPod6 + "C001", kPeer6 + "0CEA", "01") +
      Line("00000000000000000000000000000000:2000", "00000000000000000000000000000000:0000", "0A") +
      Line(kPod6 + "1F90", kPeer6 + "9C40", "01");
  const TcpState kEstablished{1}, kTimeWait{6};
  EXPECT_EQ(ports.CountOutgoing(tcp, tcp6), (TcpCounts{{{0, kEstablished}, 2},
                                                       {{3306, kEstablished}, 3},
                                                       {{3306, kTimeWait}, 1},
                                                       {{32767, kEstablished}, 1},
                                                       {{40000, kEstablished}, 1}}));
}

TEST(Connections, TheFirstGroupThatHasAPortHolds) {
  const std::vector<TcpGroupConfig> groups = {{"mysql", {"3306", "33060-33061"}},
                                              {"databases", {"3300-3400", "5432"}}};
  const TcpPorts ports(groups, 32768);
  const struct {
    uint16_t port;
    const char* want;
  } kCases[] = {{3306, "mysql"}, {33061, "mysql"}, {3307, "databases"}, {3300, "databases"},
                {3299, ""},      {3401, ""},       {33062, ""},         {0, ""}};
  for (const auto& test : kCases) EXPECT_EQ(ports.GroupOf(test.port), test.want) << test.port;
}

TEST(Connections, SumsUpWhatIsTooMuch) {
  const std::vector<TcpGroupConfig> groups = {{"last", {"30000"}}};
  const TcpPorts ports(groups, 32768);
  TcpRows rows(ports);
  const TcpState kEstablished{1}, kTimeWait{6};
  TcpCounts counts = {{{30000, kEstablished}, 7}};
  for (uint16_t port = 1; port <= TcpRows::kRowsMax; ++port) counts[{port, kTimeWait}] = 2;
  rows.Add("shop", "scanner", counts);
  rows.Add("shop", "web", {{{0, kEstablished}, 5}, {{20000, kEstablished}, 3}});
  rows.Add("shop", "scanner", {{{1000, kTimeWait}, 4}});
  const MetricFilter filter = Filter();
  Exposition out(ExpositionFormat::kText, filter, 10'000);
  out.SetGroup(kTcpGroup);
  rows.Write(out);
  const std::string text = TextOf(out);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), TcpRows::kRowsMax + 2);
  EXPECT_TRUE(text.starts_with(
      RowOf("shop\",workload=\"scanner\"", "30000", "last\",state=\"established\"} 7") +
      RowOf("shop\",workload=\"web\"", "ephemeral", "\",state=\"established\"} 5") +
      RowOf("shop\",workload=\"scanner\"", "1", "\",state=\"time_wait\"} 2")))
      << text.substr(0, 500);
  EXPECT_TRUE(text.ends_with(
      RowOf("shop\",workload=\"scanner\"", "998", "\",state=\"time_wait\"} 2") +
      RowOf("_overflow\",workload=\"_overflow\"", "", "\",state=\"established\"} 3") +
      RowOf("_overflow\",workload=\"_overflow\"", "", "\",state=\"time_wait\"} 8")))
      << text.substr(text.size() - 500);
}

class OnePod final : public PodSource {
 public:
  explicit OnePod(PodMetadata pod) : pod_(std::move(pod)) {}
  Result<std::vector<PodMetadata>> List(const std::stop_token&) override { return {{pod_}}; }

 private:
  const PodMetadata pod_;
};

// A node of one pod, web-7d4b9c8f6d-x2x7k: its sandbox is process 10, its container 11; and of a
// container that nobody knows, process 12.
class ConnectionsOfHost : public testing::Test {
 protected:
  ConnectionsOfHost() {
    Write("/sys/fs/cgroup/cgroup.controllers", "");
    WriteCgroup("/docker/" + Id('c'), "12\n");
    WriteCgroup("/kubepods/burstable/pod" + kUid + "/" + Id('a'), "10\n");
    WriteCgroup("/kubepods/burstable/pod" + kUid + "/" + Id('b'), "11\n");
    Write("/var/log/pods/shop_web-7d4b9c8f6d-x2x7k_" + kUid + "/main/0.log", "");
    Write("/var/log/containers/web-7d4b9c8f6d-x2x7k_shop_main-" + Id('b') + ".log", "");
    Write("/proc/10/comm", "pause\n");
    Write("/proc/1/ns/net", "");
    for (const std::string process : {"10", "12"}) {
      Write("/proc/" + process + "/net/dev", "");
      Write("/proc/" + process + "/ns/net", "");
    }
    // The sandbox's namespace is the container's too.
    std::filesystem::create_directories(directory_ / "proc/11/ns");
    std::filesystem::create_hard_link(directory_ / "proc/10/ns/net", directory_ / "proc/11/ns/net");
    Write("/proc/11/net/dev", "");
    Write("/proc/sys/net/ipv4/ip_local_port_range", "20000\t60999\n");
    config_.metrics.tcp_groups = {{"mysql", {"3306"}}};
  }

  void Write(const std::string& path, const std::string& text) const {
    directory_.Append(path.substr(1), text);
  }
  void WriteCgroup(const std::string& path, const std::string& processes) const {
    Write("/sys/fs/cgroup" + path + "/cgroup.procs", processes);
    Write("/sys/fs/cgroup" + path + "/cpu.stat", "usage_usec 1\n");
  }
  static std::string Id(char digit) { return std::string(64, digit); }
  std::string Scrape(const MetadataStore* metadata = nullptr) {
    const Host host(directory_.path());
    const MetricFilter filter = Filter();
    OomKills oom_kills(directory_ / "oom_kills", files_, clock_, metrics_);
    ContainerRows::Wanted wanted;
    Resource::AddWanted(&wanted);
    wanted.network = true;
    ContainerRows rows({host, config_, metadata, oom_kills, clock_, metrics_}, wanted);
    rows.Read();
    Connections connections({host, config_, metadata, rows, metrics_});
    Exposition out(ExpositionFormat::kText, filter, 10'000);
    out.SetGroup(kTcpGroup);
    EXPECT_TRUE(connections.Collect(out).ok());
    return TextOf(out);
  }
  double Truncated() {
    return metrics_.CounterOf("hinomi_tcp_connections_truncated_total", "").Value();
  }

  const std::string kUid = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a";
  const TemporaryDirectory directory_;
  Config config_;
  PosixFileSystem files_;
  ManualClock clock_;
  Metrics metrics_;
};

TEST_F(ConnectionsOfHost, ReadsEachNamespaceOnce) {
  const std::string text = kHead + Line(kPod + "C001", kPeer + "0CEA", "01");
  for (const std::string process : {"1", "10", "11"}) Write("/proc/" + process + "/net/tcp", text);
  Write("/proc/10/net/tcp6", kHead + Line(kPod6 + "C001", kPeer6 + "4E20", "02"));
  Write("/proc/12/net/tcp", text);
  EXPECT_EQ(Scrape(),
            RowOf("\",workload=\"\"", "3306", "mysql\",state=\"established\"} 1") +
                RowOf("shop\",workload=\"web\"", "3306", "mysql\",state=\"established\"} 1") +
                RowOf("shop\",workload=\"web\"", "ephemeral", "\",state=\"syn_sent\"} 1"));
}

TEST_F(ConnectionsOfHost, TheOwnerIsTheWorkload) {
  PodMetadata pod;
  pod.uid = kUid;
  pod.namespace_name = "shop";
  pod.name = "web-7d4b9c8f6d-x2x7k";
  pod.owner = {"Rollout", "web-green", ""};
  MetadataStore metadata({directory_ / "metadata", Duration(0), 10},
                         {.runtime = nullptr,
                          .kubelet = std::make_unique<OnePod>(pod),
                          .files = files_,
                          .clock = clock_,
                          .metrics = metrics_,
                          .changed = [](const std::vector<std::string>&) {}});
  metadata.Load();
  metadata.Step({});
  Write("/proc/10/net/tcp", Line(kPod + "C001", kPeer + "0CEA", "01"));
  EXPECT_EQ(Scrape(&metadata),
            RowOf("shop\",workload=\"web-green\"", "3306", "mysql\",state=\"established\"} 1"));
}

TEST_F(ConnectionsOfHost, ATableIsReadWhereSomethingIsInIt) {
  const std::string row =
      RowOf("shop\",workload=\"web\"", "3306", "mysql\",state=\"established\"} 1");
  Write("/proc/10/net/sockstat", "sockets: used 1\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\n");
  Write("/proc/10/net/tcp", Line(kPod + "C001", kPeer + "0CEA", "01"));
  EXPECT_EQ(Scrape(), "");
  Write("/proc/10/net/sockstat6", "TCP6: inuse 1\nUDP6: inuse 0\n");
  Write("/proc/10/net/tcp6", Line(kPod + "C001", kPeer + "0CEA", "01"));
  EXPECT_EQ(Scrape(), row);
}

TEST(SocketCount, ByProtocolAndKey) {
  const std::string text =
      "sockets: used 28\nTCP: inuse 5 orphan 0 tw 81 alloc 10 mem x\nUDP: inuse 6\n";
  EXPECT_EQ(SocketCount(text, "TCP:", "inuse"), 5U);
  EXPECT_EQ(SocketCount(text, "TCP:", "tw"), 81U);
  EXPECT_EQ(SocketCount(text, "TCP:", "mem"), std::nullopt);
  EXPECT_EQ(SocketCount(text, "TCP6:", "inuse"), std::nullopt);
  EXPECT_EQ(SocketCount("", "TCP:", "inuse"), std::nullopt);
}

TEST_F(ConnectionsOfHost, APodWithoutFilesHasNoRows) { EXPECT_EQ(Scrape(), ""); }

TEST_F(ConnectionsOfHost, CountsTheConnectionsThatItDoesNotLookAt) {
  const std::string line = Line(kPod + "C001", kPeer + "0CEA", "01");
  const size_t fit = Host::kFileBytesMax / line.size();
  std::string text;
  for (size_t i = 0; i < fit + 1000; ++i) text += line;
  Write("/proc/10/net/tcp", text);
  EXPECT_EQ(Scrape(), RowOf("shop\",workload=\"web\"", "3306",
                            "mysql\",state=\"established\"} " + std::to_string(fit)));
  EXPECT_EQ(Truncated(), 1000);
}

}  // namespace
}  // namespace hinomi
