#include "config/describe.h"

#include <fmt/core.h>

#include "config/kafka_settings.h"

namespace hinomi {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint64_t kKiB = 1 << 10;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

const Choices<log::Level> kLevels = {{"debug", log::Level::kDebug},
                                     {"info", log::Level::kInfo},
                                     {"warn", log::Level::kWarn},
                                     {"error", log::Level::kError}};
const Choices<log::Format> kFormats = {{"text", log::Format::kText}, {"json", log::Format::kJson}};
const Choices<Per> kPers = {
    {"namespace", Per::kNamespace}, {"pod", Per::kPod}, {"container", Per::kContainer}};
const Choices<Exceeded> kExceeded = {{"delay", Exceeded::kDelay}, {"drop", Exceeded::kDrop}};
const Choices<MultilinePreset> kPresets = {{"none", MultilinePreset::kNone},
                                           {"java", MultilinePreset::kJava},
                                           {"python", MultilinePreset::kPython},
                                           {"go", MultilinePreset::kGo}};
const Choices<TakeEvents> kTakeEvents = {{"include", TakeEvents::kInclude},
                                         {"exclude", TakeEvents::kExclude},
                                         {"only", TakeEvents::kOnly}};
const Choices<RecordLevel> kRecordLevels = {
    {"any", RecordLevel::kAny},    {"trace", RecordLevel::kTrace}, {"debug", RecordLevel::kDebug},
    {"info", RecordLevel::kInfo},  {"warn", RecordLevel::kWarn},   {"error", RecordLevel::kError},
    {"fatal", RecordLevel::kFatal}};
const Choices<Priority> kPriorities = {{"normal", Priority::kNormal}, {"high", Priority::kHigh}};
const Choices<StartAt> kStarts = {{"beginning", StartAt::kBeginning}, {"now", StartAt::kNow}};

void DescribeSince(Fields& fields, Nanoseconds* since) {
  fields.Time("since", since,
              "Files last written longer ago than this when first seen are not read.",
              {seconds(0), hours(2'000'000)});
}

}  // namespace

void Describe(Fields& fields, LogConfig* config) {
  fields.Choice("level", &config->level,
                "What the agent itself logs: warn, nothing is lost; error, data was lost or "
                "somebody must act.",
                kLevels);
  fields.Choice("format", &config->format, "One line of text or one JSON object an event.",
                kFormats);
}

void Describe(Fields& fields, HttpConfig* config) {
  fields.Text("listen", &config->listen,
              "Address of the page, its API, /metrics, /healthz and /readyz: host:port, :port or "
              "[IPv6]:port; port 0 takes a free one.",
              CheckListen);
  fields.Text("token_file", &config->token_file,
              "File that holds the token which opens the page and /api, as a bearer's or as the "
              "password of any user; read at every request. Without it they answer this machine "
              "only.",
              CheckReadableFile);
}

void Describe(Fields& fields, LimitsConfig* config) {
  fields.Size("in_flight_bytes_max", &config->in_flight_bytes_max,
              "Encoded bytes of all batches together; beyond it nothing more is read.",
              {kMiB, 4 * kGiB});
  fields.Size("record_bytes_max", &config->record_bytes_max,
              "A longer record is cut there and marked.", {kKiB, 4 * kMiB});
  fields.Time("open_record_delay_max", &config->open_record_delay_max,
              "How long an unfinished record waits for its rest.", {milliseconds(1), minutes(10)});
  fields.Number("namespaces_max", &config->namespaces_max,
                "Namespaces in the agent's own metrics; more are summed up as _overflow.",
                {1, 100'000});
}

void Describe(Fields& fields, EscrowConfig* config) {
  fields.Text(
      "directory", &config->directory,
      "Where files of logs that are not settled get one more name, so that neither rotation "
      "nor a restart loses them; below host_root, on the same mount as the logs, never below "
      "pods_dir. Empty: they are held by their descriptors alone, until a restart.");
  fields.Size("bytes_max", &config->bytes_max,
              "Disk that removed files may take up; beyond it the oldest are given up and counted "
              "as lost.",
              {kMiB, 1024 * kGiB});
  fields.Number("free_percent_min", &config->free_percent_min,
                "Share of the file system that is kept free in the same way.", {0, 90});
}

void Describe(Fields& fields, DeadLettersConfig* config) {
  fields.Size("bytes_max", &config->bytes_max,
              "Disk that they may take up in state_dir; beyond it the oldest are discarded and "
              "counted.",
              {kMiB, 1024 * kGiB});
}

void Describe(Fields& fields, LogMatch* match) {
  constexpr std::string_view kHelp = "Pattern with * and ?; empty matches every one.";
  fields.Text("namespace", &match->namespace_pattern, kHelp);
  fields.Text("pod", &match->pod_pattern, kHelp);
  fields.Text("container", &match->container_pattern, kHelp);
}

void Describe(Fields& fields, ShareConfig* config) {
  Describe(fields, &config->match);
  fields.Choice("per", &config->per,
                "Whom the rule is about: all of a namespace together, of a pod, or a container.",
                kPers);
  fields.Require(config->per != Per::kNamespace || config->match.pod_pattern.empty(), "pod",
                 "cannot be told apart per namespace; remove it, or say per: pod");
  fields.Require(config->per == Per::kContainer || config->match.container_pattern.empty(),
                 "container", "needs per: container beside it");
  fields.Number("weight", &config->weight,
                "How much more than others of weight 1 is read of it while all have unread lines.",
                {1, 100});
  fields.Size("bytes_per_second", &config->bytes_per_second,
              "How much is read of its logs, for each route; 0: as much as can be.", {0, 4 * kGiB});
  fields.Size("burst_bytes", &config->burst_bytes,
              "How much at once after a quiet time; 0: as much as in a second.", {0, 4 * kGiB});
  fields.Choice("exceeded", &config->exceeded,
                "What happens to lines beyond bytes_per_second: delay, they wait in their files; "
                "drop, they are counted and not sent.",
                kExceeded);
}

void Describe(Fields& fields, MultilineConfig* config) {
  Describe(fields, &config->match);
  fields.Choice("preset", &config->preset,
                "Stack traces of this language become one record, other lines one each.", kPresets);
  fields.Text("start", &config->start,
              "Regular expression (RE2): a line that it matches begins a record, every other "
              "continues it. It sees the line's first 1KiB, as all of these do.",
              CheckPattern);
  fields.Text("continue", &config->continues,
              "Regular expression (RE2): a line that it matches continues a record, every other "
              "begins one.",
              CheckPattern);
  const int given = (config->preset != MultilinePreset::kNone) + !config->start.empty() +
                    !config->continues.empty();
  fields.Require(given > 0, "start", "expected start, continue or a preset");
  fields.Require(given < 2, "preset", "expected only one of preset, start and continue");
  fields.Number("lines_max", &config->lines_max,
                "A record of more lines is cut there and marked; what follows begins a new one.",
                {2, 10'000});
  fields.Time("wait", &config->wait,
              "How long a record waits for its next line; for these logs also in place of "
              "limits.open_record_delay_max.",
              {milliseconds(10), minutes(10)});
}

void Describe(Fields& fields, KubernetesSourceConfig* config) {
  fields.Text("pods_dir", &config->pods_dir,
              "Where the kubelet keeps container logs, below host_root.", CheckNotEmpty);
  DescribeSince(fields, &config->since);
  fields.List("exclude", &config->exclude, "Logs that are not read at all.");
}

void Describe(Fields& fields, DockerSourceConfig* config) {
  fields.TextList("roots", &config->roots,
                  "Data directories of docker, below host_root, such as /var/lib/docker.",
                  {"list of directories", CheckNotEmpty});
  DescribeSince(fields, &config->since);
}

void Describe(Fields& fields, KubeletConfig* config) {
  fields.Text("url", &config->url,
              "Its address, such as https://127.0.0.1:10250; empty: it is not asked.",
              CheckOptionalEndpoint);
  fields.Text("token_file", &config->token_file,
              "File that holds a token whose owner may get nodes/pods; read at every request.",
              CheckReadableFile);
  fields.Text("ca_file", &config->ca_file,
              "PEM file of the authorities to trust; empty: those of the system.",
              CheckReadableFile);
  fields.Text("public_key_sha256", &config->public_key_sha256,
              "The one public key that the kubelet may have: base64 of the SHA-256 of its DER "
              "form. Without a ca_file beside it, it replaces the authorities.",
              CheckKeyHash);
}

void Describe(Fields& fields, MetadataConfig* config) {
  fields.Flag("enabled", &config->enabled,
              "Ask the container runtime, and the kubelet where it has a url, about pods.");
  fields.Text("cri_socket", &config->cri_socket,
              "The container runtime's socket, below host_root; empty: those of containerd, CRI-O, "
              "cri-dockerd and k3s are tried.");
  fields.Section("kubelet",
                 "This node's kubelet: it knows owners, and labels that change. Never asked unless "
                 "it has a url.",
                 [&] { Describe(fields, &config->kubelet); });
  fields.Time("wait_max", &config->wait_max,
              "How long the first records of a log may wait for what is known of its pod.",
              {seconds(0), minutes(1)});
  constexpr std::string_view kPatterns = "list of patterns";
  fields.TextList("labels", &config->labels,
                  "Keys of labels that documents show; patterns with * and ?.",
                  {kPatterns, CheckNotEmpty, true});
  fields.TextList("annotations", &config->annotations,
                  "Keys of annotations that documents show; patterns with * and ?.",
                  {kPatterns, CheckNotEmpty, true});
  fields.Flag("dedot", &config->dedot,
              "Write the dots in those keys as _, so that app and app.kubernetes.io/name can be "
              "fields of one index; false needs an index whose mapping keeps them whole.");
  fields.Text(
      "release_pattern", &config->release_pattern,
      "Regular expression (RE2) that tells from the tag of an image which release it is, by "
      "groups called branch and commit, such as "
      "^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$; empty: tags tell nothing.",
      CheckReleasePattern);
  fields.Number("pods_max", &config->pods_max,
                "Pods whose metadata is kept; those beyond have none.", {1, 100'000});
}

void Describe(Fields& fields, TcpGroupConfig* config) {
  fields.Text("name", &config->name, "Value of the label remote_group.", CheckName);
  fields.Required("name");
  fields.TextList("ports", &config->ports, "Remote ports, such as 3306 or 6379-6380.",
                  {"list of ports and ranges", CheckPorts});
  fields.Require(!config->ports.empty(), "ports",
                 "expected at least one, such as [3306, 6379-6380]");
}

void Describe(Fields& fields, MetricsConfig* config) {
  fields.Flag("containers", &config->containers,
              "Serve /metrics/cadvisor and /metrics/resource, as the kubelet does.");
  fields.Flag("node", &config->node, "Serve /metrics/node, as node_exporter does.");
  constexpr std::string_view kNames = "list of regular expressions";
  fields.TextList("include", &config->include,
                  "Names of metrics or groups (docs/metrics.md) that are served beside those of "
                  "the default set; each expression (RE2) has to match a whole name.",
                  {kNames, CheckPattern, true});
  fields.TextList("exclude", &config->exclude,
                  "Such names that are not served; they win over include.",
                  {kNames, CheckPattern, true});
  fields.Number("series_max", &config->series_max,
                "Series of one answer; those beyond are left out and counted.",
                {1'000, 10'000'000});
  fields.Text("textfile_directory", &config->textfile_directory,
              "Directory below host_root whose *.prom files /metrics/node adds; empty: none.");
  fields.Text("mount_points_exclude", &config->mount_points_exclude,
              "Regular expression (RE2) of mount points without node_filesystem_*.", CheckPattern);
  fields.Text("filesystem_types_exclude", &config->filesystem_types_exclude,
              "The same of types of file systems.", CheckPattern);
  fields.Time("filesystem_timeout", &config->filesystem_timeout,
              "How long a scrape waits for a file system that hangs; it is then said to be broken.",
              {milliseconds(10), seconds(30)});
  fields.Text("disks_exclude", &config->disks_exclude,
              "Regular expression (RE2) of devices without node_disk_*.", CheckPattern);
  fields.Text("interfaces_exclude", &config->interfaces_exclude,
              "Regular expression (RE2) of interfaces without node_network_*; empty: none.",
              CheckPattern);
  fields.List("tcp_groups", &config->tcp_groups,
              "Names of services behind remote ports, for hinomi_tcp_connections; the first that "
              "has a port holds for it.");
  fields.Flag(
      "volumes", &config->volumes,
      "Serve /metrics/volumes: how full the volumes of pods are, as the kubelet says. Needs "
      "metadata.kubelet.url, and the right to get nodes/stats.");
  fields.Number("pod_capacity", &config->pod_capacity,
                "Pods that the node may have, for hinomi_node_pod_capacity; 0: as the command line "
                "of its kubelet or the file that it names says.",
                {0, 100'000});
}

void Describe(Fields& fields, RouteConfig* config) {
  fields.Text("name", &config->name,
              "Key of the route's cursors. May be left out where a sink has one route: it is then "
              "the sink's name.",
              CheckName);
  fields.Text("sink", &config->sink, "Name of the sink that the logs go to.", CheckName);
  fields.Required("sink");
  fields.Flag("stop", &config->stop,
              "Logs that take this route take no later one; with a level, the records that do.");
  fields.Choice("start", &config->start,
                "Where a route reads a log that it has no cursor for: from its beginning or from "
                "now on.",
                kStarts);
  fields.Choice("events", &config->events,
                "Whether what the agent itself notices of these logs (docs/events.md) takes the "
                "route too, not at all, or alone.",
                kTakeEvents);
  fields.Choice("level", &config->level,
                "Only records whose JSON body says that they are at least that grave; one that "
                "does not say is below them all.",
                kRecordLevels);
  fields.Choice("priority", &config->priority,
                "What a sink sends next: a batch of a route with high priority before any other.",
                kPriorities);
  fields.Section("match", "The logs that take this route; all patterns must match.", [&] {
    Describe(fields, &config->match);
    fields.TextMap("labels", &config->match.label_patterns,
                   "Patterns of the pod's labels, by key; a log whose pod is not "
                   "known has none.",
                   CheckNotEmpty);
  });
}

namespace {

// What a sink needs of the rest of the configuration.
void RequireOf(Fields& fields, const SinkConfig& sink, const Config& config) {
  fields.Require(sink.type != SinkType::kKafka ||
                     sink.kafka.delivery == KafkaDelivery::kAtLeastOnce ||
                     config.cluster != Config().cluster,
                 fmt::format("sinks.{}.delivery", sink.name),
                 "exactly_once needs `cluster` set: two clusters of one name would stop each "
                 "other for ever");
  const uint64_t limit = config.egress.bytes_per_second;
  fields.Require(limit == 0 || sink.batch_bytes <= limit * kBatchSecondsMax,
                 fmt::format("sinks.{}.batch_bytes", sink.name),
                 fmt::format("expected at most what egress.bytes_per_second lets through in {} s",
                             kBatchSecondsMax));
  // librdkafka has a copy of the batch that is on its way.
  const uint64_t copies = sink.type == SinkType::kKafka ? 2 : 1;
  fields.Require(
      sink.batch_bytes * copies <= config.limits.in_flight_bytes_max,
      fmt::format("sinks.{}.batch_bytes", sink.name),
      fmt::format("expected at most {}limits.in_flight_bytes_max ({}), got {}",
                  copies == 1 ? "" : "half of ", FormatSize(config.limits.in_flight_bytes_max),
                  FormatSize(sink.batch_bytes)));
}

}  // namespace

void Describe(Fields& fields, Config* config) {
  fields.Text("cluster", &config->cluster, "Name of the cluster, in every document.",
              CheckNotEmpty);
  fields.Text("node", &config->node, "Name of this node, in every document.");
  fields.Text("state_dir", &config->state_dir,
              "Where cursors and dead letters are kept; must survive restarts.", CheckNotEmpty);
  fields.Text("host_root", &config->host_root,
              "Where the host's root directory is mounted; prefix of pods_dir.", CheckNotEmpty);
  fields.Section("log", "The agent's own log.", [&] { Describe(fields, &config->log); });
  fields.Section("http", "The agent's HTTP server.", [&] { Describe(fields, &config->http); });
  fields.Section("limits", "What bounds memory and metrics.",
                 [&] { Describe(fields, &config->limits); });
  fields.Section("escrow", "Holds files of logs until they are settled.",
                 [&] { Describe(fields, &config->escrow); });
  fields.Section("dead_letters",
                 "Records that a sink refused for good, kept for `hinomi replay` "
                 "(docs/dead-letters.md).",
                 [&] { Describe(fields, &config->dead_letters); });
  fields.Section("egress", "How much all sinks together may send (docs/egress.md).", [&] {
    DescribeEgressLimit(fields, &config->egress.bytes_per_second,
                        "What they may send in a second, on the wire; 0: no limit.");
  });
  fields.List("fairness", &config->fairness,
              "Shares of namespaces, pods and containers that write more than can be sent at once. "
              "For each of them the first rule that is about such and matches.");
  fields.Section("sources", "Where logs come from; without this key: kubernetes.", [&] {
    fields.Section(
        "kubernetes", "The containers of this node.",
        [&] { Describe(fields, &config->kubernetes); }, &config->kubernetes_enabled);
    fields.Section(
        "docker", "Containers of docker on a machine without Kubernetes; off unless named.",
        [&] {
          Describe(fields, &config->docker);
          fields.Require(!config->docker_enabled || !config->docker.roots.empty(), "roots",
                         "expected at least one, such as [/var/lib/docker]");
        },
        &config->docker_enabled);
  });
  fields.Section("metadata", "Who is behind a log, beyond the names in its path.",
                 [&] { Describe(fields, &config->metadata); });
  fields.Section("metrics", "Metrics of containers and of the node, for Prometheus.", [&] {
    Describe(fields, &config->metrics);
    fields.Require(!config->metrics.volumes || !config->metadata.kubelet.url.empty(), "volumes",
                   "needs metadata.kubelet.url beside it");
  });
  fields.List("multiline", &config->multiline,
              "Logs in which several lines are one record, such as a stack trace; the first rule "
              "that matches a log holds for it.");
  fields.Map("sinks", &config->sinks,
             "Where records go, by name; without any: one of type stdout, named stdout.");
  for (const SinkConfig& sink : config->sinks) {
    RequireOf(fields, sink, *config);
  }
  fields.List("routes", &config->routes,
              "Which logs go to which sink: every route that matches receives a log, down to one "
              "with stop. With a single sink the list may be left out.");
}

}  // namespace hinomi
