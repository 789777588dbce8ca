#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "config/load.h"

namespace hinomi {
namespace {

using testing::HasSubstr;

std::string PageOf(const std::string& name) {
  std::ifstream file(HINOMI_DOCS + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Every text that stands between `begin` and the next `end`.
std::vector<std::string> Between(std::string_view text, std::string_view begin,
                                 std::string_view end) {
  std::vector<std::string> found;
  for (size_t at = text.find(begin); at != text.npos; at = text.find(begin, at)) {
    at += begin.size();
    found.emplace_back(text.substr(at, text.find(end, at) - at));
  }
  return found;
}

TEST(Reference, HasARowForEveryKey) {
  const std::string kRows[] = {
      "| `cluster` | text | `default` | `HINOMI_CLUSTER` | ",
      "| `node` | text | `$NODE_NAME, else the host name` | `HINOMI_NODE` | ",
      "| `state_dir` | text | `/var/lib/hinomi` | `HINOMI_STATE_DIR` | ",
      "| `host_root` | text | `/` | `HINOMI_HOST_ROOT` | ",
      "| `log.level` | debug, info, warn, error | `info` | `HINOMI_LOG_LEVEL` | ",
      "| `log.format` | text, json | `text` | `HINOMI_LOG_FORMAT` | ",
      "| `http.listen` | text | `127.0.0.1:9797` | `HINOMI_HTTP_LISTEN` | ",
      "| `http.token_file` | text | empty | `HINOMI_HTTP_TOKEN_FILE` | ",
      "| `limits.in_flight_bytes_max` | size, 1MiB to 4GiB | `16MiB` | "
      "`HINOMI_LIMITS_IN_FLIGHT_BYTES_MAX` | ",
      "| `limits.record_bytes_max` | size, 1KiB to 4MiB | `256KiB` | "
      "`HINOMI_LIMITS_RECORD_BYTES_MAX` | ",
      "| `limits.open_record_delay_max` | duration, 1ms to 10m | `5s` | ",
      "| `limits.namespaces_max` | 1 to 100000 | `200` | `HINOMI_LIMITS_NAMESPACES_MAX` | ",
      "| `escrow.directory` | text | `/var/log/hinomi/escrow` | `HINOMI_ESCROW_DIRECTORY` | ",
      "| `escrow.bytes_max` | size, 1MiB to 1024GiB | `2GiB` | `HINOMI_ESCROW_BYTES_MAX` | ",
      "| `escrow.free_percent_min` | 0 to 90 | `25` | `HINOMI_ESCROW_FREE_PERCENT_MIN` | ",
      "| `dead_letters.bytes_max` | size, 1MiB to 1024GiB | `64MiB` | "
      "`HINOMI_DEAD_LETTERS_BYTES_MAX` | ",
      "| `egress.bytes_per_second` | size, 0 to 1024GiB | `0` | "
      "`HINOMI_EGRESS_BYTES_PER_SECOND` | ",
      "| `fairness[].namespace` | text | empty |  | ",
      "| `fairness[].pod` | text | empty |  | ",
      "| `fairness[].container` | text | empty |  | ",
      "| `fairness[].per` | namespace, pod, container | `pod` |  | ",
      "| `fairness[].weight` | 1 to 100 | `1` |  | ",
      "| `fairness[].bytes_per_second` | size, 0 to 4GiB | `0` |  | ",
      "| `fairness[].burst_bytes` | size, 0 to 4GiB | `0` |  | ",
      "| `fairness[].exceeded` | delay, drop | `delay` |  | ",
      "| `sources.kubernetes.pods_dir` | text | `/var/log/pods` | "
      "`HINOMI_SOURCES_KUBERNETES_PODS_DIR` | ",
      "| `sources.kubernetes.since` | duration, 0s to 2000000h | `24h` | "
      "`HINOMI_SOURCES_KUBERNETES_SINCE` | ",
      "| `sources.kubernetes.exclude[].namespace` | text | empty |  | ",
      "| `sources.kubernetes.exclude[].pod` | text | empty |  | ",
      "| `sources.kubernetes.exclude[].container` | text | empty |  | ",
      "| `sources.docker.roots` | list of directories | required | `HINOMI_SOURCES_DOCKER_ROOTS` "
      "| ",
      "| `sources.docker.since` | duration, 0s to 2000000h | `24h` | "
      "`HINOMI_SOURCES_DOCKER_SINCE` | ",
      "| `metadata.enabled` | true, false | `true` | `HINOMI_METADATA_ENABLED` | ",
      "| `metadata.cri_socket` | text | empty | `HINOMI_METADATA_CRI_SOCKET` | ",
      "| `metadata.kubelet.url` | text | empty | `HINOMI_METADATA_KUBELET_URL` | ",
      "| `metadata.kubelet.token_file` | text | empty | `HINOMI_METADATA_KUBELET_TOKEN_FILE` | ",
      "| `metadata.kubelet.ca_file` | text | empty | `HINOMI_METADATA_KUBELET_CA_FILE` | ",
      "| `metadata.kubelet.public_key_sha256` | text | empty | "
      "`HINOMI_METADATA_KUBELET_PUBLIC_KEY_SHA256` | ",
      "| `metadata.wait_max` | duration, 0s to 1m | `2s` | `HINOMI_METADATA_WAIT_MAX` | ",
      "| `metadata.labels` | list of patterns | `app, app.kubernetes.io/*, k8s-app, component, "
      "tier, "
      "version` | `HINOMI_METADATA_LABELS` | ",
      "| `metadata.annotations` | list of patterns | empty | `HINOMI_METADATA_ANNOTATIONS` | ",
      "| `metadata.dedot` | true, false | `true` | `HINOMI_METADATA_DEDOT` | ",
      R"(| `metadata.release_pattern` | text | empty | `HINOMI_METADATA_RELEASE_PATTERN` | )",
      "| `metadata.pods_max` | 1 to 100000 | `1000` | `HINOMI_METADATA_PODS_MAX` | ",
      R"(| `metrics.containers` | true, false | `true` | `HINOMI_METRICS_CONTAINERS` | )",
      R"(| `metrics.node` | true, false | `true` | `HINOMI_METRICS_NODE` | )",
      R"(| `metrics.include` | list of regular expressions | empty | `HINOMI_METRICS_INCLUDE` | )",
      R"(| `metrics.exclude` | list of regular expressions | empty | `HINOMI_METRICS_EXCLUDE` | )",
      R"(| `metrics.series_max` | 1000 to 10000000 | `200000` | `HINOMI_METRICS_SERIES_MAX` | )",
      R"(| `metrics.textfile_directory` | text | empty | `HINOMI_METRICS_TEXTFILE_DIRECTORY` | )",
      R"(| `metrics.mount_points_exclude` | text | `^/(dev\|proc\|run/credentials/.+\|sys\|var/lib/docker/.+\|var/lib/containers/storage/.+)($\|/)` | `HINOMI_METRICS_MOUNT_POINTS_EXCLUDE` | )",
      R"(| `metrics.filesystem_types_exclude` | text | `^(autofs\|binfmt_misc\|bpf\|cgroup2?\|configfs\|debugfs\|devpts\|devtmpfs\|fusectl\|hugetlbfs\|iso9660\|mqueue\|nsfs\|overlay\|proc\|procfs\|pstore\|rpc_pipefs\|securityfs\|selinuxfs\|squashfs\|sysfs\|tracefs)$` | `HINOMI_METRICS_FILESYSTEM_TYPES_EXCLUDE` | )",
      R"(| `metrics.filesystem_timeout` | duration, 10ms to 30s | `1s` | `HINOMI_METRICS_FILESYSTEM_TIMEOUT` | )",
      R"(| `metrics.disks_exclude` | text | `^(z?ram\|loop\|fd\|(h\|s\|v\|xv)d[a-z]\|nvme\d+n\d+p)\d+$` | `HINOMI_METRICS_DISKS_EXCLUDE` | )",
      R"(| `metrics.interfaces_exclude` | text | empty | `HINOMI_METRICS_INTERFACES_EXCLUDE` | )",
      "| `metrics.tcp_groups[].name` | text | required |  | ",
      "| `metrics.tcp_groups[].ports` | list of ports and ranges | required |  | ",
      R"(| `metrics.volumes` | true, false | `false` | `HINOMI_METRICS_VOLUMES` | )",
      R"(| `metrics.pod_capacity` | 0 to 100000 | `0` | `HINOMI_METRICS_POD_CAPACITY` | )",
      "| `multiline[].namespace` | text | empty |  | ",
      "| `multiline[].pod` | text | empty |  | ",
      "| `multiline[].container` | text | empty |  | ",
      "| `multiline[].preset` | none, java, python, go | `none` |  | ",
      "| `multiline[].start` | text | empty |  | ",
      "| `multiline[].continue` | text | empty |  | ",
      "| `multiline[].lines_max` | 2 to 10000 | `500` |  | ",
      "| `multiline[].wait` | duration, 10ms to 10m | `1s` |  | ",
      "| `sinks.NAME.type` | elasticsearch, kafka, otlp, archive, stdout | required | "
      "`HINOMI_SINKS_NAME_TYPE` | ",
      "| `sinks.NAME.batch_bytes` | size, 1KiB to 64MiB | `2MiB` | `HINOMI_SINKS_NAME_BATCH_BYTES` "
      "| ",
      "| `sinks.NAME.linger` | duration, 0s to 1m | `200ms` | `HINOMI_SINKS_NAME_LINGER` | ",
      // Of type elasticsearch.
      "| `sinks.NAME.endpoints` | list of URLs | required | `HINOMI_SINKS_NAME_ENDPOINTS` | ",
      "| `sinks.NAME.index` | text | `logs-kubernetes.container_logs-default` | "
      "`HINOMI_SINKS_NAME_INDEX` | ",
      "| `sinks.NAME.time_zone` | text | `UTC` | `HINOMI_SINKS_NAME_TIME_ZONE` | ",
      "| `sinks.NAME.document_id` | stable, none | `stable` | `HINOMI_SINKS_NAME_DOCUMENT_ID` | ",
      "| `sinks.NAME.compression` | auto, none, gzip, zstd | `auto` | "
      "`HINOMI_SINKS_NAME_COMPRESSION` | ",
      "| `sinks.NAME.level` | 1 to 3 | `1` | `HINOMI_SINKS_NAME_LEVEL` | Of gzip and zstd",
      "| `sinks.NAME.setup` | true, false | `true` | `HINOMI_SINKS_NAME_SETUP` | ",
      "| `sinks.NAME.lifecycle.delete_after` | duration, 0s to 87600h | `0s` | "
      "`HINOMI_SINKS_NAME_LIFECYCLE_DELETE_AFTER` | ",
      "| `sinks.NAME.lifecycle.rollover_age` | duration, 1h to 8760h | `24h` | "
      "`HINOMI_SINKS_NAME_LIFECYCLE_ROLLOVER_AGE` | ",
      "| `sinks.NAME.lifecycle.rollover_bytes` | size, 1MiB to 1024GiB | `50GiB` | "
      "`HINOMI_SINKS_NAME_LIFECYCLE_ROLLOVER_BYTES` | ",
      "| `sinks.NAME.username` | text | empty | `HINOMI_SINKS_NAME_USERNAME` | ",
      "| `sinks.NAME.password_file` | text | empty | `HINOMI_SINKS_NAME_PASSWORD_FILE` | ",
      "| `sinks.NAME.api_key_file` | text | empty | `HINOMI_SINKS_NAME_API_KEY_FILE` | ",
      "| `sinks.NAME.token_file` | text | empty | `HINOMI_SINKS_NAME_TOKEN_FILE` | ",
      "| `sinks.NAME.ca_file` | text | empty | `HINOMI_SINKS_NAME_CA_FILE` | ",
      "| `sinks.NAME.certificate_file` | text | empty | `HINOMI_SINKS_NAME_CERTIFICATE_FILE` | ",
      "| `sinks.NAME.key_file` | text | empty | `HINOMI_SINKS_NAME_KEY_FILE` | ",
      "| `sinks.NAME.requests_max` | 1 to 64 | `2` | `HINOMI_SINKS_NAME_REQUESTS_MAX` | ",
      "| `sinks.NAME.timeout` | duration, 10ms to 10m | `30s` | `HINOMI_SINKS_NAME_TIMEOUT` | ",
      "| `sinks.NAME.egress.bytes_per_second` | size, 0 to 1024GiB | `0` | "
      "`HINOMI_SINKS_NAME_EGRESS_BYTES_PER_SECOND` | ",
      "| `sinks.NAME.egress.source_address` | text | empty | "
      "`HINOMI_SINKS_NAME_EGRESS_SOURCE_ADDRESS` | ",
      "| `sinks.NAME.egress.device` | text | empty | `HINOMI_SINKS_NAME_EGRESS_DEVICE` | ",
      // Of type kafka; what has the name of a key above differs in its help alone.
      "| `sinks.NAME.brokers` | list of host:port | required | `HINOMI_SINKS_NAME_BROKERS` | ",
      "| `sinks.NAME.topic` | text | `logs` | `HINOMI_SINKS_NAME_TOPIC` | ",
      "| `sinks.NAME.format` | json, otlp | `json` | `HINOMI_SINKS_NAME_FORMAT` | What a message",
      "| `sinks.NAME.delivery` | at_least_once, exactly_once | `at_least_once` | "
      "`HINOMI_SINKS_NAME_DELIVERY` | ",
      "| `sinks.NAME.cursor_topic` | text | `hinomi-cursors` | `HINOMI_SINKS_NAME_CURSOR_TOPIC` | ",
      "| `sinks.NAME.key` | pod, container, namespace, none | `pod` | `HINOMI_SINKS_NAME_KEY` | ",
      "| `sinks.NAME.headers` | map of texts | empty |  | ",
      "| `sinks.NAME.compression` | none, gzip, snappy, lz4, zstd | `zstd` | "
      "`HINOMI_SINKS_NAME_COMPRESSION` | ",
      "| `sinks.NAME.username` | text | empty | `HINOMI_SINKS_NAME_USERNAME` | For SASL",
      "| `sinks.NAME.password_file` | text | empty | `HINOMI_SINKS_NAME_PASSWORD_FILE` | ",
      "| `sinks.NAME.sasl` | plain, scram-sha-256, scram-sha-512 | `scram-sha-512` | ",
      "| `sinks.NAME.tls` | true, false | `false` | `HINOMI_SINKS_NAME_TLS` | ",
      "| `sinks.NAME.ca_file` | text | empty | `HINOMI_SINKS_NAME_CA_FILE` | ",
      "| `sinks.NAME.certificate_file` | text | empty | `HINOMI_SINKS_NAME_CERTIFICATE_FILE` | ",
      "| `sinks.NAME.key_file` | text | empty | `HINOMI_SINKS_NAME_KEY_FILE` | ",
      "| `sinks.NAME.timeout` | duration, 10ms to 10m | `30s` | `HINOMI_SINKS_NAME_TIMEOUT` | How",
      "| `sinks.NAME.settings` | map of texts | empty |  | ",
      "| `sinks.NAME.egress.bytes_per_second` | size, 0 to 1024GiB | `0` | "
      "`HINOMI_SINKS_NAME_EGRESS_BYTES_PER_SECOND` | ",
      "| `sinks.NAME.egress.source_address` | text | empty | "
      "`HINOMI_SINKS_NAME_EGRESS_SOURCE_ADDRESS` | ",
      "| `sinks.NAME.egress.device` | text | empty | `HINOMI_SINKS_NAME_EGRESS_DEVICE` | ",
      // Of type otlp.
      "| `sinks.NAME.endpoint` | text | required | `HINOMI_SINKS_NAME_ENDPOINT` | ",
      "| `sinks.NAME.compression` | none, gzip | `gzip` | `HINOMI_SINKS_NAME_COMPRESSION` | Of req",
      "| `sinks.NAME.tls` | true, false | `false` | `HINOMI_SINKS_NAME_TLS` | Encrypt the ",
      "| `sinks.NAME.ca_file` | text | empty | `HINOMI_SINKS_NAME_CA_FILE` | ",
      "| `sinks.NAME.certificate_file` | text | empty | `HINOMI_SINKS_NAME_CERTIFICATE_FILE` | ",
      "| `sinks.NAME.key_file` | text | empty | `HINOMI_SINKS_NAME_KEY_FILE` | ",
      "| `sinks.NAME.headers` | map of texts | empty |  | ",
      "| `sinks.NAME.header_files` | map of texts | empty |  | ",
      "| `sinks.NAME.requests_max` | 1 to 64 | `2` | `HINOMI_SINKS_NAME_REQUESTS_MAX` | Concurrent",
      "| `sinks.NAME.timeout` | duration, 10ms to 10m | `30s` | `HINOMI_SINKS_NAME_TIMEOUT` | Of "
      "one",
      "| `sinks.NAME.egress.bytes_per_second` | size, 0 to 1024GiB | `0` | "
      "`HINOMI_SINKS_NAME_EGRESS_BYTES_PER_SECOND` | ",
      "| `sinks.NAME.egress.source_address` | text | empty | "
      "`HINOMI_SINKS_NAME_EGRESS_SOURCE_ADDRESS` | ",
      "| `sinks.NAME.egress.device` | text | empty | `HINOMI_SINKS_NAME_EGRESS_DEVICE` | ",
      // Of type archive.
      "| `sinks.NAME.directory` | text | required | `HINOMI_SINKS_NAME_DIRECTORY` | ",
      "| `sinks.NAME.format` | json, lines | `json` | `HINOMI_SINKS_NAME_FORMAT` | ",
      "| `sinks.NAME.sync_every` | duration, 10ms to 1m | `5s` | `HINOMI_SINKS_NAME_SYNC_EVERY` | ",
      "| `sinks.NAME.level` | 1 to 19 | `1` | `HINOMI_SINKS_NAME_LEVEL` | ",
      "| `sinks.NAME.retention.age` | duration, 0s to 2000000h | `0s` | "
      "`HINOMI_SINKS_NAME_RETENTION_AGE` | ",
      "| `sinks.NAME.retention.bytes_max` | size, 0 to 1048576GiB | `0` | "
      "`HINOMI_SINKS_NAME_RETENTION_BYTES_MAX` | ",
      "| `routes[].name` | text | empty |  | ",
      "| `routes[].sink` | text | required |  | ",
      "| `routes[].stop` | true, false | `false` |  | ",
      "| `routes[].start` | beginning, now | `beginning` |  | ",
      "| `routes[].events` | include, exclude, only | `include` |  | ",
      "| `routes[].level` | any, trace, debug, info, warn, error, fatal | `any` |  | ",
      "| `routes[].priority` | normal, high | `normal` |  | ",
      "| `routes[].match.namespace` | text | empty |  | ",
      "| `routes[].match.pod` | text | empty |  | ",
      "| `routes[].match.container` | text | empty |  | ",
      "| `routes[].match.labels` | map of texts | empty |  | ",
  };
  const std::string manual = Reference();
  for (const std::string& row : kRows) EXPECT_THAT(manual, HasSubstr("\n" + row));
  // And no other.
  EXPECT_EQ(Between(manual, "\n| `", "`").size(), std::size(kRows));
}

TEST(Reference, NamesOnlyVariablesThatWork) {
  const std::string manual = Reference();
  // A variable works if some type of sink takes it.
  std::map<std::string, int> refusals;
  const std::string kTypes[] = {"elasticsearch", "kafka", "otlp", "archive", "stdout"};
  for (const std::string& type : kTypes) {
    LoadOptions options;
    for (const std::string& name : Between(manual, "`HINOMI_", "`")) {
      options.environment["HINOMI_" + name] = "\x01";
    }
    options.environment["HINOMI_SINKS_NAME_TYPE"] = type;
    ASSERT_GT(options.environment.size(), 20u);
    for (const std::string& warning :
         LoadConfigText("sinks: {name: {type: stdout}}", options).warnings) {
      ++refusals[warning.substr(0, warning.find(": matches"))];
    }
  }
  ASSERT_GT(refusals.size(), 5u);
  for (const auto& [warning, times] : refusals) {
    EXPECT_LT(times, int(std::size(kTypes))) << warning;
  }
}

TEST(Reference, IsTheOneInDocs) {
  EXPECT_TRUE(PageOf("configuration.md") == Reference()) << "run script/reference";
}

TEST(Reference, IsInThePageOfEachSink) {
  std::string types = Between(Reference(), "| `sinks.NAME.type` | ", " | ").at(0) + ", ";
  for (size_t comma = 0; (comma = types.find(", ")) != types.npos; types.erase(0, comma + 2)) {
    const std::string type = types.substr(0, comma);
    const std::vector<std::string> options =
        Between(PageOf("sinks/" + type + ".md"),
                "\n<!-- options: script/reference writes them -->\n", "<!-- end of options -->\n");
    EXPECT_THAT(options, testing::ElementsAre(SinkReference(type))) << "run script/reference";
  }
}

TEST(Reference, OfASinkHasItsOwnOptionsAlone) {
  const std::string archive = SinkReference("archive");
  EXPECT_THAT(archive, HasSubstr("| `sinks.NAME.batch_bytes` | size"));
  EXPECT_THAT(archive, HasSubstr("| `sinks.NAME.sync_every` | duration"));
  EXPECT_THAT(archive, testing::Not(HasSubstr("| `sinks.NAME.linger` |")));
  EXPECT_THAT(archive, testing::Not(HasSubstr("| `sinks.NAME.brokers` |")));
  EXPECT_EQ(Between(archive, "\n|---|", "\n").size(), 1u) << "one table";
  EXPECT_EQ(SinkReference("pigeons"), "");
}

TEST(Reference, ItsExampleLoads) {
  const std::string manual = Reference();
  const std::vector<std::string> examples = Between(manual, "```yaml\n", "```");
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_THAT(LoadConfigText(examples[0], {}).errors, testing::IsEmpty());
}

}  // namespace
}  // namespace hinomi
