// All configuration of the agent: one struct per component with its defaults. `Describe` in
// describe.cc names every key once and so loads, validates and documents it (config/fields.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/logging.h"

namespace hinomi {

using Nanoseconds = std::chrono::nanoseconds;

struct LogConfig {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
};

struct HttpConfig {
  std::string listen = "127.0.0.1:9797";
  std::string token_file;  // for the page and the API; empty: both only for this machine
};

struct LimitsConfig {
  uint64_t in_flight_bytes_max = 16 << 20;  // encoded bytes of all batches together
  uint64_t record_bytes_max = 256 << 10;    // a longer record is cut there and marked
  Nanoseconds open_record_delay_max = std::chrono::seconds(5);
  uint64_t namespaces_max = 200;  // in the agent's own metrics; more go to _overflow
};

/// Hard links to the files of logs that are not settled.
struct EscrowConfig {
  std::string directory = "/var/log/hinomi/escrow";  // below host_root; empty: none
  uint64_t bytes_max = 2ull << 30;                   // of removed files
  uint64_t free_percent_min = 25;  // of the file system; kubelets evict pods at 15
};

/// Records that a sink refused for good; below state_dir.
struct DeadLettersConfig {
  uint64_t bytes_max = 64 << 20;
};

/// Patterns with * and ?; an empty one matches everything.
struct LogMatch {
  std::string namespace_pattern;
  std::string pod_pattern;
  std::string container_pattern;
  /// Of the pod, by key; all must be there and match. For routes only.
  std::map<std::string, std::string> label_patterns = {};

  bool operator==(const LogMatch&) const = default;
};

enum class MultilinePreset { kNone, kJava, kPython, kGo };

/// How lines of the logs that match become one record. Either a preset, or one of both patterns.
struct MultilineConfig {
  LogMatch match;
  MultilinePreset preset = MultilinePreset::kNone;
  std::string start;      // a line that matches begins a record, every other continues it
  std::string continues;  // a line that matches continues a record, every other begins one
  uint64_t lines_max = 500;
  Nanoseconds wait = std::chrono::seconds(1);
};

struct KubernetesSourceConfig {
  std::string pods_dir = "/var/log/pods";
  Nanoseconds since = std::chrono::hours(24);
  std::vector<LogMatch> exclude;
};

struct DockerSourceConfig {
  std::vector<std::string> roots;  // docker's data directories, below host_root
  Nanoseconds since = std::chrono::hours(24);
};

struct KubeletConfig {
  std::string url;                // empty: not asked
  std::string token_file;         // a bearer's, read at every request
  std::string ca_file;            // PEM; empty: the system's
  std::string public_key_sha256;  // base64
};

struct MetadataConfig {
  bool enabled = true;
  std::string cri_socket;  // below host_root; empty: the known ones are tried
  KubeletConfig kubelet;
  Nanoseconds wait_max = std::chrono::seconds(2);
  // In documents; routes and the agent's own annotations need no permission.
  std::vector<std::string> labels = {
      "app", "app.kubernetes.io/*", "k8s-app", "component", "tier", "version"};
  std::vector<std::string> annotations;
  bool dedot = true;
  std::string release_pattern;  // of an image's tag, with the groups branch and commit
  uint64_t pods_max = 1000;
};

/// Remote ports of TCP connections that are one service.
struct TcpGroupConfig {
  std::string name;
  std::vector<std::string> ports;  // each one port or a range: "3306", "6379-6380"
};

/// What Prometheus reads beside the agent's own metrics.
struct MetricsConfig {
  bool containers = true;
  bool node = true;
  // Regular expressions of whole names of metrics and groups.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  uint64_t series_max = 200'000;   // of one answer
  std::string textfile_directory;  // below host_root; empty: none
  // Of the node; node_exporter's defaults.
  std::string mount_points_exclude =
      "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
  std::string filesystem_types_exclude =
      "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660"
      "|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs"
      "|tracefs)$";
  Nanoseconds filesystem_timeout = std::chrono::seconds(1);
  std::string disks_exclude = "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$";
  std::string interfaces_exclude;
  std::vector<TcpGroupConfig> tcp_groups;  // the first that has a port holds for it
  bool volumes = false;                    // what the kubelet says of them
  uint64_t pod_capacity = 0;               // 0: as the kubelet is told
};

enum class SinkType { kElasticsearch, kKafka, kOtlp, kArchive, kStdout };
enum class Compression { kAuto, kNone, kGzip, kZstd };
enum class DocumentIds { kStable, kNone };

/// How long a server keeps the documents of an index, by a policy of its own.
struct LifecycleConfig {
  Nanoseconds delete_after{0};  // 0: no policy
  // Of a data stream: when its next index begins.
  Nanoseconds rollover_age = std::chrono::hours(24);
  uint64_t rollover_bytes = 50ull << 30;

  bool operator==(const LifecycleConfig&) const = default;
};

struct ElasticsearchConfig {
  std::vector<std::string> endpoints;
  std::string index = "logs-kubernetes.container_logs-default";  // may have words (name_parts.h)
  std::string time_zone = "UTC";                                 // of {year}, {month} and {day}
  DocumentIds document_id = DocumentIds::kStable;
  Compression compression = Compression::kAuto;
  uint64_t level = 1;  // of gzip and zstd
  bool setup = true;
  LifecycleConfig lifecycle;
  std::string username;
  std::string password_file;     // secrets are read from files, at every attempt
  std::string api_key_file;      // the base64 form that Elasticsearch calls "encoded"
  std::string token_file;        // a bearer's
  std::string ca_file;           // PEM; empty: the system's
  std::string certificate_file;  // PEM, of a client certificate
  std::string key_file;          // its key
  uint64_t requests_max = 2;     // concurrent requests
  Nanoseconds timeout = std::chrono::seconds(30);

  bool operator==(const ElasticsearchConfig&) const = default;
};

enum class KafkaCompression { kNone, kGzip, kSnappy, kLz4, kZstd };
enum class KafkaDelivery { kAtLeastOnce, kExactlyOnce };
/// What a message is: one document, or many log records of one container.
enum class KafkaFormat { kJson, kOtlp };
/// What records have in common that go to one partition, and so keep their order.
enum class KafkaKey { kPod, kContainer, kNamespace, kNone };
enum class SaslMechanism { kPlain, kScramSha256, kScramSha512 };

struct KafkaConfig {
  std::vector<std::string> brokers;  // host:port
  std::string topic = "logs";        // {cluster}, {namespace}, {pod} and {container} are filled in
  KafkaFormat format = KafkaFormat::kJson;
  KafkaDelivery delivery = KafkaDelivery::kAtLeastOnce;
  std::string cursor_topic = "hinomi-cursors";  // with exactly_once
  KafkaKey key = KafkaKey::kPod;
  std::map<std::string, std::string> headers;  // as in topic; {node} too
  KafkaCompression compression = KafkaCompression::kZstd;
  std::string username;
  std::string password_file;
  SaslMechanism sasl = SaslMechanism::kScramSha512;  // with a username
  bool tls = false;
  std::string ca_file;           // PEM; empty: the system's
  std::string certificate_file;  // PEM, of a client certificate
  std::string key_file;          // its key
  Nanoseconds timeout = std::chrono::seconds(30);
  std::map<std::string, std::string> settings;  // librdkafka's own, as they are

  bool operator==(const KafkaConfig&) const = default;
};

struct OtlpConfig {
  std::string endpoint;  // host:port, of gRPC
  Compression compression = Compression::kGzip;
  bool tls = false;
  std::string ca_file;                              // PEM; empty: the system's
  std::string certificate_file;                     // PEM, of a client certificate
  std::string key_file;                             // its key
  std::map<std::string, std::string> headers;       // of every request
  std::map<std::string, std::string> header_files;  // the same, with values that are secrets
  uint64_t requests_max = 2;                        // concurrent requests
  Nanoseconds timeout = std::chrono::seconds(30);

  bool operator==(const OtlpConfig&) const = default;
};

/// What a line of an archive is.
enum class ArchiveFormat { kJson, kLines };

/// Which finished files of an archive are removed; without limits none.
struct RetentionConfig {
  Nanoseconds age{0};      // since the end of a file's hour; 0: no limit
  uint64_t bytes_max = 0;  // of all files together; 0: no limit

  bool operator==(const RetentionConfig&) const = default;
};

struct ArchiveConfig {
  std::string directory;
  ArchiveFormat format = ArchiveFormat::kJson;
  Nanoseconds sync_every = std::chrono::seconds(5);
  uint64_t level = 1;  // zstd; 3 takes twice the CPU for next to nothing
  RetentionConfig retention;

  bool operator==(const ArchiveConfig&) const = default;
};

/// What all sinks together may send.
struct EgressConfig {
  uint64_t bytes_per_second = 0;  // on the wire; 0: no limit

  bool operator==(const EgressConfig&) const = default;
};

/// How one sink sends to other machines.
struct SinkEgressConfig {
  uint64_t bytes_per_second = 0;  // on the wire; 0: no limit
  std::string source_address;     // of this machine; empty: as its routes say
  std::string device;             // the same

  bool operator==(const SinkEgressConfig&) const = default;
};

struct SinkConfig {
  std::string name;
  SinkType type = SinkType::kStdout;
  uint64_t batch_bytes = 2 << 20;  // encoded, before compression
  Nanoseconds linger = std::chrono::milliseconds(200);
  // The one of its type counts.
  ElasticsearchConfig elasticsearch;
  KafkaConfig kafka;
  OtlpConfig otlp;
  ArchiveConfig archive;
  SinkEgressConfig egress;  // of those that send

  /// Longest wait of a record for its batch. An archive's is the time between two syncs.
  Nanoseconds LingerInEffect() const {
    return type == SinkType::kArchive ? archive.sync_every : linger;
  }

  bool operator==(const SinkConfig&) const = default;
};

enum class StartAt { kBeginning, kNow };
/// Whether what the agent itself notices of a route's logs takes the route too.
enum class TakeEvents { kInclude, kExclude, kOnly };
/// The least that a record must say of itself to take a route.
enum class RecordLevel { kAny, kTrace, kDebug, kInfo, kWarn, kError, kFatal };
enum class Priority { kNormal, kHigh };

struct RouteConfig {
  std::string name;
  LogMatch match;
  std::string sink;
  bool stop = false;
  StartAt start = StartAt::kBeginning;
  TakeEvents events = TakeEvents::kInclude;
  RecordLevel level = RecordLevel::kAny;
  Priority priority = Priority::kNormal;

  bool operator==(const RouteConfig&) const = default;
};

/// Whom a rule of fairness is about: all of each namespace together, of each pod, or each
/// container.
enum class Per { kNamespace, kPod, kContainer };
enum class Exceeded { kDelay, kDrop };

struct ShareConfig {
  LogMatch match;
  Per per = Per::kPod;
  uint64_t weight = 1;
  uint64_t bytes_per_second = 0;  // of log files; 0: no limit
  uint64_t burst_bytes = 0;       // 0: those of a second
  Exceeded exceeded = Exceeded::kDelay;

  uint64_t BurstInEffect() const { return burst_bytes == 0 ? bytes_per_second : burst_bytes; }

  bool operator==(const ShareConfig&) const = default;
};

struct Config {
  std::string cluster = "default";
  std::string node;  // filled in by the loader: $NODE_NAME, else the host name
  std::string state_dir = "/var/lib/hinomi";
  std::string host_root = "/";
  LogConfig log;
  HttpConfig http;
  LimitsConfig limits;
  EscrowConfig escrow;
  DeadLettersConfig dead_letters;
  EgressConfig egress;
  std::vector<ShareConfig> fairness;  // in the order of the file
  bool kubernetes_enabled = true;
  KubernetesSourceConfig kubernetes;
  bool docker_enabled = false;
  DockerSourceConfig docker;
  MetadataConfig metadata;
  MetricsConfig metrics;
  std::vector<MultilineConfig> multiline;  // the first that matches a log holds for it
  std::vector<SinkConfig> sinks;           // in the order of the file
  /// In the order of the file; what takes one with `stop` takes no later one.
  std::vector<RouteConfig> routes;

  /// The escrow as the process sees it; empty when there is none.
  std::string EscrowPath() const {
    if (escrow.directory.empty()) return "";
    return (host_root == "/" ? "" : host_root) + escrow.directory;
  }
};

}  // namespace hinomi
