#include "config/text.h"

#include <gtest/gtest.h>

namespace hinomi {
namespace {

TEST(Text, ParsesSizes) {
  const struct {
    const char* text;
    std::optional<uint64_t> want;
  } kCases[] = {
      {"0", 0},
      {"100", 100},
      {"100B", 100},
      {"1kB", 1000},
      {"3MB", 3'000'000},
      {"2GB", 2'000'000'000},
      {"256KiB", 262144},
      {"1MiB", 1048576},
      {"4GiB", 4ull << 30},
      {"", {}},
      {"MiB", {}},
      {"12x", {}},
      {"1mib", {}},
      {"1M", {}},
      {"1 MiB", {}},
      {"1MiB ", {}},
      {" 1MiB", {}},
      {"-1", {}},
      {"+1", {}},
      {"1.5MiB", {}},
      {"0x10", {}},
      {"9999999999GiB", {}},
      {"99999999999999999999", {}},
  };
  for (const auto& test : kCases) EXPECT_EQ(ParseSize(test.text), test.want) << test.text;
}

TEST(Text, FormatsSizes) {
  const struct {
    uint64_t bytes;
    const char* want;
  } kCases[] = {{0, "0"},
                {100, "100"},
                {1000, "1kB"},
                {1024, "1KiB"},
                {262144, "256KiB"},
                {2 << 20, "2MiB"},
                {3'000'000, "3MB"},
                {1536 << 10, "1536KiB"},
                {4ull << 30, "4GiB"},
                {1'000'001, "1000001"}};
  for (const auto& test : kCases) {
    EXPECT_EQ(FormatSize(test.bytes), test.want);
    EXPECT_EQ(ParseSize(test.want), test.bytes);
  }
}

TEST(Text, ParsesPorts) {
  const struct {
    const char* text;
    int first, last;  // 0: none
  } kCases[] = {{"3306", 3306, 3306},  {"6379-6380", 6379, 6380},
                {"1-65535", 1, 65535}, {"7-7", 7, 7},
                {"0", 0, 0},           {"65536", 0, 0},
                {"0-1", 0, 0},         {"9-7", 0, 0},
                {"1-65536", 0, 0},     {"", 0, 0},
                {"-", 0, 0},           {"1-", 0, 0},
                {"-1", 0, 0},          {"1-2-3", 0, 0},
                {"1 - 2", 0, 0},       {"http", 0, 0},
                {"+1", 0, 0},          {"18446744073709551617", 0, 0}};
  for (const auto& test : kCases) {
    const PortRange range = ParsePortRange(test.text).value_or(PortRange());
    EXPECT_EQ(range.first, test.first) << test.text;
    EXPECT_EQ(range.last, test.last) << test.text;
    EXPECT_EQ(CheckPorts(test.text).empty(), test.first != 0) << test.text;
  }
}

TEST(Text, ParsesDurations) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const struct {
    const char* text;
    std::optional<Nanoseconds> want;
  } kCases[] = {
      {"0s", seconds(0)},
      {"200ms", milliseconds(200)},
      {"5s", seconds(5)},
      {"1m", seconds(60)},
      {"24h", hours(24)},
      {"7d", hours(168)},
      {"5", {}},
      {"0", {}},
      {"", {}},
      {"s", {}},
      {"5 s", {}},
      {"5S", {}},
      {"1h30m", {}},
      {"1.5s", {}},
      {"-1s", {}},
      {"5us", {}},
      {"9999999999h", {}},
  };
  for (const auto& test : kCases) {
    auto got = ParseDuration(test.text);
    EXPECT_TRUE(got == test.want) << test.text;
  }
}

TEST(Text, FormatsDurations) {
  for (const char* text : {"0s", "1ms", "200ms", "5s", "90s", "1m", "24h", "36h", "1500ms"}) {
    EXPECT_EQ(FormatDuration(*ParseDuration(text)), text);
  }
  EXPECT_EQ(FormatDuration(*ParseDuration("2d")), "48h");
}

TEST(Text, QuotesWithoutSecretsOrControls) {
  const struct {
    std::string text;
    std::string want;
  } kCases[] = {
      {"12x", "\"12x\""},
      {"a\nb\x7f", "\"a?b?\""},
      {"http://user:secret@host:1", "\"http://***@host:1\""},
      {"http://user:sec@ret@host", "\"http://***@host\""},
      {"http://" + std::string(200, 's') + "@host", "\"http://***@host…\""},
      {std::string(100, 'a'), "\"" + std::string(80, 'a') + "…\""},
      {"\xff", "\"\""},
  };
  for (const auto& test : kCases) EXPECT_EQ(Quoted(test.text), test.want);
}

TEST(Text, KnowsUtf8) {
  for (const char* text : {"", "abc", "é", "火の見", "\xF0\x9F\x94\xA5"}) {
    EXPECT_EQ(ValidTextSize(text), std::string_view(text).size()) << text;
  }
  const std::string kBad[] = {"ab\xff",
                              "ab\xc3",
                              "ab\xc0\x80",
                              "ab\xed\xa0\x80",
                              "ab\xf4\x90\x80\x80",
                              "ab\xe0\x80\x80",
                              "ab\xf0\x80\x80\x80",
                              "ab\x80",
                              std::string("ab\0c", 4)};
  for (const std::string& text : kBad) EXPECT_EQ(ValidTextSize(text), 2u) << text;
}

TEST(Text, SuggestsWhatIsNear) {
  const std::vector<std::string> kKeys = {"endpoints", "index", "password_file", "ca_file"};
  const struct {
    const char* text;
    const char* want;
  } kCases[] = {{"endpoint", "endpoints"}, {"indx", "index"}, {"password", "password_file"},
                {"ca-file", "ca_file"},    {"x", ""},         {"quite_different", ""}};
  for (const auto& test : kCases) EXPECT_EQ(NearestOf(test.text, kKeys), test.want) << test.text;
}

struct CheckCases {
  Check check;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

TEST(Text, ChecksValues) {
  const CheckCases kCases[] = {
      {CheckName,
       {"a", "prod-1", "A_b", std::string(63, 'a')},
       {"", "a.b", "a b", "é", std::string(64, 'a')}},
      {CheckText, {"", "a b", "火の見"}, {"a\nb", std::string("a\0b", 3), "\xff"}},
      {CheckNotEmpty, {"a"}, {"", "a\tb"}},
      {CheckListen,
       {"127.0.0.1:9797", ":9797", ":0", "localhost:80", "[::1]:9797", "[::]:0", "0.0.0.0:65535"},
       {"", "9797", "localhost", ":", ":65536", ":-1", ":x", "::1:80", "[::1]", "[::g]:1",
        "1.2.3:1", "a b:1", "127.0.0.1:9797 ", "http://a:1"}},
      {CheckEndpoint,
       {"http://a", "https://a.b:9200", "http://127.0.0.1:9200", "https://[::1]:9200",
        "http://[::1]"},
       {"", "a", "a:9200", "ftp://a", "http://", "http://:9200", "http://a:0", "http://a:65536",
        "http://a:", "http://a/", "http://a:1/path", "http://a?b", "http://u:p@a", "http://a b",
        "http://300.1.1.1", "HTTP://a", "http://http://a"}},
      {CheckIndex,
       {"logs-kubernetes.container_logs-default", "a", ".hidden", "été", std::string(255, 'a'),
        "logs-{namespace}-{year}.{month}.{day}", "a-{cluster}{pod}{container}",
        std::string(192, 'a') + "{pod}"},
       {"{namespace}",
        "{year}-a",
        "a-{node}",
        "a{}",
        "a{",
        "a}",
        "A{pod}",
        "a{pod}B",
        std::string(193, 'a') + "{pod}",
        "",
        ".",
        "..",
        "Logs",
        "a b",
        "a/b",
        "a\\b",
        "a*",
        "a?",
        "a\"",
        "a<",
        "a>",
        "a|",
        "a,b",
        "a#b",
        "a:b",
        "-a",
        "_a",
        "+a",
        "a\n",
        std::string(256, 'a')}},
      {CheckBroker,
       {"127.0.0.1:9092", "kafka-0.kafka:9092", "[::1]:1"},
       {"", ":9092", "kafka", "kafka:", "kafka:0", "kafka:65536", "http://kafka:9092", "a:1,b:1"}},
      {CheckCollector, {"127.0.0.1:4317", "otel.obs:4317", "[::1]:1"}, {"", "otel", "http://a:1"}},
      {CheckAddress,
       {"", "10.0.0.5", "fd00::5", "::ffff:10.0.0.5"},
       {"10.0.0", "10.0.0.5:1", "10.0.0.5/24", "localhost", "[::1]", "fe80::1%eth0", " "}},
      {CheckDevice,
       {"", "eth0", "br-1234.5", "enp0s31f6", "fifteen_letters"},
       {"a/b", "a b", "eth0:1", ".", "..", "a\n", "sixteen__letters"}},
      {CheckHeader,
       {"authorization", "x-scope.org_id", "1"},
       {"", "Authorization", "a b", "a:b", "grpc-timeout", "a-bin", "\xc3\xa9"}},
      {CheckTopic,
       {"logs", "logs-{namespace}", "{cluster}.{namespace}.{pod}_{container}", "A.b",
        std::string(249, 'a'), std::string(248, 'a') + "{pod}"},
       {"", ".", "..", "a b", "a/b", "{node}", "{}", "{", "a}", "{namespace", "{pod}{", "ä",
        std::string(250, 'a')}},
      {CheckTopicName, {"cursors"}, {"", "cursors-{node}", "cursors-{namespace}"}},
      {CheckTimeZone, {"UTC", "Asia/Tokyo", "Etc/GMT-9"}, {"", "JST-9", "Asia/Edo", "a b"}},
      {CheckReadableFile, {"", "/proc/self/exe"}, {"/nonexistent", "/", "a\nb"}},
  };
  for (const CheckCases& cases : kCases) {
    for (const std::string& text : cases.good) EXPECT_EQ(cases.check(text), "") << text;
    for (const std::string& text : cases.bad) EXPECT_NE(cases.check(text), "") << text;
  }
  EXPECT_EQ(CheckTopic("logs-{node}"),
            "expected {cluster}, {namespace}, {pod} or {container}, got {node} in \"logs-{node}\"");
  EXPECT_EQ(CheckIndex("logs-{node}"),
            "expected {cluster}, {namespace}, {pod}, {container}, {year}, {month} or {day}, got "
            "{node} in \"logs-{node}\"");
  EXPECT_EQ(CheckReadableFile("/nonexistent"),
            "cannot read \"/nonexistent\": No such file or directory");
  EXPECT_EQ(CheckReadableFile("/"), "cannot read \"/\": Is a directory");
}

}  // namespace
}  // namespace hinomi
