#include "shipper/encode/ecs.h"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <string>
#include <vector>

#include "metadata/docker_container.h"
#include "metadata/pod_metadata.h"
#include "shipper/encode/document_id.h"

namespace hinomi {
namespace {

Origin ShopOrigin() {
  Origin origin;
  origin.pod = {"prod", "shop-7d9f8b6c5-x2x4z", "0b1c", "web", 2, "shop", "Deployment"};
  origin.path = "/var/log/pods/prod_shop/web/2.log";
  origin.log_hash = 42;
  return origin;
}

EcsOptions Options(RecordFormat format = RecordFormat::kJson) {
  return {format, "demo", "node-1", "logs-kubernetes.container_logs-default"};
}

Record TextRecord(std::string_view body) {
  Record record;
  record.body = body;
  record.time = "2026-01-02T03:04:05.123456789Z";
  record.begin = {0, 77};
  record.end = {0, 99};
  record.source_bytes = 22;
  record.stream = Stream::kStderr;
  return record;
}

std::string Encoded(const EcsEncoder& encoder, const Record& record,
                    const Origin& origin = ShopOrigin()) {
  Batch batch;
  const std::string metadata = encoder.Metadata(origin);
  encoder.Append(record, {origin, metadata, 0}, &batch);
  return batch.bytes;
}

TEST(EcsEncoder, TextDocument) {
  EXPECT_EQ(
      Encoded(EcsEncoder(Options()), TextRecord("say \"hi\"")),
      R"({"@timestamp":"2026-01-02T03:04:05.123456789Z","stream":"stderr","log":{"offset":77,)"
      R"("file":{"path":"/var/log/pods/prod_shop/web/2.log"}},"kubernetes":{"namespace":"prod",)"
      R"("pod":{"name":"shop-7d9f8b6c5-x2x4z","uid":"0b1c"},"container":{"name":"web"},)"
      R"("node":{"name":"node-1"},"workload":{"name":"shop","kind":"Deployment"},)"
      R"("deployment":{"name":"shop"}},"orchestrator":{"cluster":{"name":"demo"}},)"
      R"("data_stream":{"type":"logs","dataset":"kubernetes.container_logs","namespace":"default"},)"
      R"("message":"say \"hi\""})"
      "\n");
}

Origin DockerOrigin() {
  Origin origin;
  origin.pod = PodInfoOf(std::make_shared<const DockerContainer>(
      DockerContainer{"0f51",
                      "web-1",
                      "nginx:1",
                      {{"a", "b"},
                       {"a.\"b", "c\n"},
                       {"com.docker.compose.project", "shop"},
                       {"com.docker.compose.service", "web"}},
                      false}));
  origin.path = "/var/lib/docker/containers/0f51/0f51-json.log";
  return origin;
}

TEST(EcsEncoder, DocumentOfAContainerOutsideKubernetes) {
  EXPECT_EQ(
      Encoded(EcsEncoder(Options()), TextRecord("hi"), DockerOrigin()),
      R"({"@timestamp":"2026-01-02T03:04:05.123456789Z","stream":"stderr","log":{"offset":77,)"
      R"("file":{"path":"/var/lib/docker/containers/0f51/0f51-json.log"}},"container":{"id":"0f51",)"
      R"("name":"web-1","image":{"name":"nginx:1"},"labels":{"a":"b","a.\"b":"c\n",)"
      R"("com.docker.compose.project":"shop","com.docker.compose.service":"web"}},)"
      R"("docker":{"compose":{"project":"shop","service":"web"}},"host":{"name":"node-1"},)"
      R"("orchestrator":{"cluster":{"name":"demo"}},)"
      R"("data_stream":{"type":"logs","dataset":"kubernetes.container_logs","namespace":"default"},)"
      R"("message":"hi"})"
      "\n");
  Origin nameless;
  nameless.pod = PodInfoOf(
      std::make_shared<const DockerContainer>(DockerContainer{"0f51", "0f51", "", {}, false}));
  const std::string line =
      Encoded(EcsEncoder({RecordFormat::kJson, "", "", ""}), TextRecord("hi"), nameless);
  EXPECT_TRUE(line.ends_with(
      R"("file":{"path":""}},"container":{"id":"0f51","name":"0f51"},"message":"hi"})"
      "\n"))
      << line;
}

Origin KnownOrigin() {
  auto pod = std::make_shared<PodMetadata>();
  pod->labels = {{"app", "shop"},
                 {"app.kubernetes.io/name", "a \"b\""},
                 {"app_kubernetes_io/name", "the same once its dots are gone"},
                 {"pod-template-hash", "7d9f8b6c5"}};
  pod->annotations = {{"hinomi.io/weight", "3"}, {"team", "x"}};
  pod->owner = {"StatefulSet", "shop-web", "7"};
  pod->containers = {{"web", 1, "c1", "", "", "containerd", "", {}, 0, "", {}, {}},
                     {"web", 2, "c2", "nginx:1", "sha256:ab", "containerd", "", {}, 0, "", {}, {}}};
  Origin origin = ShopOrigin();
  Enrich(pod, &origin.pod);
  return origin;
}

/// What stands between "kubernetes" and "orchestrator".
std::string Middle(const EcsOptions& options, const Origin& origin) {
  const std::string line = Encoded(EcsEncoder(options), TextRecord("hi"), origin);
  const size_t begin = line.find("\"node\"");
  return line.substr(begin, line.find(",\"orchestrator\"") - begin);
}

TEST(EcsEncoder, WhatIsKnownOfThePod) {
  EcsOptions options = Options();
  options.labels = {"app", "app?kubernetes*"};
  options.annotations = {"team"};
  EXPECT_EQ(
      Middle(options, KnownOrigin()),
      R"("node":{"name":"node-1"},"workload":{"name":"shop-web","kind":"StatefulSet"},)"
      R"("statefulset":{"name":"shop-web"},)"
      R"("labels":{"app":"shop","app_kubernetes_io/name":"a \"b\""},"annotations":{"team":"x"}},)"
      R"("container":{"id":"c2","runtime":"containerd","image":{"name":"nginx:1",)"
      R"("hash":{"all":["sha256:ab"]}}})");
  options.dedot = false;
  EXPECT_NE(Middle(options, KnownOrigin()).find(R"("app.kubernetes.io/name":"a \"b\"","app_)"),
            std::string::npos);
  Origin other_run = KnownOrigin();
  other_run.pod.restart_count = 1;
  EXPECT_TRUE(Middle(Options(), other_run)
                  .ends_with(R"(},"container":{"id":"c1","runtime":"containerd"})"));
  other_run.pod.restart_count = 7;
  other_run.pod.metadata_missing = true;
  EXPECT_TRUE(
      Middle(Options(), other_run)
          .ends_with(R"("statefulset":{"name":"shop-web"}},"hinomi":{"metadata":"missing"})"));
}

TEST(EcsEncoder, WhichReleaseItRuns) {
  EcsOptions options = Options();
  options.release_pattern = "^(?P<branch>.+)-(?P<commit>[0-9a-f]{8})$";
  auto pod = std::make_shared<PodMetadata>();
  pod->containers.resize(2);
  for (ContainerMetadata& container : pod->containers) container.name = "web";
  pod->containers[0].image = "koudaiii/demo:master-fc598063";
  pod->containers[1].attempt = 1;
  pod->containers[1].image = "demo:1";
  pod->containers[1].revision = "ab\"12";
  Origin origin = ShopOrigin();
  Enrich(pod, &origin.pod);
  const auto release = [&](uint32_t restart) {
    origin.pod.restart_count = restart;
    const std::string middle = Middle(options, origin);
    const size_t begin = middle.find("\"release\"");
    return begin == std::string::npos ? "" : middle.substr(begin);
  };
  EXPECT_EQ(release(0), R"("release":{"branch":"master","commit":"fc598063"})");
  EXPECT_EQ(release(1), R"("release":{"branch":"unknown","commit":"ab\"12"})");
  EXPECT_EQ(release(2), R"("release":{"branch":"unknown","commit":"unknown"})");
  options.release_pattern = "";
  EXPECT_EQ(release(0), "");
  EXPECT_EQ(release(1), R"("release":{"branch":"unknown","commit":"ab\"12"})");
  EXPECT_EQ(release(2), "");
}

TEST(EcsEncoder, BulkActionAndBookkeeping) {
  const EcsEncoder encoder(Options(RecordFormat::kBulk));
  const Origin origin = ShopOrigin();
  const std::string metadata = encoder.Metadata(origin);
  const Record record = TextRecord("a");
  Batch batch;
  encoder.Append(record, {origin, metadata, 3}, &batch);
  encoder.Append(record, {origin, metadata, 4}, &batch);
  ASSERT_EQ(batch.records.size(), 2u);
  EXPECT_EQ(batch.records[0].begin, 0u);
  EXPECT_EQ(batch.records[1].begin, batch.records[0].end);
  EXPECT_EQ(batch.records[1].end, batch.bytes.size());
  EXPECT_EQ(batch.records[1].slice, 4u);
  EXPECT_EQ(batch.records[1].source_bytes, 22u);
  EXPECT_EQ(batch.records[1].source, record.begin);
  EXPECT_EQ(batch.records[1].outcome, Outcome::kPending);
  const std::string id(ToView(DocumentIdOf(origin, record)));
  EXPECT_TRUE(batch.bytes.starts_with("{\"create\":{\"_id\":\"" + id + "\"}}\n{\"@timestamp\":\""))
      << batch.bytes;
}

TEST(EcsEncoder, ActionsNameAnIndexOnlyWhereItDiffers) {
  const Origin origin = ShopOrigin();
  const Record record = TextRecord("a");
  const std::string id(ToView(DocumentIdOf(origin, record)));
  const struct {
    const char* index;
    bool ids;
    std::string want;
  } kCases[] = {
      {"logs-a-b", true, R"({"create":{"_id":")" + id + R"("}})"},
      {"logs-a-b", false, R"({"create":{}})"},
      {"logs-{namespace}", true, R"({"create":{"_index":"logs-prod","_id":")" + id + R"("}})"},
      {"logs-{year}.{month}", false, R"({"create":{"_index":"logs-2026.01"}})"},
  };
  for (const auto& test : kCases) {
    EcsOptions options = Options(RecordFormat::kBulk);
    options.index = test.index;
    options.ids = test.ids;
    const EcsEncoder encoder(options);
    const std::string metadata = encoder.Metadata(origin);
    LeaseIndex index;
    index.Begin(encoder.indices(), origin.pod);
    Batch batch;
    encoder.Append(record, {origin, metadata, 0, Duration{0}, index.At(record.time)}, &batch);
    EXPECT_EQ(batch.bytes.substr(0, batch.bytes.find('\n')), test.want);
  }
}

TEST(EcsEncoder, MembersAreSpliced) {
  const EcsEncoder encoder(Options());
  Record record = TextRecord("\"a\" : 1");
  record.kind = BodyKind::kJsonMembers;
  EXPECT_TRUE(Encoded(encoder, record).ends_with("\"namespace\":\"default\"},\"a\" : 1}\n"));
  record.body = "";
  EXPECT_TRUE(Encoded(encoder, record).ends_with("\"namespace\":\"default\"}}\n"));
}

TEST(EcsEncoder, CutAndStream) {
  const EcsEncoder encoder(Options());
  Record record = TextRecord("");
  record.cut = true;
  EXPECT_NE(Encoded(encoder, record).find("\"log\":{\"offset\":77,\"flags\":[\"cut\"],\"file\""),
            std::string::npos);
  record.stream = Stream::kNone;
  EXPECT_NE(Encoded(encoder, record).find("789Z\",\"log\""), std::string::npos);
}

TEST(EcsEncoder, PlainLinesAreWhatTheContainerWrote) {
  const EcsEncoder encoder(Options(RecordFormat::kLines));
  EXPECT_FALSE(encoder.makes_documents());
  for (const std::string body :
       {"say \"hi\"\t", "{\"a\" :1, \"a\":2}", "one\n  two", "\xff\x00", ""}) {
    const Record record = TextRecord(body);
    EXPECT_EQ(Encoded(encoder, record), std::string(record.time) + " " + body + "\n");
  }
}

TEST(EcsEncoder, DataStreamOnlyFromAFullName) {
  for (const char* index :
       {"", "logs", "logs-app", "logs-app-prod-x", "-app-prod", "logs--prod", "logs-app-"}) {
    EcsOptions options = Options();
    options.index = index;
    EXPECT_EQ(Encoded(EcsEncoder(options), TextRecord("")).find("data_stream"), std::string::npos)
        << index;
  }
}

TEST(EcsEncoder, DataStreamWithTheWordsFilledIn) {
  EcsOptions options = Options();
  options.index = "logs-{namespace}-{container}";
  EXPECT_NE(Encoded(EcsEncoder(options), TextRecord(""))
                .find(R"("data_stream":{"type":"logs","dataset":"prod","namespace":"web"})"),
            std::string::npos);
  options.index = "logs-{namespace}-{year}";
  EXPECT_EQ(Encoded(EcsEncoder(options), TextRecord("")).find("data_stream"), std::string::npos)
      << "an index with a date is none";
}

TEST(EcsEncoder, EveryDocumentIsOneValidLine) {
  Origin odd = ShopOrigin();
  odd.path = "/a\"b\\\n\xff";
  odd.pod.workload_kind = "Rollout\"";
  odd.pod.pod_name = "";
  Record longest = TextRecord(std::string_view("\xff\n\0\"", 4));
  longest.time = "2026-01-02T03:04:05.123456789+09:00";
  longest.begin.offset = UINT64_MAX;
  longest.cut = true;
  for (const Origin& origin : {odd, Origin{}, ShopOrigin(), KnownOrigin(), DockerOrigin()}) {
    for (const EcsOptions& options : {Options(), EcsOptions{RecordFormat::kJson, "", "", ""}}) {
      const std::string line = Encoded(EcsEncoder(options), longest, origin);
      EXPECT_EQ(line.find('\n'), line.size() - 1);
      rapidjson::Document document;
      document.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
      ASSERT_FALSE(document.HasParseError()) << line;
      EXPECT_EQ(document["log"]["offset"].GetUint64(), UINT64_MAX);
      EXPECT_STREQ(document["log"]["flags"][0].GetString(), "cut");
      EXPECT_TRUE(document["message"].IsString());
    }
  }
}

}  // namespace
}  // namespace hinomi
