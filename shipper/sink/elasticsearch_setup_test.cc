#include "shipper/sink/elasticsearch_setup.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "base/fake_http_server.h"
#include "shipper/sink/elasticsearch.h"
#include "shipper/sink/elasticsearch_templates.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Request = FakeHttpServer::Request;
using Reply = FakeHttpServer::Reply;

constexpr const char* kIndex = "logs-kubernetes.container_logs-default";
constexpr const char* kIlm = "/_ilm/policy/";
constexpr const char* kIsm = "/_plugins/_ism/policies/";

bool IsBulk(const Request& request) { return request.target.find("/_bulk") != std::string::npos; }

Reply Stored() { return FakeHttpServer::Answer(200, R"({"items":[{"create":{"status":201}}]})"); }

Reply Refusal(int status, std::string_view type, std::string_view reason) {
  return FakeHttpServer::Answer(
      status, fmt::format(R"({{"error":{{"type":"{}","reason":"{}"}},"status":{}}})", type, reason,
                          status));
}

/// Answers about templates and policies as servers do that have ILM, ISM or neither, and the
/// analyzer or not: as Elasticsearch 8.19 and OpenSearch 2.19 did where these tests can ask them,
/// and as their documentation has it where not (ILM and ISM).
struct FakeCluster {
  bool ilm = true;
  bool ism = false;
  bool cjk = true;
  std::map<std::string, std::string> objects = {};  // by path, what GET answers

  Reply operator()(const Request& request) {
    if (IsBulk(request)) return Stored();
    const std::string path = request.target.substr(0, request.target.find('?'));
    const bool is_ilm = path.starts_with(kIlm);
    const bool is_ism = path.starts_with(kIsm);
    if ((is_ilm && !ilm) || (is_ism && !ism)) {
      return FakeHttpServer::Answer(
          400, fmt::format(R"({{"error":"no handler found for uri [{}] and method [{}]"}})", path,
                           request.method));
    }
    if (request.method == "GET") {
      const auto found = objects.find(path);
      if (found != objects.end()) return FakeHttpServer::Answer(200, found->second);
      return is_ism ? Refusal(404, "status_exception", "Policy not found")
                    : Refusal(404, "resource_not_found_exception", "not found");
    }
    if (!cjk && request.body.find("\"cjk\"") != std::string::npos) {
      return Refusal(400, "mapper_parsing_exception",
                     "Failed to parse mapping: analyzer [cjk] has not been configured in mappings");
    }
    return FakeHttpServer::Answer(200, R"({"acknowledged":true})");
  }
};

class FakeClock final : public Clock {
 public:
  Duration Monotonic() const override { return std::chrono::hours(1); }
  Duration Wall() const override { return std::chrono::hours(1); }
};

class ElasticsearchSetup : public testing::Test {
 protected:
  ElasticsearchSink Sink(const FakeHttpServer& server,
                         const std::function<void(ElasticsearchConfig*)>& change = {}) {
    ElasticsearchConfig config;
    config.endpoints = {server.Url()};
    config.timeout = std::chrono::seconds(5);
    if (change) change(&config);
    return ElasticsearchSink("search", config,
                             ElasticsearchSink::Environment{files_, clock_, metrics_});
  }

  static Attempt Deliver(ElasticsearchSink& sink, uint32_t lane = 0) {
    Batch batch;
    batch.slices.resize(1);
    batch.bytes = "{\"create\":{\"_id\":\"1\"}}\n{\"m\":1}\n";
    batch.records.resize(1);
    batch.records[0].end = static_cast<uint32_t>(batch.bytes.size());
    Attempt attempt = sink.Deliver(batch, lane, {});
    EXPECT_EQ(batch.records[0].outcome == Outcome::kAcknowledged, attempt.error.empty());
    return attempt;
  }

  Attempt Prepare(const FakeHttpServer& server,
                  const std::function<void(ElasticsearchConfig*)>& change = {}) {
    ElasticsearchSink sink = Sink(server, change);
    return Deliver(sink);
  }

  /// `METHOD target` of all but _bulk.
  static std::vector<std::string> Asked(FakeHttpServer& server, std::string_view method) {
    std::vector<std::string> asked;
    for (const Request& request : server.Requests()) {
      if (!IsBulk(request) && request.method == method) asked.push_back(request.target);
    }
    return asked;
  }

  static std::string BodyOf(FakeHttpServer& server, std::string_view path) {
    for (const Request& request : server.Requests()) {
      if (request.method == "PUT" && request.target.starts_with(path)) return request.body;
    }
    return "";
  }

  PosixFileSystem files_;
  FakeClock clock_;
  Metrics metrics_;
};

void KeepForAWeek(ElasticsearchConfig* config) {
  config->lifecycle.delete_after = std::chrono::hours(7 * 24);
}

const std::string kName = std::string("hinomi-") + kIndex;

TEST_F(ElasticsearchSetup, WritesWhatTheTemplatesSay) {
  FakeHttpServer server(FakeCluster{});
  EXPECT_EQ(Prepare(server).error, "");
  const std::vector<SetupRequest> want = {MappingsTemplate(kIndex, true),
                                          SettingsTemplate(kIndex, Manager::kNobody),
                                          IndexTemplate(kIndex)};
  EXPECT_THAT(Asked(server, "PUT"), ElementsAre(want[0].path, want[1].path, want[2].path));
  for (const SetupRequest& request : want) EXPECT_EQ(BodyOf(server, request.path), request.body);
}

TEST_F(ElasticsearchSetup, WritesThePolicyThatTheServerHas) {
  ElasticsearchConfig config;
  KeepForAWeek(&config);
  for (const bool ilm : {true, false}) {
    FakeHttpServer server(FakeCluster{.ilm = ilm, .ism = !ilm});
    EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
    const Manager manager = ilm ? Manager::kIlm : Manager::kIsm;
    const SetupRequest policy = LifecyclePolicy(config, manager);
    EXPECT_THAT(Asked(server, "PUT"), testing::SizeIs(4));
    EXPECT_EQ(Asked(server, "PUT")[0], policy.path);
    EXPECT_EQ(BodyOf(server, policy.path), policy.body);
    EXPECT_EQ(BodyOf(server, SettingsTemplate(kIndex, manager).path),
              SettingsTemplate(kIndex, manager).body);
  }
}

TEST_F(ElasticsearchSetup, DoesWithoutWhatTheServerLacks) {
  FakeHttpServer server(FakeCluster{.ilm = false, .ism = false, .cjk = false});
  testing::internal::CaptureStderr();
  ElasticsearchSink sink = Sink(server, KeepForAWeek);
  for (uint32_t lane : {0u, 1u, 0u}) EXPECT_EQ(Deliver(sink, lane).error, "");
  const std::string log = testing::internal::GetCapturedStderr();
  for (const char* said : {"has neither ILM nor ISM", "has no analyzer called cjk"}) {
    const size_t at = log.find(said);
    ASSERT_NE(at, std::string::npos) << log;
    EXPECT_EQ(log.find(said, at + 1), std::string::npos) << "said once";
  }
  const std::string mappings = MappingsTemplate(kIndex, false).path;
  EXPECT_THAT(Asked(server, "PUT"),
              ElementsAre(mappings, mappings, SettingsTemplate(kIndex, Manager::kNobody).path,
                          IndexTemplate(kIndex).path));
  EXPECT_EQ(BodyOf(server, SettingsTemplate(kIndex, Manager::kNobody).path),
            SettingsTemplate(kIndex, Manager::kNobody).body);
  EXPECT_EQ(server.Requests()[5].body, MappingsTemplate(kIndex, false).body);
}

TEST_F(ElasticsearchSetup, OtherWaysOfNotHavingPolicies) {
  for (const auto& reply :
       {FakeHttpServer::Answer(405, R"({"error":"Incorrect HTTP method for uri"})"),
        FakeHttpServer::Answer(404, ""),
        FakeHttpServer::Answer(401, R"({"Message":"Your request is not allowed."})"),
        Refusal(404, "index_not_found_exception", "no such index [_ilm]")}) {
    FakeHttpServer server([&reply, cluster = FakeCluster{}](const Request& request) mutable {
      return request.target.starts_with(kIlm) ? reply : cluster(request);
    });
    EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
    EXPECT_THAT(Asked(server, "PUT"), testing::SizeIs(3));
  }
}

TEST_F(ElasticsearchSetup, DoesWithoutAPolicyThatTheServerDoesNotUnderstand) {
  FakeHttpServer server([cluster = FakeCluster{}](const Request& request) mutable {
    return request.method == "PUT" && request.target.starts_with(kIlm)
               ? Refusal(400, "x_content_parse_exception", "unknown field [_meta]")
               : cluster(request);
  });
  testing::internal::CaptureStderr();
  EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("unknown field [_meta]"));
  EXPECT_EQ(BodyOf(server, SettingsTemplate(kIndex, Manager::kNobody).path),
            SettingsTemplate(kIndex, Manager::kNobody).body);
}

TEST_F(ElasticsearchSetup, TroubleWithPoliciesIsWaitedOut) {
  for (const auto& [reply, code] :
       {std::pair{Refusal(403, "security_exception", "manage_ilm"), "403"},
        {Refusal(429, "circuit_breaking_exception", "full"), "429"},
        {FakeHttpServer::Answer(503, ""), "503"},
        {Refusal(401, "security_exception", "who are you"), "401"}}) {
    FakeHttpServer server([reply = reply, cluster = FakeCluster{}](const Request& request) mutable {
      return request.target.starts_with(kIlm) ? reply : cluster(request);
    });
    EXPECT_EQ(Prepare(server, KeepForAWeek).code, code);
    EXPECT_THAT(Asked(server, "PUT"), IsEmpty());
  }
}

TEST_F(ElasticsearchSetup, ReplacesItsOwn) {
  FakeCluster cluster{.ilm = false, .ism = true};
  cluster.objects = {
      {kIsm + kName,
       R"({"_id":"x","_seq_no":12,"_primary_term":3,"policy":{"description":"Managed by hinomi: x"}})"},
      {"/_component_template/" + kName + "-mappings",
       R"({"component_templates":[{"name":"x","component_template":{"template":{},)"
       R"("_meta":{"managed_by":"hinomi"}}}]})"},
      {"/_index_template/" + kName,
       R"({"index_templates":[{"name":"x","index_template":{"index_patterns":["x"],)"
       R"("_meta":{"managed_by":"hinomi"}}}]})"}};
  FakeHttpServer server(cluster);
  EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
  EXPECT_THAT(Asked(server, "PUT"), ElementsAre(kIsm + kName + "?if_seq_no=12&if_primary_term=3",
                                                "/_component_template/" + kName + "-mappings",
                                                "/_component_template/" + kName + "-settings",
                                                "/_index_template/" + kName));
}

TEST_F(ElasticsearchSetup, LeavesTheirsAlone) {
  FakeCluster cluster;
  cluster.objects = {
      {kIlm + kName, R"({"hinomi-x":{"version":1,"policy":{"phases":{}}}})"},
      {"/_component_template/" + kName + "-settings",
       R"({"component_templates":[{"name":"x","component_template":{"template":{}}}]})"},
      {"/_index_template/" + kName,
       R"({"index_templates":[{"name":"x","index_template":{"index_patterns":["x"]}}]})"},
      {std::string("/_resolve/index/") + kIndex, R"({"data_streams":[{"name":"x"}]})"}};
  FakeHttpServer server(cluster);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("is not Hinomi's"));
  EXPECT_THAT(Asked(server, "PUT"), ElementsAre("/_component_template/" + kName + "-mappings"));
}

TEST_F(ElasticsearchSetup, TheirsMustMakeADataStreamToo) {
  FakeHttpServer server([](const Request& request) {
    if (request.target.starts_with("/_index_template/hinomi-")) {
      return FakeHttpServer::Answer(200, R"({"index_templates":[{"index_template":{}}]})");
    }
    return FakeHttpServer::Answer(request.method == "GET" ? 404 : 200, "{}");
  });
  EXPECT_EQ(Prepare(server).code, "no_data_stream");
}

TEST_F(ElasticsearchSetup, AnAgentThatWasFasterIsNoFailure) {
  FakeHttpServer server(
      [cluster = FakeCluster{.ilm = false, .ism = true}](const Request& request) mutable {
        return request.method == "PUT" && request.target.starts_with(kIsm)
                   ? Refusal(409, "version_conflict_engine_exception", "exists")
                   : cluster(request);
      });
  EXPECT_EQ(Prepare(server, KeepForAWeek).error, "");
}

TEST_F(ElasticsearchSetup, IsRetriedUntilItSucceeds) {
  int refusals = 2;
  FakeHttpServer server([&](const Request& request) {
    if (IsBulk(request)) return Stored();
    if (request.method == "GET") return FakeHttpServer::Answer(404, "{}");
    return refusals-- > 0 ? Refusal(403, "security_exception", "no")
                          : FakeHttpServer::Answer(200, "{}");
  });
  ElasticsearchSink sink = Sink(server);
  for (uint32_t lane : {0u, 1u}) {
    const Attempt attempt = Deliver(sink, lane);
    EXPECT_EQ(attempt.code, "403");
    EXPECT_THAT(attempt.error, HasSubstr("cannot write \"/_component_template/hinomi-"));
    EXPECT_THAT(attempt.error, HasSubstr("`setup: false`"));
  }
  EXPECT_EQ(Deliver(sink).error, "");
  const size_t requests = server.Requests().size();
  EXPECT_EQ(Deliver(sink, 1).error, "");
  EXPECT_EQ(server.Requests().size(), requests + 1) << "set up once per sink, not per lane";
}

TEST_F(ElasticsearchSetup, NamesWithWords) {
  const struct {
    const char *index, *bulk, *template_path;
  } kCases[] = {
      {"logs-app-x", "/logs-app-x/_bulk?", "/_index_template/hinomi-logs-app-x"},
      {"logs-{namespace}-x", "/_bulk?", "/_index_template/hinomi-logs-namespace-x"},
      {"a-{year}.{month}", "/_bulk?", "/_index_template/hinomi-a-year.month"},
  };
  for (const auto& test : kCases) {
    FakeHttpServer server(FakeCluster{});
    EXPECT_EQ(
        Prepare(server, [&](ElasticsearchConfig* config) { config->index = test.index; }).error,
        "");
    EXPECT_THAT(server.Requests().back().target, testing::StartsWith(test.bulk));
    EXPECT_EQ(Asked(server, "PUT").back(), test.template_path);
  }
  // Any server makes an index of any name: without setup there is nothing to look for.
  FakeHttpServer server(FakeCluster{});
  EXPECT_EQ(Prepare(server,
                    [](ElasticsearchConfig* config) {
                      config->index = "a-{year}";
                      config->setup = false;
                    })
                .error,
            "");
  EXPECT_EQ(server.Requests().size(), 1u);
}

TEST_F(ElasticsearchSetup, WithoutSetupTheTargetMustBeThereOrBecomeADataStream) {
  const std::string none = R"({"indices":[],"aliases":[],"data_streams":[]})";
  const std::string unclear = R"({"template":{"settings":{}}})";
  const struct {
    const char* name;
    Reply resolve;
    Reply simulate;
    Reply templates;
    const char* code;
  } cases[] = {
      {"exists", FakeHttpServer::Answer(200, R"({"data_streams":[{"name":"x"}]})"), {}, {}, ""},
      {"Elasticsearch, would be a stream",
       FakeHttpServer::Answer(404, "{}"),
       FakeHttpServer::Answer(200, R"({"template":{"mappings":{"_data_stream_timestamp":{}}}})"),
       {},
       ""},
      {"no template",
       FakeHttpServer::Answer(404, "{}"),
       FakeHttpServer::Answer(200, "{}"),
       {},
       "no_data_stream"},
      {"OpenSearch, would be a stream", FakeHttpServer::Answer(200, none),
       FakeHttpServer::Answer(200, unclear),
       FakeHttpServer::Answer(
           200,
           R"({"index_templates":[{"index_template":{"index_patterns":["logs-*"],"data_stream":{}}}]})"),
       ""},
      {"OpenSearch, plain", FakeHttpServer::Answer(200, none), FakeHttpServer::Answer(200, unclear),
       FakeHttpServer::Answer(
           200, R"({"index_templates":[{"index_template":{"index_patterns":["logs-*"]}}]})"),
       "no_data_stream"},
      {"may not look", FakeHttpServer::Answer(403, ""), {}, {}, "403"},
      {"may not simulate",
       FakeHttpServer::Answer(404, ""),
       FakeHttpServer::Answer(403, ""),
       {},
       "403"},
      {"garbage",
       FakeHttpServer::Answer(200, "hello"),
       FakeHttpServer::Answer(200, "hello"),
       {},
       "no_data_stream"},
  };
  for (const auto& test : cases) {
    FakeHttpServer server([&](const Request& request) {
      if (IsBulk(request)) return Stored();
      if (request.target == std::string("/_resolve/index/") + kIndex) return test.resolve;
      if (request.target == std::string("/_index_template/_simulate_index/") + kIndex)
        return test.simulate;
      EXPECT_THAT(request.target, testing::StartsWith("/_index_template?"));
      return test.templates;
    });
    const Attempt attempt =
        Prepare(server, [](ElasticsearchConfig* config) { config->setup = false; });
    EXPECT_EQ(attempt.code, test.code) << test.name << ": " << attempt.error;
    EXPECT_EQ(attempt.error.empty(), attempt.code.empty()) << test.name;
    if (attempt.code == "no_data_stream") {
      EXPECT_THAT(attempt.error, HasSubstr("set `setup: true`"));
    }
    for (const Request& request : server.Requests())
      EXPECT_NE(request.target, "/") << "not every server has it";
  }
}

}  // namespace
}  // namespace hinomi
