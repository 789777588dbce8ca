#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace hinomi {
namespace {

TEST(Load, ReportsSinks) {
  ExpectErrors({
      {"sinks:\n  search:\n    batch_bytes: \"12x\"\n",
       {"config.yaml:2:3: sinks.search.type: missing",
        "config.yaml:3:18: sinks.search.batch_bytes: expected a size such as 1MiB, got \"12x\""}},
      {"sinks: [a]", {"config.yaml:1:8: sinks: expected a map of names, got a list"}},
      {"sinks: {a: }", {"config.yaml:1:9: sinks.a.type: missing"}},
      {"sinks: {a: {type: redis, brokers: x}}",
       {"config.yaml:1:19: sinks.a.type: expected one of elasticsearch, kafka, otlp, archive, "
        "stdout, got \"redis\""}},
      {"sinks: {a: {type: archive, directory: /a, format: text, retention: {age: 3, bytes_max: "
       "1}}}",
       {"config.yaml:1:51: sinks.a.format: expected one of json, lines, got \"text\"",
        "config.yaml:1:74: sinks.a.retention.age: expected a duration such as 200ms, 5s or 24h, "
        "got \"3\""}},
      {"sinks: {a.b: {type: stdout}}",
       {"config.yaml:1:9: sinks: expected a name of 1 to 63 letters, digits, - and _, got "
        "\"a.b\""}},
      {"sinks: {a: {type: stdout}, a: {type: stdout}}",
       {"config.yaml:1:28: sinks.a: repeated; it was first given in line 1"}},
      {"sinks: {a: {type: stdout, index: b}}",
       {"config.yaml:1:27: sinks.a.index: unknown key; the keys here are type, batch_bytes, "
        "linger"}},
  });
}

const std::string kSearch = "sinks:\n  search:\n    type: elasticsearch\n";
const std::string kEndpoint = "    endpoints: [\"http://a\"]\n";

TEST(Load, ReportsElasticsearch) {
  ExpectErrors({
      {kSearch,
       {"config.yaml:2:3: sinks.search.endpoints: expected at least one, such as "
        "[\"http://127.0.0.1:9200\"]"}},
      {kSearch + "    endpoints: []\n",
       {"config.yaml:4:16: sinks.search.endpoints: expected at least one, such as "
        "[\"http://127.0.0.1:9200\"]"}},
      {kSearch + "    endpoints: http://u:hush@a\n",
       {"config.yaml:4:16: sinks.search.endpoints: expected a list, got \"http://***@a\""}},
      {kSearch + "    endpoints: [a, [b], \"http://u:hush@a\", \"http://a/b\"]\n",
       {"config.yaml:4:17: sinks.search.endpoints[0]: expected http(s)://host[:port] without a "
        "path, got \"a\"",
        "config.yaml:4:20: sinks.search.endpoints[1]: expected text, got a list",
        "config.yaml:4:25: sinks.search.endpoints[2]: expected no credentials in \"http://***@a\"; "
        "use username "
        "and password_file",
        "config.yaml:4:44: sinks.search.endpoints[3]: expected http(s)://host[:port] without a "
        "path, got "
        "\"http://a/b\""}},
      {kSearch + kEndpoint + "    index: Logs\n",
       {"config.yaml:5:12: sinks.search.index: expected the name of an index or data stream (1 to "
        "255 bytes, a word in braces counted as 63, lower case, no space or \\/*?\"<>|,#:, not "
        "starting with -, _, + or a word), got \"Logs\""}},
      {kSearch + kEndpoint + "    time_zone: JST\n",
       {"config.yaml:5:16: sinks.search.time_zone: cannot find the time zone \"JST\": expected a "
        "name such as Asia/Tokyo or UTC; is tzdata installed?"}},
      {kSearch + kEndpoint + "    setup: false\n    lifecycle: {delete_after: 1d}\n",
       {"config.yaml:6:31: sinks.search.lifecycle.delete_after: needs setup: true beside it"}},
      {kSearch + kEndpoint + "    username: u\n",
       {"config.yaml:5:15: sinks.search.username: needs a password_file beside it"}},
      {kSearch + kEndpoint + "    password_file: /proc/self/exe\n",
       {"config.yaml:5:20: sinks.search.password_file: needs a username beside it"}},
      {kSearch + kEndpoint +
           "    ca_file: /missing/ca.pem\n    username: u\n    password_file: /\n"
           "    api_key_file: /missing/key\n",
       {"config.yaml:5:14: sinks.search.ca_file: cannot read \"/missing/ca.pem\": No such file or "
        "directory",
        "config.yaml:6:15: sinks.search.username: needs a password_file beside it",
        "config.yaml:7:20: sinks.search.password_file: cannot read \"/\": Is a directory",
        "config.yaml:8:19: sinks.search.api_key_file: cannot read \"/missing/key\": No such file "
        "or directory"}},
      {kSearch + kEndpoint +
           "    username: u\n    password_file: /proc/self/exe\n    api_key_file: /proc/self/exe\n",
       {"config.yaml:7:19: sinks.search.api_key_file: cannot be used together with username; "
        "remove one of them"}},
      {kSearch + kEndpoint + "    api_key_file: /proc/self/exe\n    token_file: /proc/self/exe\n",
       {"config.yaml:6:17: sinks.search.token_file: cannot be used together with username or "
        "api_key_file; remove one of them"}},
      {kSearch + kEndpoint + "    certificate_file: /proc/self/exe\n    level: 4\n",
       {"config.yaml:5:23: sinks.search.certificate_file: certificate_file and key_file need each "
        "other",
        "config.yaml:6:12: sinks.search.level: expected a whole number from 1 to 3, got \"4\""}},
      {kSearch + kEndpoint + "    password: hush\n    setup: yes\n    requests_max: 0\n",
       {"config.yaml:5:5: sinks.search.password: unknown key; did you mean \"password_file\"?",
        "config.yaml:6:12: sinks.search.setup: expected true or false, got \"yes\"",
        "config.yaml:7:19: sinks.search.requests_max: expected a whole number from 1 to 64, got "
        "\"0\""}},
      {"limits: {in_flight_bytes_max: 1MiB}\nsinks: {a: {type: stdout, batch_bytes: 1025KiB}, b: "
       "{type: stdout}}\n"
       "routes: [{sink: a}, {sink: b}]",
       {"config.yaml:2:40: sinks.a.batch_bytes: expected at most limits.in_flight_bytes_max "
        "(1MiB), got 1025KiB",
        "config.yaml:2:50: sinks.b.batch_bytes: expected at most limits.in_flight_bytes_max "
        "(1MiB), got 2MiB"}},
  });
}

TEST(Load, ReportsKafka) {
  const std::string kKafka = "sinks:\n  stream:\n    type: kafka\n    brokers: [\"k:9092\"]\n";
  ExpectErrors({
      {"sinks: {stream: {type: kafka}}",
       {"config.yaml:1:9: sinks.stream.brokers: expected at least one, such as "
        "[\"127.0.0.1:9092\"]"}},
      {kKafka + "    topic: logs-{node}\n",
       {"config.yaml:5:12: sinks.stream.topic: expected {cluster}, {namespace}, {pod} or "
        "{container}, got {node} in \"logs-{node}\""}},
      {kKafka + "    key: host\n",
       {"config.yaml:5:10: sinks.stream.key: expected one of pod, container, namespace, none, got "
        "\"host\""}},
      {kKafka + "    format: lines\n",
       {"config.yaml:5:13: sinks.stream.format: expected one of json, otlp, got \"lines\""}},
      {kKafka + "    headers: {ns: \"{namespace}\", on: \"{host}\"}\n",
       {"config.yaml:5:34: sinks.stream.headers.on: expected {cluster}, {node}, {namespace}, {pod} "
        "or {container}, got {host} in \"{host}\""}},
      {kKafka + "    settings: {acks: 1, linger.ms: 5, linger.ms: 6, batch.size: [1]}\n",
       {"config.yaml:5:16: sinks.stream.settings.acks: cannot be set: another value could lose "
        "records",
        "config.yaml:5:39: sinks.stream.settings.linger.ms: repeated",
        "config.yaml:5:53: sinks.stream.settings.batch.size: expected text, got a list"}},
      {kKafka + "    settings: [a]\n",
       {"config.yaml:5:15: sinks.stream.settings: expected a map of keys and values, got a list"}},
      {kKafka + "    username: u\n",
       {"config.yaml:5:15: sinks.stream.username: needs a password_file beside it"}},
      {kKafka + "    key_file: /proc/self/exe\n",
       {"config.yaml:5:15: sinks.stream.key_file: certificate_file and key_file need each other"}},
      {kKafka + "    batch_bytes: 9MiB\n",
       {"config.yaml:5:18: sinks.stream.batch_bytes: expected at most half of "
        "limits.in_flight_bytes_max (16MiB), got 9MiB"}},
      {kKafka + "    ca_file: /proc/self/exe\n",
       {"config.yaml:5:14: sinks.stream.ca_file: needs tls: true beside it"}},
      {kKafka + "    delivery: exactly_once\n",
       {"config.yaml:5:15: sinks.stream.delivery: exactly_once needs `cluster` set: two clusters "
        "of "
        "one name would stop each other for ever"}},
  });
}

TEST(Load, ReportsEgress) {
  const std::string kSink = "sinks:\n  stream: {type: kafka, brokers: [\"k:1\"], egress: ";
  ExpectErrors({
      {kSink + "{bytes_per_second: 10KiB}, batch_bytes: 64KiB}",
       {"config.yaml:2:70: sinks.stream.egress.bytes_per_second: expected 0 or at least 64KiB"}},
      {kSink + "{source_address: eth0, device: a/b}}",
       {"config.yaml:2:68: sinks.stream.egress.source_address: expected an address such as "
        "10.0.0.5 or fd00::5, got \"eth0\"",
        "config.yaml:2:82: sinks.stream.egress.device: expected the name of a network device such "
        "as eth0, got \"a/b\""}},
      {kSink + "{bytes_per_second: 64KiB}, batch_bytes: 4MiB}",
       {"config.yaml:2:91: sinks.stream.batch_bytes: expected at most what "
        "egress.bytes_per_second lets through in 60 s"}},
      {"egress: {bytes_per_second: 64KiB}\n" + kSink + "{}, batch_bytes: 4MiB}",
       {"config.yaml:3:68: sinks.stream.batch_bytes: expected at most what "
        "egress.bytes_per_second lets through in 60 s"}},
      {"egress: {device: eth0}\n",
       {"config.yaml:1:10: egress.device: unknown key; the keys here are bytes_per_second"}},
      {"sinks: {a: {type: stdout, egress: {bytes_per_second: 1MiB}}}",
       {"config.yaml:1:27: sinks.a.egress: unknown key; the keys here are type, batch_bytes, "
        "linger"}},
  });
  const Loaded loaded = Load("egress: {bytes_per_second: 3MiB}\n" + kSink +
                             "{bytes_per_second: 1MiB, source_address: \"fd00::5\", device: "
                             "eth1}}");
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.front();
  EXPECT_EQ(loaded.config.egress.bytes_per_second, 3u << 20);
  const SinkEgressConfig& egress = loaded.config.sinks.at(0).egress;
  EXPECT_EQ(egress.bytes_per_second, 1u << 20);
  EXPECT_EQ(egress.source_address, "fd00::5");
  EXPECT_EQ(egress.device, "eth1");
}

TEST(Load, ReportsOtlp) {
  const std::string kOtlp = "sinks:\n  otel:\n    type: otlp\n    endpoint: \"c:4317\"\n";
  ExpectErrors({
      {"sinks: {otel: {type: otlp}}", {"config.yaml:1:9: sinks.otel.endpoint: missing"}},
      {"sinks: {otel: {type: otlp, endpoint: \"http://c:4317\"}}",
       {"config.yaml:1:38: sinks.otel.endpoint: expected a collector such as 127.0.0.1:4317, got "
        "\"http://c:4317\""}},
      {kOtlp + "    headers: {Authorization: a}\n",
       {"config.yaml:5:15: sinks.otel.headers.Authorization: expected a name in lower case such as "
        "authorization, not beginning with grpc- nor ending with -bin"}},
      {kOtlp + "    header_files: {authorization: /nonexistent}\n",
       {"config.yaml:5:20: sinks.otel.header_files.authorization: cannot read \"/nonexistent\": No "
        "such file or directory"}},
      {kOtlp + "    headers: {a: b}\n    header_files: {a: /proc/self/exe}\n",
       {"config.yaml:6:20: sinks.otel.header_files.a: is among headers too; remove one of them"}},
  });
}

}  // namespace
}  // namespace hinomi
