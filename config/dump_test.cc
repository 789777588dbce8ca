#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace hinomi {
namespace {

using testing::IsEmpty;

constexpr std::string_view kConfig = R"(cluster: "a \"quoted\" \\ 火"
sources:
  kubernetes: { exclude: [{namespace: kube-system}, {pod: "x-*"}] }
sinks:
  search: { type: elasticsearch, endpoints: ["http://a:1", "http://b:2"], batch_bytes: 1000000 }
  screen: { type: stdout, linger: 0s }
routes:
  - { name: prod, match: {namespace: "prod-*"}, sink: search, stop: true }
  - { sink: screen, start: now }
)";

Loaded Load(std::string_view text) {
  LoadOptions options;
  options.path = "config.yaml";
  options.host_name = "host-1";
  options.environment["HINOMI_LOG_LEVEL"] = "warn";
  options.overrides = {"sinks.search.index=logs-a"};
  return LoadConfigText(text, options);
}

/// Without its comments.
std::string Values(const std::string& dump) {
  std::string text;
  for (size_t begin = 0; begin < dump.size();) {
    size_t end = dump.find('\n', begin);
    std::string line = dump.substr(begin, end - begin);
    text += line.substr(0, line.find("  # ")) + '\n';
    begin = end + 1;
  }
  return text;
}

TEST(Dump, ShowsEveryValueAndItsOrigin) {
  EXPECT_EQ(Dump(Load(kConfig)), R"dump(cluster: "a \"quoted\" \\ 火"  # config.yaml:1
node: "host-1"  # host name
state_dir: "/var/lib/hinomi"  # default
host_root: "/"  # default
log:
  level: warn  # environment HINOMI_LOG_LEVEL
  format: text  # default
http:
  listen: "127.0.0.1:9797"  # default
  token_file: ""  # default
limits:
  in_flight_bytes_max: 16MiB  # default
  record_bytes_max: 256KiB  # default
  open_record_delay_max: 5s  # default
  namespaces_max: 200  # default
escrow:
  directory: "/var/log/hinomi/escrow"  # default
  bytes_max: 2GiB  # default
  free_percent_min: 25  # default
dead_letters:
  bytes_max: 64MiB  # default
egress:
  bytes_per_second: 0  # default
fairness: []
sources:
  kubernetes:
    pods_dir: "/var/log/pods"  # default
    since: 24h  # default
    exclude:
      - namespace: "kube-system"  # config.yaml:3
        pod: ""  # default
        container: ""  # default
      - namespace: ""  # default
        pod: "x-*"  # config.yaml:3
        container: ""  # default
metadata:
  enabled: true  # default
  cri_socket: ""  # default
  kubelet:
    url: ""  # default
    token_file: ""  # default
    ca_file: ""  # default
    public_key_sha256: ""  # default
  wait_max: 2s  # default
  labels: ["app", "app.kubernetes.io/*", "k8s-app", "component", "tier", "version"]  # default
  annotations: []  # default
  dedot: true  # default
  release_pattern: ""  # default
  pods_max: 1000  # default
metrics:
  containers: true  # default
  node: true  # default
  include: []  # default
  exclude: []  # default
  series_max: 200000  # default
  textfile_directory: ""  # default
  mount_points_exclude: "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"  # default
  filesystem_types_exclude: "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$"  # default
  filesystem_timeout: 1s  # default
  disks_exclude: "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$"  # default
  interfaces_exclude: ""  # default
  tcp_groups: []
  volumes: false  # default
  pod_capacity: 0  # default
multiline: []
sinks:
  search:
    type: elasticsearch  # config.yaml:5
    batch_bytes: 1MB  # config.yaml:5
    linger: 200ms  # default
    endpoints: ["http://a:1", "http://b:2"]  # config.yaml:5
    index: "logs-a"  # --set
    time_zone: "UTC"  # default
    document_id: stable  # default
    compression: auto  # default
    level: 1  # default
    setup: true  # default
    lifecycle:
      delete_after: 0s  # default
      rollover_age: 24h  # default
      rollover_bytes: 50GiB  # default
    username: ""  # default
    password_file: ""  # default
    api_key_file: ""  # default
    token_file: ""  # default
    ca_file: ""  # default
    certificate_file: ""  # default
    key_file: ""  # default
    requests_max: 2  # default
    timeout: 30s  # default
    egress:
      bytes_per_second: 0  # default
      source_address: ""  # default
      device: ""  # default
  screen:
    type: stdout  # config.yaml:6
    batch_bytes: 2MiB  # default
    linger: 0s  # config.yaml:6
routes:
  - name: "prod"  # config.yaml:8
    sink: "search"  # config.yaml:8
    stop: true  # config.yaml:8
    start: beginning  # default
    events: include  # default
    level: any  # default
    priority: normal  # default
    match:
      namespace: "prod-*"  # config.yaml:8
      pod: ""  # default
      container: ""  # default
      labels: {}
  - name: "screen"  # default
    sink: "screen"  # config.yaml:9
    stop: false  # default
    start: now  # config.yaml:9
    events: include  # default
    level: any  # default
    priority: normal  # default
    match:
      namespace: ""  # default
      pod: ""  # default
      container: ""  # default
      labels: {}
)dump");
}

TEST(Dump, LoadsToTheSame) {
  for (std::string_view text : {kConfig, std::string_view(""), std::string_view("sources: {}")}) {
    LoadOptions options;
    options.host_name = "host-1";
    Loaded first = LoadConfigText(text, options);
    ASSERT_THAT(first.errors, IsEmpty());
    options.host_name = "host-2";  // must not matter: the dump names the node
    Loaded second = LoadConfigText(Dump(first), options);
    EXPECT_THAT(second.errors, IsEmpty()) << Dump(first);
    EXPECT_EQ(Values(Dump(second)), Values(Dump(first)));
    EXPECT_EQ(second.config.kubernetes_enabled, first.config.kubernetes_enabled);
  }
}

TEST(Dump, ShowsTextsByName) {
  const std::string_view text =
      "sinks: {a: {type: kafka, brokers: [\"k:1\"], settings: {linger.ms: 5, client.id: 'a "
      "\"b\"'}}}";
  EXPECT_THAT(Dump(Load(text)),
              testing::HasSubstr("    settings:\n"
                                 "      client.id: \"a \\\"b\\\"\"  # config.yaml:1\n"
                                 "      linger.ms: \"5\"  # config.yaml:1\n"));
  const Loaded first = LoadConfigText(text, {});
  EXPECT_EQ(Values(Dump(LoadConfigText(Dump(first), {}))), Values(Dump(first)));
  EXPECT_THAT(Dump(Load("sinks: {a: {type: kafka, brokers: [\"k:1\"]}}")),
              testing::AllOf(testing::HasSubstr("    settings: {}\n"),
                             testing::HasSubstr("    format: json  # default\n")));
}

TEST(Dump, ShowsTheLimitsOfAnArchive) {
  const std::string_view text =
      "sinks: {a: {type: archive, directory: /a, format: lines, retention: {age: 30d, bytes_max: "
      "50GiB}}}";
  EXPECT_THAT(Dump(Load(text)), testing::HasSubstr("    format: lines  # config.yaml:1\n"));
  EXPECT_THAT(Dump(Load(text)), testing::HasSubstr("    retention:\n"
                                                   "      age: 720h  # config.yaml:1\n"
                                                   "      bytes_max: 50GiB  # config.yaml:1\n"));
}

TEST(Dump, LeavesOutWhatIsNotThere) {
  EXPECT_THAT(
      Dump(Load("sources: {}\nsinks: {search: {type: elasticsearch, endpoints: [\"http://a\"]}}")),
      testing::HasSubstr("\nsources: {}\nmetadata:\n"));
}

}  // namespace
}  // namespace hinomi
