// The keys of sinks.
#include <fmt/core.h>

#include "config/describe.h"
#include "config/kafka_settings.h"
#include "config/text.h"

namespace hinomi {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr uint64_t kKiB = 1 << 10;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

const Choices<SinkType> kSinkTypes = {{"elasticsearch", SinkType::kElasticsearch},
                                      {"kafka", SinkType::kKafka},
                                      {"otlp", SinkType::kOtlp},
                                      {"archive", SinkType::kArchive},
                                      {"stdout", SinkType::kStdout}};
const Choices<Compression> kCompressions = {{"auto", Compression::kAuto},
                                            {"none", Compression::kNone},
                                            {"gzip", Compression::kGzip},
                                            {"zstd", Compression::kZstd}};
const Choices<Compression> kGrpcCompressions = {{"none", Compression::kNone},
                                                {"gzip", Compression::kGzip}};
const Choices<KafkaKey> kKafkaKeys = {{"pod", KafkaKey::kPod},
                                      {"container", KafkaKey::kContainer},
                                      {"namespace", KafkaKey::kNamespace},
                                      {"none", KafkaKey::kNone}};
const Choices<DocumentIds> kDocumentIds = {{"stable", DocumentIds::kStable},
                                           {"none", DocumentIds::kNone}};
const Choices<KafkaCompression> kKafkaCompressions = {{"none", KafkaCompression::kNone},
                                                      {"gzip", KafkaCompression::kGzip},
                                                      {"snappy", KafkaCompression::kSnappy},
                                                      {"lz4", KafkaCompression::kLz4},
                                                      {"zstd", KafkaCompression::kZstd}};
const Choices<KafkaDelivery> kKafkaDeliveries = {{"at_least_once", KafkaDelivery::kAtLeastOnce},
                                                 {"exactly_once", KafkaDelivery::kExactlyOnce}};
const Choices<KafkaFormat> kKafkaFormats = {{"json", KafkaFormat::kJson},
                                            {"otlp", KafkaFormat::kOtlp}};
const Choices<SaslMechanism> kSaslMechanisms = {{"plain", SaslMechanism::kPlain},
                                                {"scram-sha-256", SaslMechanism::kScramSha256},
                                                {"scram-sha-512", SaslMechanism::kScramSha512}};
const Choices<ArchiveFormat> kArchiveFormats = {{"json", ArchiveFormat::kJson},
                                                {"lines", ArchiveFormat::kLines}};

struct UserFields {
  std::string& username;
  std::string& password_file;
  std::string_view help;
};

void DescribeUser(Fields& fields, const UserFields& user) {
  fields.Text("username", &user.username, user.help);
  fields.Text("password_file", &user.password_file, "File that holds the user's password.",
              CheckReadableFile);
  fields.Require(user.username.empty() || !user.password_file.empty(), "username",
                 "needs a password_file beside it");
  fields.Require(user.password_file.empty() || !user.username.empty(), "password_file",
                 "needs a username beside it");
}

struct CertificateFields {
  std::string& certificate_file;
  std::string& key_file;
};

void DescribeClientCertificate(Fields& fields, const CertificateFields& client) {
  fields.Text("certificate_file", &client.certificate_file,
              "PEM file of a client certificate; needs a key_file beside it.", CheckReadableFile);
  fields.Text("key_file", &client.key_file, "PEM file of the client certificate's key.",
              CheckReadableFile);
  fields.Require(client.certificate_file.empty() == client.key_file.empty(),
                 client.key_file.empty() ? "certificate_file" : "key_file",
                 "certificate_file and key_file need each other");
}

/// Of a sink that can do with or without.
template <typename SomeConfig>
void DescribeTls(Fields& fields, SomeConfig* config) {
  fields.Text("ca_file", &config->ca_file,
              "PEM file of the authorities to trust; empty: those of the system.",
              CheckReadableFile);
  DescribeClientCertificate(fields, {config->certificate_file, config->key_file});
  fields.Require(config->tls || config->ca_file.empty(), "ca_file", "needs tls: true beside it");
  fields.Require(config->tls || config->certificate_file.empty(), "certificate_file",
                 "needs tls: true beside it");
}

}  // namespace

void Describe(Fields& fields, LifecycleConfig* config) {
  fields.Time("delete_after", &config->delete_after,
              "Age at which indices are deleted, counted from the rollover of a data stream's and "
              "from the creation of others; 0s: no policy is written.",
              {seconds(0), hours(24 * 3650)});
  fields.Time("rollover_age", &config->rollover_age,
              "Age at which a data stream goes on in a new index; one with a date has no rollover.",
              {hours(1), hours(24 * 365)});
  fields.Size("rollover_bytes", &config->rollover_bytes,
              "Size at which it does; of primary shards, all together.", {kMiB, 1024 * kGiB});
}

void Describe(Fields& fields, ElasticsearchConfig* config) {
  fields.TextList("endpoints", &config->endpoints,
                  "The servers, each http(s)://host[:port]; comma-separated in the environment.",
                  {"list of URLs", CheckEndpoint});
  fields.Require(!config->endpoints.empty(), "endpoints",
                 "expected at least one, such as [\"http://127.0.0.1:9200\"]");
  fields.Text("index", &config->index,
              "Data stream that the documents go to; {cluster}, {namespace}, {pod} and {container} "
              "are filled in. With {year}, {month} or {day}, those of the record's time, it is no "
              "data stream but an index, such as logs-{namespace}-{year}.{month}.{day}.",
              CheckIndex);
  fields.Text("time_zone", &config->time_zone,
              "Where that day begins, such as Asia/Tokyo: a zone of this machine's tzdata.",
              CheckTimeZone);
  fields.Choice("document_id", &config->document_id,
                "stable: what is sent again has the id that it had, and is stored once. none: the "
                "server makes one, which is faster, and what is sent again is stored again.",
                kDocumentIds);
  fields.Choice(
      "compression", &config->compression,
      "Of request bodies. auto: gzip, but none where all endpoints are loopback addresses. "
      "zstd only for a server or proxy that is known to read it: Elasticsearch 8 takes it "
      "for plain text, and OpenSearch 2.19 ends when it gets it.",
      kCompressions);
  fields.Number("level", &config->level, "Of gzip and zstd: 1 is fast, 3 is small.", {1, 3});
  fields.Flag("setup", &config->setup,
              "Write templates for the index: the right mapping, and what makes it a data stream.");
  fields.Section("lifecycle",
                 "How long documents are kept, by a policy that setup writes: of ILM "
                 "(Elasticsearch) or ISM (OpenSearch).",
                 [&] { Describe(fields, &config->lifecycle); });
  fields.Require(config->setup || config->lifecycle.delete_after == seconds(0),
                 "lifecycle.delete_after", "needs setup: true beside it");
  DescribeUser(fields, {config->username, config->password_file, "For basic authentication."});
  fields.Text("api_key_file", &config->api_key_file,
              "File that holds an API key in the form that Elasticsearch calls encoded; instead of "
              "username and password_file.",
              CheckReadableFile);
  fields.Require(config->api_key_file.empty() || config->username.empty(), "api_key_file",
                 "cannot be used together with username; remove one of them");
  fields.Text("token_file", &config->token_file,
              "File that holds a bearer token, instead of the ways above.", CheckReadableFile);
  fields.Require(
      config->token_file.empty() || (config->username.empty() && config->api_key_file.empty()),
      "token_file", "cannot be used together with username or api_key_file; remove one of them");
  fields.Text("ca_file", &config->ca_file,
              "PEM file of the authorities to trust; empty: those of the system.",
              CheckReadableFile);
  DescribeClientCertificate(fields, {config->certificate_file, config->key_file});
  fields.Number("requests_max", &config->requests_max,
                "Concurrent requests at most; fewer while the server is slow or refuses.", {1, 64});
  fields.Time("timeout", &config->timeout, "Of one request.", {milliseconds(10), minutes(10)});
}

void Describe(Fields& fields, KafkaConfig* config) {
  fields.TextList("brokers", &config->brokers,
                  "Some of the cluster's brokers, each host:port; comma-separated in the "
                  "environment.",
                  {"list of host:port", CheckBroker});
  fields.Require(!config->brokers.empty(), "brokers",
                 "expected at least one, such as [\"127.0.0.1:9092\"]");
  fields.Text("topic", &config->topic,
              "Where records go; {cluster}, {namespace}, {pod} and {container} are filled in.",
              CheckTopic);
  fields.Choice("format", &config->format,
                "What a message is: json, one document; otlp, a logs request of OTLP with records "
                "of one container, as the Kafka receiver of an OpenTelemetry Collector reads it "
                "(encoding: otlp_proto).",
                kKafkaFormats);
  fields.Choice("delivery", &config->delivery,
                "exactly_once: records and cursors go in transactions, so that who reads what is "
                "committed sees no record twice, whatever ends when. Needs a cluster name of its "
                "own.",
                kKafkaDeliveries);
  fields.Text("cursor_topic", &config->cursor_topic,
              "Where cursors are kept with exactly_once; made, compacted, where it is missing.",
              CheckTopicName);
  fields.Choice("key", &config->key,
                "Records with the same key go to one partition and keep their order; with none "
                "they are spread, and not even those of one container keep it.",
                kKafkaKeys);
  fields.TextMap("headers", &config->headers,
                 "Headers of every record, by name, such as {ns: \"{namespace}\"}; {cluster}, "
                 "{node}, {namespace}, {pod} and {container} are filled in.",
                 CheckNotEmpty);
  for (const auto& [name, text] : config->headers) {
    const std::string problem = CheckKafkaHeader(text);
    fields.Require(problem.empty(), fmt::format("headers.{}", name), problem);
  }
  fields.Choice("compression", &config->compression, "Of record batches.", kKafkaCompressions);
  DescribeUser(fields, {config->username, config->password_file, "For SASL."});
  fields.Choice("sasl", &config->sasl, "How the user is authenticated.", kSaslMechanisms);
  fields.Flag("tls", &config->tls, "Encrypt connections and verify the brokers.");
  DescribeTls(fields, config);
  fields.Time(
      "timeout", &config->timeout,
      "How long the brokers may take for a batch before that is reported; the batch goes on "
      "waiting.",
      {milliseconds(10), minutes(10)});
  fields.TextMap("settings", &config->settings,
                 "Properties of librdkafka by their names, such as {linger.ms: 20}; those that "
                 "would break a promise are refused.",
                 CheckKafkaSetting);
}

void Describe(Fields& fields, OtlpConfig* config) {
  fields.Text("endpoint", &config->endpoint, "Where OTLP is taken over gRPC: host:port.",
              CheckCollector);
  fields.Required("endpoint");
  fields.Choice("compression", &config->compression, "Of requests.", kGrpcCompressions);
  fields.Flag("tls", &config->tls, "Encrypt the connection and verify the server.");
  DescribeTls(fields, config);
  fields.TextMap("headers", &config->headers, "Metadata of every request, by lower-case name.",
                 CheckHeader);
  fields.TextMap("header_files", &config->header_files,
                 "The same, with the values in files, for secrets: {authorization: /path}.",
                 CheckHeader);
  for (const auto& [name, path] : config->header_files) {
    const std::string problem = CheckReadableFile(path);
    fields.Require(problem.empty(), "header_files." + name, problem);
    fields.Require(!config->headers.contains(name), "header_files." + name,
                   "is among headers too; remove one of them");
  }
  fields.Number("requests_max", &config->requests_max,
                "Concurrent requests, each on a connection of its own.", {1, 64});
  fields.Time("timeout", &config->timeout, "Of one request.", {milliseconds(10), minutes(10)});
}

void Describe(Fields& fields, RetentionConfig* config) {
  fields.Time("age", &config->age, "Those whose hour ended longer ago; 0s: no limit.",
              {seconds(0), hours(2'000'000)});
  fields.Size("bytes_max", &config->bytes_max,
              "What all files together may take up, those that are still written included; 0: no "
              "limit.",
              {0, 1024 * 1024 * kGiB});
}

void Describe(Fields& fields, ArchiveConfig* config) {
  fields.Text("directory", &config->directory, "Where the archive is written.", CheckNotEmpty);
  fields.Required("directory");
  fields.Choice("format", &config->format,
                "What a line of its files is: json, the document; lines, what the container wrote.",
                kArchiveFormats);
  fields.Time("sync_every", &config->sync_every,
              "Longest wait of a record until it is safe on the disk.",
              {milliseconds(10), minutes(1)});
  fields.Number("level", &config->level, "Of zstd: 1 is fast, 19 is small.", {1, 19});
  fields.Section("retention", "Which finished files of an archive are removed, the oldest first.",
                 [&] { Describe(fields, &config->retention); });
}

void Describe(Fields& fields, SinkConfig* config) {
  fields.Choice("type", &config->type, "What the sink is.", kSinkTypes);
  fields.Required("type");
  fields.Size("batch_bytes", &config->batch_bytes,
              "Encoded bytes, before compression, at which a batch leaves.", {kKiB, 64 * kMiB});
  if (config->type != SinkType::kArchive) {
    fields.Time(
        "linger", &config->linger,
        "Longest wait of a record for its batch to fill; an archive has sync_every instead.",
        {seconds(0), minutes(1)});
  }
  if (fields.When("type", "elasticsearch", config->type == SinkType::kElasticsearch)) {
    Describe(fields, &config->elasticsearch);
  }
  if (fields.When("type", "kafka", config->type == SinkType::kKafka)) {
    Describe(fields, &config->kafka);
  }
  if (fields.When("type", "otlp", config->type == SinkType::kOtlp)) {
    Describe(fields, &config->otlp);
  }
  if (fields.When("type", "archive", config->type == SinkType::kArchive)) {
    Describe(fields, &config->archive);
  }
}

}  // namespace hinomi
