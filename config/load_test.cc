#include "config/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_directory.h"
#include "config/load_fixture.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kIssue = R"(cluster: demo
node: node-1
state_dir: /state
host_root: /host
log: { level: warn, format: json }
http: { listen: ":9798" }
limits: { in_flight_bytes_max: 32MiB, record_bytes_max: 64KiB, open_record_delay_max: 7s, namespaces_max: 3 }
dead_letters: { bytes_max: 1GiB }
sources:
  kubernetes: { pods_dir: /pods, since: 12h, exclude: [{namespace: kube-system, pod: "x-*", container: noisy}] }
sinks:
  search:
    type: elasticsearch
    endpoints: ["http://127.0.0.1:9200", "https://search:9200"]
    compression: none
    level: 3
    index: logs-{namespace}-{year}.{month}.{day}
    time_zone: Asia/Tokyo
    document_id: none
    lifecycle: { delete_after: 30d, rollover_age: 7d, rollover_bytes: 10GiB }
    requests_max: 5
    timeout: 3s
    batch_bytes: 1MiB
    linger: 50ms
  screen: { type: stdout }
routes:
  - { name: prod, match: {namespace: "prod-*", pod: p, container: c}, sink: search, stop: true, start: now }
  - { name: rest, sink: search }
)";

TEST(Load, ReadsEveryKey) {
  Loaded loaded = Load(kIssue);
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings,
              ElementsAre("config.yaml:25:3: sinks.screen: no route uses this sink"));
  const Config& config = loaded.config;
  EXPECT_EQ(config.cluster, "demo");
  EXPECT_EQ(config.node, "node-1");
  EXPECT_EQ(config.state_dir, "/state");
  EXPECT_EQ(config.host_root, "/host");
  EXPECT_EQ(config.log.level, log::Level::kWarn);
  EXPECT_EQ(config.log.format, log::Format::kJson);
  EXPECT_EQ(config.http.listen, ":9798");
  EXPECT_EQ(config.limits.in_flight_bytes_max, 32u << 20);
  EXPECT_EQ(config.limits.record_bytes_max, 64u << 10);
  EXPECT_EQ(config.limits.open_record_delay_max, std::chrono::seconds(7));
  EXPECT_EQ(config.limits.namespaces_max, 3u);
  EXPECT_EQ(config.dead_letters.bytes_max, 1u << 30);
  EXPECT_TRUE(config.kubernetes_enabled);
  EXPECT_EQ(config.kubernetes.pods_dir, "/pods");
  EXPECT_EQ(config.kubernetes.since, std::chrono::hours(12));
  ASSERT_EQ(config.kubernetes.exclude.size(), 1u);
  EXPECT_EQ(config.kubernetes.exclude[0].namespace_pattern, "kube-system");
  EXPECT_EQ(config.kubernetes.exclude[0].pod_pattern, "x-*");
  EXPECT_EQ(config.kubernetes.exclude[0].container_pattern, "noisy");
}

TEST(Load, ReadsFairness) {
  const Loaded loaded = Load(
      "fairness: [{namespace: dev, pod: a, container: c, per: container, weight: 7, "
      "bytes_per_second: 1MiB, burst_bytes: 4MiB, exceeded: drop}, {weight: 100}]");
  EXPECT_THAT(loaded.errors, IsEmpty());
  ASSERT_EQ(loaded.config.fairness.size(), 2u);
  const ShareConfig& rule = loaded.config.fairness[0];
  EXPECT_EQ(rule.match.namespace_pattern, "dev");
  EXPECT_EQ(rule.match.pod_pattern, "a");
  EXPECT_EQ(rule.match.container_pattern, "c");
  EXPECT_EQ(rule.per, Per::kContainer);
  EXPECT_EQ(rule.weight, 7u);
  EXPECT_EQ(rule.bytes_per_second, 1u << 20);
  EXPECT_EQ(rule.BurstInEffect(), 4u << 20);
  EXPECT_EQ(rule.exceeded, Exceeded::kDrop);
  const ShareConfig& other = loaded.config.fairness[1];
  EXPECT_EQ(other.per, Per::kPod);
  EXPECT_EQ(other.weight, 100u);
  EXPECT_EQ(other.BurstInEffect(), 0u);
}

TEST(Load, ReadsSinksAndRoutesInTheirOrder) {
  const Config config = Load(kIssue).config;
  ASSERT_EQ(config.sinks.size(), 2u);
  const SinkConfig& sink = config.sinks[0];
  EXPECT_EQ(sink.name, "search");
  EXPECT_EQ(sink.type, SinkType::kElasticsearch);
  EXPECT_EQ(sink.batch_bytes, 1u << 20);
  EXPECT_EQ(sink.linger, std::chrono::milliseconds(50));
  EXPECT_THAT(sink.elasticsearch.endpoints,
              ElementsAre("http://127.0.0.1:9200", "https://search:9200"));
  EXPECT_EQ(sink.elasticsearch.compression, Compression::kNone);
  EXPECT_EQ(sink.elasticsearch.level, 3u);
  EXPECT_EQ(sink.elasticsearch.index, "logs-{namespace}-{year}.{month}.{day}");
  EXPECT_EQ(sink.elasticsearch.time_zone, "Asia/Tokyo");
  EXPECT_EQ(sink.elasticsearch.document_id, DocumentIds::kNone);
  EXPECT_TRUE(sink.elasticsearch.setup);
  EXPECT_EQ(sink.elasticsearch.lifecycle.delete_after, std::chrono::hours(30 * 24));
  EXPECT_EQ(sink.elasticsearch.lifecycle.rollover_age, std::chrono::hours(7 * 24));
  EXPECT_EQ(sink.elasticsearch.lifecycle.rollover_bytes, 10ull << 30);
  EXPECT_EQ(sink.elasticsearch.requests_max, 5u);
  EXPECT_EQ(sink.elasticsearch.timeout, std::chrono::seconds(3));
  EXPECT_EQ(config.sinks[1].name, "screen");
  EXPECT_EQ(config.sinks[1].type, SinkType::kStdout);
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(config.routes[0].name, "prod");
  EXPECT_EQ(config.routes[0].match.namespace_pattern, "prod-*");
  EXPECT_EQ(config.routes[0].match.pod_pattern, "p");
  EXPECT_EQ(config.routes[0].match.container_pattern, "c");
  EXPECT_EQ(config.routes[0].sink, "search");
  EXPECT_TRUE(config.routes[0].stop);
  EXPECT_EQ(config.routes[0].start, StartAt::kNow);
  EXPECT_EQ(config.routes[1].name, "rest");
  EXPECT_FALSE(config.routes[1].stop);
  EXPECT_EQ(config.routes[1].start, StartAt::kBeginning);
}

TEST(Load, WithoutAFileShipsToStandardOutput) {
  for (const Loaded& loaded :
       {LoadConfig({}), Load(""), Load("sinks:\nroutes:\n"), Load("sinks: {}")}) {
    EXPECT_THAT(loaded.errors, IsEmpty());
    EXPECT_THAT(loaded.warnings, IsEmpty());
    EXPECT_TRUE(loaded.config.kubernetes_enabled);
    ASSERT_EQ(loaded.config.sinks.size(), 1u);
    EXPECT_EQ(loaded.config.sinks[0].name, "stdout");
    EXPECT_EQ(loaded.config.sinks[0].type, SinkType::kStdout);
    ASSERT_EQ(loaded.config.routes.size(), 1u);
    EXPECT_EQ(loaded.config.routes[0].name, "stdout");
    EXPECT_EQ(loaded.config.routes[0].sink, "stdout");
  }
}

TEST(Load, FillsInWhatIsLeftOut) {
  const Config one = Load("sinks: {a: {type: stdout}}").config;
  ASSERT_EQ(one.routes.size(), 1u);
  EXPECT_EQ(one.routes[0].name, "a");
  EXPECT_EQ(one.routes[0].sink, "a");
  const Config named = Load("sinks: {a: {type: stdout}}\nroutes: [{sink: a}]").config;
  EXPECT_EQ(named.routes[0].name, "a");
  EXPECT_FALSE(Load("sources:").config.kubernetes_enabled);
  EXPECT_FALSE(Load("sources: {}").config.kubernetes_enabled);
  EXPECT_TRUE(Load("sources: {kubernetes: }").config.kubernetes_enabled);
  EXPECT_FALSE(Load("sources: {kubernetes: }").config.docker_enabled);
}

TEST(Load, Metadata) {
  const Loaded loaded = Load(R"(metadata:
  cri_socket: /run/x.sock
  kubelet:
    url: https://127.0.0.1:10250
    public_key_sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
  wait_max: 500ms
  labels: []
  annotations: [team, "example.org/*"]
  dedot: false
  release_pattern: "-(?P<commit>[0-9a-f]{8})$"
  pods_max: 7
routes: [{sink: stdout, match: {labels: {app: "web-*", tier: front}}}]
)");
  EXPECT_THAT(loaded.errors, IsEmpty());
  const MetadataConfig& metadata = loaded.config.metadata;
  EXPECT_TRUE(metadata.enabled);
  EXPECT_EQ(metadata.cri_socket, "/run/x.sock");
  EXPECT_EQ(metadata.kubelet.url, "https://127.0.0.1:10250");
  EXPECT_EQ(metadata.wait_max, std::chrono::milliseconds(500));
  EXPECT_THAT(metadata.labels, IsEmpty());
  EXPECT_THAT(metadata.annotations, ElementsAre("team", "example.org/*"));
  EXPECT_FALSE(metadata.dedot);
  EXPECT_EQ(metadata.release_pattern, "-(?P<commit>[0-9a-f]{8})$");
  EXPECT_EQ(metadata.pods_max, 7u);
  EXPECT_THAT(loaded.config.routes[0].match.label_patterns,
              ElementsAre(testing::Pair("app", "web-*"), testing::Pair("tier", "front")));
  EXPECT_THAT(
      Load("metadata: {kubelet: {url: 10250, public_key_sha256: ab}}").errors,
      ElementsAre(testing::HasSubstr("metadata.kubelet.url: expected http(s)://host[:port]"),
                  testing::HasSubstr("metadata.kubelet.public_key_sha256: expected base64")));
}

TEST(Load, RoutesThatDifferInALabelDoNotOverlap) {
  const std::string kRoutes =
      "routes: [{name: a, sink: stdout, match: {labels: {app: web}}}, {name: b, sink: stdout, ";
  EXPECT_THAT(Load(kRoutes + "match: {labels: {app: db, x: y}}}]").errors, IsEmpty());
  for (const char* match :
       {"match: {labels: {app: w*}}}]", "match: {labels: {tier: web}}}]", "match: {pod: db}}]"}) {
    EXPECT_THAT(Load(kRoutes + match).errors, ElementsAre(testing::HasSubstr("arrive twice")));
  }
}

TEST(Load, RoutesOfALevelOverlapUnlessTheyStop) {
  static constexpr char kRoutes[] =
      "routes: [{{name: a, sink: stdout, level: warn, priority: high, stop: {}}}, "
      "{{name: b, sink: stdout}}]";
  const Loaded apart = Load(fmt::format(kRoutes, true));
  EXPECT_THAT(apart.errors, IsEmpty());
  EXPECT_EQ(apart.config.routes[0].level, RecordLevel::kWarn);
  EXPECT_EQ(apart.config.routes[0].priority, Priority::kHigh);
  EXPECT_EQ(apart.config.routes[1].level, RecordLevel::kAny);
  EXPECT_EQ(apart.config.routes[1].priority, Priority::kNormal);
  EXPECT_THAT(Load(fmt::format(kRoutes, false)).errors,
              ElementsAre(testing::HasSubstr("arrive twice")));
}

TEST(Load, RoutesThatDifferInEventsDoNotOverlap) {
  const auto load = [](const char* first, const char* second) {
    return Load(
        fmt::format("routes: [{{name: a, sink: stdout, events: {}}}, "
                    "{{name: b, sink: stdout, events: {}}}]",
                    first, second));
  };
  const Loaded apart = load("only", "exclude");
  EXPECT_THAT(apart.errors, IsEmpty());
  EXPECT_EQ(apart.config.routes[0].events, TakeEvents::kOnly);
  EXPECT_THAT(load("exclude", "only").errors, IsEmpty());
  for (const char* other : {"include", "only"}) {
    EXPECT_THAT(load("only", other).errors, ElementsAre(testing::HasSubstr("arrive twice")));
  }
}

TEST(Load, Docker) {
  const Config config = Load("sources: {docker: {roots: [/a, /b], since: 1h}}").config;
  EXPECT_TRUE(config.docker_enabled);
  EXPECT_FALSE(config.kubernetes_enabled);
  EXPECT_THAT(config.docker.roots, ElementsAre("/a", "/b"));
  EXPECT_EQ(config.docker.since, std::chrono::hours(1));
  for (const char* text : {"sources: {docker: }", "sources: {docker: {roots: []}}"}) {
    EXPECT_THAT(Load(text).errors,
                ElementsAre(::testing::HasSubstr("sources.docker.roots: expected at least one")));
  }
}

TEST(Load, ReportsKeysAndTypes) {
  ExpectErrors({
      {"foo: 1",
       {"config.yaml:1:1: foo: unknown key; the keys here are cluster, node, state_dir, host_root, "
        "log, http, "
        "limits, escrow, dead_letters, egress, fairness, sources, metadata, metrics, multiline, "
        "sinks, "
        "routes"}},
      {"cluser: a", {"config.yaml:1:1: cluser: unknown key; did you mean \"cluster\"?"}},
      {"log:\n  lvl: a",
       {"config.yaml:2:3: log.lvl: unknown key; the keys here are level, format"}},
      {"node: a\nnode: b", {"config.yaml:2:1: node: repeated; it was first given in line 1"}},
      {"log: {level: warn, level: info}",
       {"config.yaml:1:20: log.level: repeated; it was first given in line 1"}},
      {"[a]", {"config.yaml:1:1: expected a map of keys and values, got a list"}},
      {"text", {"config.yaml:1:1: expected a map of keys and values, got \"text\""}},
      {"log: [a]", {"config.yaml:1:6: log: expected a map of keys and values, got a list"}},
      {"node: [a]", {"config.yaml:1:7: node: expected text, got a list"}},
      {"node: {a: b}", {"config.yaml:1:7: node: expected text, got a map"}},
      {"cluster:", {"config.yaml:1:1: cluster: expected text, got nothing"}},
      {"cluster: \"\"", {"config.yaml:1:10: cluster: expected text, got \"\""}},
      {"log: {level: warning}",
       {"config.yaml:1:14: log.level: expected one of debug, info, warn, error, got \"warning\""}},
      {"log: {level: eror}",
       {"config.yaml:1:14: log.level: expected one of debug, info, warn, error, got \"eror\"; did "
        "you mean "
        "\"error\"?"}},
      {"limits: {namespaces_max: 0, record_bytes_max: 10, in_flight_bytes_max: 16Mb}",
       {"config.yaml:1:26: limits.namespaces_max: expected a whole number from 1 to 100000, got "
        "\"0\"",
        "config.yaml:1:47: limits.record_bytes_max: expected a size from 1KiB to 4MiB, got \"10\"",
        "config.yaml:1:72: limits.in_flight_bytes_max: expected a size such as 1MiB, got "
        "\"16Mb\""}},
      {"sources: {kubernetes: {since: 24, exclude: {pod: a}}}",
       {"config.yaml:1:31: sources.kubernetes.since: expected a duration such as 200ms, 5s or 24h, "
        "got \"24\"",
        "config.yaml:1:44: sources.kubernetes.exclude: expected a list, got a map"}},
      {"multiline: [{start: 'a(b'}, {preset: java, continue: x}, {pod: y}]",
       {"config.yaml:1:21: multiline[0].start: cannot compile \"a(b\": missing ): a(b; the syntax "
        "is "
        "RE2's",
        "config.yaml:1:38: multiline[1].preset: expected only one of preset, start and continue",
        "config.yaml:1:58: multiline[2].start: expected start, continue or a preset"}},
      {"sources: {kubernetes: {exclude: [a, {pods: b}]}}",
       {"config.yaml:1:34: sources.kubernetes.exclude[0]: expected a map of keys and values, got "
        "\"a\"",
        "config.yaml:1:38: sources.kubernetes.exclude[1].pods: unknown key; did you mean "
        "\"pod\"?"}},
      {"fairness: [{weight: 0}, {pod: a, per: namespace}, {container: c}]",
       {"config.yaml:1:21: fairness[0].weight: expected a whole number from 1 to 100, got \"0\"",
        "config.yaml:1:31: fairness[1].pod: cannot be told apart per namespace; remove it, or say "
        "per: pod",
        "config.yaml:1:63: fairness[2].container: needs per: container beside it"}},
      {"metrics: {tcp_groups: [{name: a, ports: [1, 7-9, 65536, 9-7]}, {name: b}, {ports: [2]}]}",
       {"config.yaml:1:50: metrics.tcp_groups[0].ports[2]: expected a port from 1 to 65535 or a "
        "range such as 6379-6380, got \"65536\"",
        "config.yaml:1:57: metrics.tcp_groups[0].ports[3]: expected a port from 1 to 65535 or a "
        "range such as 6379-6380, got \"9-7\"",
        "config.yaml:1:64: metrics.tcp_groups[1].ports: expected at least one, such as [3306, "
        "6379-6380]",
        "config.yaml:1:75: metrics.tcp_groups[2].name: missing"}},
      {"metadata: {release_pattern: \"-(.*)$\"}",
       {"config.yaml:1:29: metadata.release_pattern: expected a group called commit or branch, "
        "such "
        "as (?P<commit>[0-9a-f]{7,40})"}},
      {"metrics: {volumes: true}",
       {"config.yaml:1:20: metrics.volumes: needs metadata.kubelet.url beside it"}},
      {"http: {listen: localhost}",
       {"config.yaml:1:16: http.listen: expected an address such as 127.0.0.1:9797, :9797 or "
        "[::1]:9797, got "
        "\"localhost\""}},
      {"a: [", {"config.yaml:2:1: end of sequence flow not found"}},
  });
}

TEST(Load, AsksThePartsOnceAllElseIsValid) {
  LoadOptions options;
  options.path = "config.yaml";
  options.check_parts = [](const Config& config) {
    return std::vector<Problem>{{"sinks." + config.sinks[0].name + ".settings.no.such", "unknown"}};
  };
  const std::string text = "sinks: {a: {type: kafka, brokers: [\"k:1\"], settings: {no.such: 1}}}";
  EXPECT_THAT(LoadConfigText(text, options).errors,
              testing::ElementsAre("config.yaml:1:55: sinks.a.settings.no.such: unknown"));
  EXPECT_THAT(LoadConfigText("sinks: {a: {type: unknown}}", options).errors, testing::SizeIs(1));
}

TEST(Load, ReportsRoutes) {
  const std::string kSinks = "sinks: {search: {type: stdout}, screen: {type: stdout}}\nroutes:\n";
  const std::string kTwice =
      " and arrive twice in sink \"search\"; give routes[0] stop: true, or narrow a match";
  ExpectErrors({
      {"sinks: {a: {type: stdout}, b: {type: stdout}}",
       {"config.yaml: routes: missing; with several sinks (a, b) say which logs go where"}},
      {kSinks + "  []",
       {"config.yaml:2:1: routes: missing; with several sinks (search, screen) say which logs go "
        "where"}},
      {kSinks + "  - {sink: serch}",
       {"config.yaml:3:12: routes[0].sink: no sink is named \"serch\"; did you mean \"search\"?"}},
      {kSinks + "  - {name: a}\n  - {name: b, sink: \"\"}\n  - {sink: }",
       {"config.yaml:3:5: routes[0].sink: missing",
        "config.yaml:4:21: routes[1].sink: expected a name of 1 to 63 letters, digits, - and _, "
        "got \"\"",
        "config.yaml:5:6: routes[2].sink: expected text, got nothing"}},
      {kSinks + "  - {name: a, sink: search}\n  - {name: a, sink: screen}",
       {"config.yaml:4:12: routes[1].name: \"a\" is already the name of routes[0]"}},
      {kSinks + "  - {name: screen, sink: search}\n  - {sink: screen}",
       {"config.yaml:4:5: routes[1].name: \"screen\" is already the name of routes[0]"}},
      {kSinks + "  - {sink: search, stop: true}\n  - {name: b, sink: search}",
       {"config.yaml:3:5: routes[0].name: missing; sink \"search\" has several routes, each needs "
        "a name"}},
      {kSinks + "  - {name: a, sink: search}\n  - {name: b, sink: search}",
       {"config.yaml:4:5: routes[1]: a log may take this route and routes[0]" + kTwice}},
      {kSinks + "  - {name: a, sink: search, match: {namespace: \"a*\"}}\n"
                "  - {name: b, sink: search, match: {namespace: \"*b\"}}",
       {"config.yaml:4:5: routes[1]: a log may take this route and routes[0]" + kTwice}},
      {kSinks + "  - {name: a, sink: search, match: {namespace: \"a*\", pod: x}}\n"
                "  - {name: b, sink: search, match: {namespace: \"a*\", pod: y}}",
       {}},
      {kSinks + "  - {name: a, sink: search, match: {container: \"a*\"}}\n"
                "  - {name: b, sink: search, match: {container: \"b*\"}}",
       {}},
      {kSinks + "  - {name: a, sink: search, stop: true}\n  - {name: b, sink: search}", {}},
      {kSinks + "  - {name: a, sink: search}\n  - {name: b, sink: screen}", {}},
      {kSinks + "  - {sink: search, start: later, match: {namespac: a}, stop: 1}",
       {"config.yaml:3:27: routes[0].start: expected one of beginning, now, got \"later\"",
        "config.yaml:3:42: routes[0].match.namespac: unknown key; did you mean \"namespace\"?",
        "config.yaml:3:62: routes[0].stop: expected true or false, got \"1\""}},
  });
}

TEST(Load, FlagsWinOverEnvironmentOverFile) {
  LoadOptions options;
  options.environment = {{"HINOMI_HTTP_LISTEN", ":2"},
                         {"HINOMI_LOG_LEVEL", "error"},
                         {"HINOMI_SOURCES_KUBERNETES_PODS_DIR", "/p"},
                         {"HINOMI_SINKS_MY_SEARCH_ENDPOINTS", "http://a:1, http://b:2"},
                         {"HINOMI_SINKS_MY_SEARCH_INDEX", "other"},
                         {"NODE_NAME", "node-7"}};
  options.overrides = {"http.listen=:3", "http.listen=:4", "sinks.my-search.index=a=b"};
  Loaded loaded = Load(
      "http: {listen: \":1\"}\nlog: {format: json}\n"
      "sinks: {my-search: {type: elasticsearch, endpoints: [\"http://c\"]}}",
      options);
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  EXPECT_EQ(loaded.config.http.listen, ":4");
  EXPECT_EQ(loaded.config.log.level, log::Level::kError);
  EXPECT_EQ(loaded.config.log.format, log::Format::kJson);
  EXPECT_EQ(loaded.config.kubernetes.pods_dir, "/p");
  EXPECT_EQ(loaded.config.node, "node-7");
  EXPECT_THAT(loaded.config.sinks[0].elasticsearch.endpoints,
              ElementsAre("http://a:1", "http://b:2"));
  EXPECT_EQ(loaded.config.sinks[0].elasticsearch.index, "a=b");
  const std::map<std::string, std::string> kWant = {
      {"http.listen", "--set (overrides environment HINOMI_HTTP_LISTEN)"},
      {"log.format", "config.yaml:2"},
      {"log.level", "environment HINOMI_LOG_LEVEL"},
      {"node", "environment NODE_NAME"},
      {"sinks.my-search.endpoints",
       "environment HINOMI_SINKS_MY_SEARCH_ENDPOINTS (overrides config.yaml:3)"},
      {"sinks.my-search.index", "--set (overrides environment HINOMI_SINKS_MY_SEARCH_INDEX)"},
      {"sinks.my-search.type", "config.yaml:3"},
      {"sources.kubernetes.pods_dir", "environment HINOMI_SOURCES_KUBERNETES_PODS_DIR"}};
  EXPECT_EQ(loaded.origins, kWant);
}

TEST(Load, ReportsEnvironmentAndFlags) {
  LoadOptions options;
  options.environment = {
      {"HINOMI_HTTP_LISTEN", "x"},         {"HINOMI_HTTP_LISTN", ":1"},
      {"HINOMI_QUITE_ELSE", "1"},          {"HINOMI_ROUTES_0_SINK", "a"},
      {"HINOMI_SERVICE_HOST", "10.0.0.1"}, {"HINOMI_METRICS_PORT_9797_TCP", "tcp://10.0.0.1:9797"},
      {"HINOMI_SINKS_STDOUT_LINGER", "1"}, {"PATH", "/bin"}};
  options.overrides = {"log.level=loud", "log.levl=info", "http", "routes[0].sink=a"};
  Loaded loaded = Load("", options);
  EXPECT_THAT(
      loaded.errors,
      ElementsAre("--set: expected key=value, got \"http\"",
                  "--set: log.level: expected one of debug, info, warn, error, got \"loud\"",
                  "environment HINOMI_HTTP_LISTEN: http.listen: expected an address such as "
                  "127.0.0.1:9797, :9797 or "
                  "[::1]:9797, got \"x\"",
                  "environment HINOMI_SINKS_STDOUT_LINGER: sinks.stdout.linger: expected a "
                  "duration such as 200ms, 5s or "
                  "24h, got \"1\"",
                  "--set: log.levl: unknown key; did you mean \"log.level\"?",
                  "--set: routes[0].sink: unknown key"));
  EXPECT_THAT(
      loaded.warnings,
      ElementsAre(
          "environment HINOMI_HTTP_LISTN: matches no key; did you mean \"HINOMI_HTTP_LISTEN\"?",
          "environment HINOMI_QUITE_ELSE: matches no key",
          "environment HINOMI_ROUTES_0_SINK: matches no key"));
}

TEST(Load, KeysWithinListsAreTheFilesAlone) {
  LoadOptions options;
  options.environment = {{"HINOMI_ROUTES_0__START", "now"}};
  options.overrides = {"routes[0].start=now"};
  Loaded loaded = Load("routes: [{sink: stdout}]", options);
  EXPECT_EQ(loaded.config.routes.at(0).start, StartAt::kBeginning);
  EXPECT_THAT(loaded.errors, ElementsAre("--set: routes[0].start: unknown key"));
  EXPECT_THAT(loaded.warnings, ElementsAre("environment HINOMI_ROUTES_0__START: matches no key"));
}

TEST(Load, KeysOfAnUnknownTypeAreNotJudged) {
  LoadOptions options;
  options.environment = {{"HINOMI_SINKS_A_INDEX", "x"}};
  options.overrides = {"sinks.a.setup=true"};
  Loaded loaded = Load("sinks: {a: {index: b}}", options);
  EXPECT_THAT(loaded.errors, ElementsAre("config.yaml:1:9: sinks.a.type: missing"));
  EXPECT_THAT(loaded.warnings, IsEmpty());
}

TEST(Load, ReadsTheFile) {
  TemporaryDirectory directory;
  directory.Append("good.yaml", "cluster: demo\n");
  directory.Append("large.yaml", std::string((1 << 20) + 1, '#'));
  LoadOptions options;
  options.path = directory / "good.yaml";
  EXPECT_EQ(LoadConfig(options).config.cluster, "demo");
  options.path = directory / "missing.yaml";
  EXPECT_THAT(LoadConfig(options).errors,
              ElementsAre("cannot read \"" + *options.path + "\": No such file or directory"));
  options.path = directory.path();
  EXPECT_THAT(LoadConfig(options).errors,
              ElementsAre("cannot read \"" + *options.path + "\": Is a directory"));
  options.path = directory / "large.yaml";
  EXPECT_THAT(LoadConfig(options).errors,
              ElementsAre(*options.path + ":1:1: the file is larger than 1MiB"));
}

TEST(Load, SurvivesManyErrors) {
  std::string text = "routes:\n";
  for (int i = 0; i < 5000; ++i) text += "  - {sink: a" + std::to_string(i) + "}\n";
  Loaded loaded = Load(text);
  ASSERT_EQ(loaded.errors.size(), 101u);
  EXPECT_EQ(loaded.errors.back(), "and 4900 more errors");
}

}  // namespace
}  // namespace hinomi
