#include "shipper/encode/otlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <proto/otlp.pb.h>

#include <string>
#include <vector>

#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"
#include "shipper/encode/document_id.h"

namespace hinomi {
namespace {

namespace otlp = ::opentelemetry::proto::collector::logs::v1;
using testing::ElementsAre;

Origin ShopOrigin() {
  Origin origin;
  origin.pod = {"prod", "shop-7d9f8b6c5-x2x4z", "0b1c", "web", 2, "shop", "Deployment"};
  origin.path = "/var/log/pods/prod_shop/web/2.log";
  origin.log_hash = 42;
  return origin;
}

Record RecordOf(std::string_view body) {
  Record record;
  record.body = body;
  record.time = "2026-01-02T03:04:05.123456789Z";
  record.begin = {0, 77};
  record.end = {0, 99};
  record.source_bytes = 22;
  record.stream = Stream::kStderr;
  return record;
}

/// What a reader of the protocol shows: `key=value`.
std::vector<std::string> Shown(const google::protobuf::RepeatedPtrField<otlp::KeyValue>& pairs) {
  std::vector<std::string> shown;
  for (const otlp::KeyValue& pair : pairs) {
    const otlp::AnyValue& value = pair.value();
    std::string text = value.string_value();
    if (value.has_int_value()) text = std::to_string(value.int_value());
    if (value.has_bool_value()) text = value.bool_value() ? "true" : "false";
    for (const otlp::AnyValue& item : value.array_value().values()) {
      text += "[" + item.string_value() + "]";
    }
    shown.push_back(pair.key() + "=" + text);
  }
  return shown;
}

Batch Encoded(const std::vector<Record>& records, const Origin& origin = ShopOrigin(),
              const OtlpOptions& options = {"demo", "node-1"}) {
  const OtlpEncoder encoder(options);
  const std::string metadata = encoder.Metadata(origin);
  Batch batch;
  batch.slices.resize(1);
  for (const Record& record : records) {
    encoder.Append(record, {origin, metadata, 0, Duration(1234567890123456789)}, &batch);
  }
  return batch;
}

otlp::LogRecord Read(const Batch& batch, size_t number = 0) {
  const BatchRecord& record = batch.records.at(number);
  otlp::ScopeLogs logs;
  EXPECT_TRUE(
      logs.ParseFromArray(batch.bytes.data() + record.begin, int(record.end - record.begin)));
  EXPECT_EQ(logs.log_records_size(), 1);
  return logs.log_records(0);
}

std::vector<std::string> ResourceOf(const Batch& batch) {
  const Slice& slice = batch.slices.at(0);
  otlp::ResourceLogs logs;
  EXPECT_TRUE(logs.ParseFromArray(batch.bytes.data() + slice.head_begin,
                                  int(slice.head_end - slice.head_begin)));
  return Shown(logs.resource().attributes());
}

TEST(OtlpEncoder, ARecord) {
  const Record record = RecordOf(R"({"level":"warn","msg":"say \"hi\""})");
  const Batch batch = Encoded({record});
  const otlp::LogRecord read = Read(batch);
  EXPECT_EQ(read.time_unix_nano(), 1767323045123456789u);
  EXPECT_EQ(read.observed_time_unix_nano(), 1234567890123456789u);
  EXPECT_EQ(read.severity_number(), 13u);
  EXPECT_EQ(read.severity_text(), "warn");
  EXPECT_EQ(read.body().string_value(), record.body);
  const std::string id(ToView(DocumentIdOf(ShopOrigin(), record)));
  EXPECT_THAT(
      Shown(read.attributes()),
      ElementsAre("log.iostream=stderr", "log.file.record_offset=77", "log.record.uid=" + id));
  EXPECT_EQ(batch.records[0].source_bytes, 22u);
  EXPECT_EQ(batch.records[0].source.offset, 77u);
  EXPECT_EQ(batch.records[0].source_end.offset, 99u);
}

TEST(OtlpEncoder, TheLongestHead) {
  Record record = RecordOf(R"({"level":"0123456789abcdef"})");
  record.cut = true;
  record.begin.offset = UINT64_MAX >> 1;
  record.stream = Stream::kStdout;
  const otlp::LogRecord read = Read(Encoded({record}));
  EXPECT_EQ(read.severity_text(), "0123456789abcdef");
  EXPECT_EQ(read.severity_number(), 0u);
  EXPECT_THAT(Shown(read.attributes()),
              testing::IsSupersetOf({std::string("log.iostream=stdout"),
                                     std::string("log.file.record_offset=9223372036854775807"),
                                     std::string("hinomi.cut=true")}));
}

TEST(OtlpEncoder, BodiesOfAnyBytesAndLengths) {
  const struct {
    std::string body, want;
  } kCases[] = {{"", ""},
                {"caf\xe9 \xff", "caf\xef\xbf\xbd \xef\xbf\xbd"},
                {"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
                {std::string("a\0b", 3), std::string("a\0b", 3)},
                {std::string(127, 'x'), std::string(127, 'x')},
                {std::string(128, 'x'), std::string(128, 'x')},
                {std::string(300'000, 'x'), std::string(300'000, 'x')}};
  for (const auto& [body, want] : kCases) {
    const otlp::LogRecord read = Read(Encoded({RecordOf(body)}));
    EXPECT_TRUE(read.body().has_string_value());
    EXPECT_EQ(read.body().string_value(), want);
  }
}

TEST(OtlpEncoder, TheResourceStandsOnceBeforeTheRecordsOfASlice) {
  const Batch batch = Encoded({RecordOf("one"), RecordOf("two")});
  EXPECT_EQ(batch.slices[0].head_begin, 0u);
  EXPECT_EQ(batch.slices[0].head_end, batch.records[0].begin);
  EXPECT_EQ(batch.records[0].end, batch.records[1].begin);
  EXPECT_EQ(batch.records[1].end, batch.bytes.size());
  EXPECT_EQ(Read(batch, 1).body().string_value(), "two");
  EXPECT_THAT(
      ResourceOf(batch),
      ElementsAre("k8s.cluster.name=demo", "k8s.node.name=node-1", "k8s.namespace.name=prod",
                  "k8s.pod.name=shop-7d9f8b6c5-x2x4z", "k8s.pod.uid=0b1c", "k8s.container.name=web",
                  "k8s.container.restart_count=2", "k8s.deployment.name=shop",
                  "service.namespace=prod", "service.name=shop",
                  "log.file.path=/var/log/pods/prod_shop/web/2.log"));
}

TEST(OtlpEncoder, WhatIsKnownOfThePod) {
  PodMetadata pod;
  pod.labels = {{"app.kubernetes.io/name", "shop"}, {"secret", "x"}};
  pod.annotations = {{"resource.opentelemetry.io/service.name", "checkout"}, {"team", "a"}};
  ContainerMetadata& web = pod.containers.emplace_back();
  web.name = "web";
  web.attempt = 2;
  web.id = "9f2c";
  web.image = "registry:5000/shop/web:main-1a2b3c4@sha256:77";
  web.image_digest = "sha256:77";
  web.runtime = "containerd";
  Origin origin = ShopOrigin();
  origin.pod.workload_kind = "StatefulSet";
  Enrich(std::make_shared<const PodMetadata>(pod), &origin.pod);
  const OtlpOptions options{
      "", "", {"app*"}, {"team"}, "^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$"};
  EXPECT_THAT(
      ResourceOf(Encoded({RecordOf("")}, origin, options)),
      ElementsAre("k8s.namespace.name=prod", "k8s.pod.name=shop-7d9f8b6c5-x2x4z",
                  "k8s.pod.uid=0b1c", "k8s.container.name=web", "k8s.container.restart_count=2",
                  "k8s.statefulset.name=shop", "service.namespace=prod", "service.name=checkout",
                  "k8s.pod.label.app.kubernetes.io/name=shop", "k8s.pod.annotation.team=a",
                  "container.id=9f2c", "container.runtime.name=containerd",
                  "container.image.id=sha256:77", "container.image.name=registry:5000/shop/web",
                  "container.image.tags=[main-1a2b3c4]", "vcs.ref.head.name=main",
                  "vcs.ref.head.revision=1a2b3c4",
                  "log.file.path=/var/log/pods/prod_shop/web/2.log"));
  origin.pod.metadata = nullptr;
  origin.pod.metadata_missing = true;
  EXPECT_THAT(ResourceOf(Encoded({RecordOf("")}, origin, options)),
              testing::Contains("hinomi.metadata=missing"));
}

TEST(OtlpEncoder, AContainerOutsideKubernetes) {
  Origin origin;
  origin.pod = PodInfoOf(std::make_shared<const DockerContainer>(
      DockerContainer{"0f51",
                      "web-1",
                      "nginx",
                      {{"a", "caf\xe9"},
                       {"com.docker.compose.project", "shop"},
                       {"com.docker.compose.service", "web"}},
                      false}));
  EXPECT_THAT(
      ResourceOf(Encoded({RecordOf("")}, origin)),
      ElementsAre("host.name=node-1", "container.id=0f51", "container.name=web-1",
                  "container.label.a=caf\xef\xbf\xbd",
                  "container.label.com.docker.compose.project=shop",
                  "container.label.com.docker.compose.service=web", "service.namespace=shop",
                  "service.name=web", "container.image.name=nginx"));
}

}  // namespace
}  // namespace hinomi
