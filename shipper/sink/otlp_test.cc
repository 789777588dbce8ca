#include "shipper/sink/otlp.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <proto/otlp.grpc.pb.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/protobuf_wire.h"
#include "base/temporary_directory.h"
#include "shipper/sink/otlp_fixture.h"
#include "shipper/sink/otlp_json.h"

namespace hinomi {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Batch Numbered(int count) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) bodies.push_back(fmt::format("line {}", i));
  return BatchOf({bodies});
}

std::string BytesOf(std::span<const std::string_view> parts) {
  std::string bytes;
  for (std::string_view part : parts) bytes += part;
  return bytes;
}

TEST(OtlpRequest, HasTheResourceOnceForTheRecordsOfASlice) {
  const Batch batch = BatchOf({{"a", "b", std::string(300, 'c')}, {}, {"d"}, {"e", "f"}});
  OtlpRequest assembler;
  const struct {
    std::vector<uint32_t> records;
    std::vector<std::string> want;
    int resources;
  } kCases[] = {
      {{0, 1, 2, 3, 4, 5},
       {"pod-0: a", "pod-0: b", "pod-0: " + std::string(300, 'c'), "pod-2: d", "pod-3: e",
        "pod-3: f"},
       3},
      {{1, 5}, {"pod-0: b", "pod-3: f"}, 2},
      {{4}, {"pod-3: e"}, 1},
      {{}, {}, 0},
  };
  for (const auto& [records, want, resources] : kCases) {
    const std::string bytes = BytesOf(assembler.Assemble(batch, records));
    EXPECT_EQ(bytes.size(), assembler.bytes());
    otlp::ExportLogsServiceRequest request;
    ASSERT_TRUE(request.ParseFromString(bytes));
    EXPECT_EQ(Lines(request), want);
    EXPECT_EQ(request.resource_logs_size(), resources);
  }
}

TEST(OtlpJson, IsTheRequest) {
  otlp::ExportLogsServiceRequest request;
  otlp::ResourceLogs* const logs = request.add_resource_logs();
  otlp::KeyValue* const tags = logs->mutable_resource()->add_attributes();
  tags->set_key("container.image.tags");
  tags->mutable_value()->mutable_array_value()->add_values()->set_string_value("main");
  otlp::LogRecord* const record = logs->add_scope_logs()->add_log_records();
  record->set_time_unix_nano(1767323045123456789u);
  record->set_severity_number(13);
  record->set_severity_text("warn");
  record->mutable_body()->set_string_value("say \"hi\"\n");
  otlp::KeyValue* const offset = record->add_attributes();
  offset->set_key("log.file.record_offset");
  offset->mutable_value()->set_int_value(7);
  otlp::KeyValue* const cut = record->add_attributes();
  cut->set_key("hinomi.cut");
  cut->mutable_value()->set_bool_value(true);
  EXPECT_EQ(
      OtlpJson(request.SerializeAsString()),
      R"({"resourceLogs":[{"resource":{"attributes":[{"key":"container.image.tags","value":)"
      R"({"arrayValue":{"values":[{"stringValue":"main"}]}}}]},"scopeLogs":[{"logRecords":[)"
      R"({"timeUnixNano":"1767323045123456789","observedTimeUnixNano":"0","severityNumber":13,)"
      R"("severityText":"warn","body":{"stringValue":"say \"hi\"\n"},"attributes":[)"
      R"({"key":"log.file.record_offset","value":{"intValue":"7"}},)"
      R"({"key":"hinomi.cut","value":{"boolValue":true}}]}]}]}]})");
}

/// A collector that answers as the test wants.
class Collector final : public otlp::LogsService::Service {
 public:
  using Answer =
      std::function<grpc::Status(const std::vector<std::string>& lines, grpc::ServerContext* call,
                                 otlp::ExportLogsServiceResponse* response)>;

  explicit Collector(Answer answer = {}, int bytes_max = 4 << 20) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(bytes_max);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Collector() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string endpoint() const { return fmt::format("127.0.0.1:{}", port_); }
  /// The sizes of the requests so far, in records.
  std::vector<size_t> sizes() const {
    const std::lock_guard lock(mutex_);
    return sizes_;
  }

  grpc::Status Export(grpc::ServerContext* call, const otlp::ExportLogsServiceRequest* request,
                      otlp::ExportLogsServiceResponse* response) override {
    const std::vector<std::string> lines = Lines(*request);
    const std::lock_guard lock(mutex_);
    sizes_.push_back(lines.size());
    return answer_ ? answer_(lines, call, response) : grpc::Status::OK;
  }

 private:
  const Answer answer_;
  mutable std::mutex mutex_;
  std::vector<size_t> sizes_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class OtlpSinkTest : public testing::Test {
 protected:
  std::unique_ptr<OtlpSink> SinkTo(const std::string& endpoint, OtlpConfig config = {}) {
    config.endpoint = endpoint;
    return std::make_unique<OtlpSink>("otel", config, OtlpSink::Environment{files_, metrics_});
  }
  static size_t Count(const Batch& batch, Outcome outcome) {
    return static_cast<size_t>(
        std::count_if(batch.records.begin(), batch.records.end(),
                      [&](const BatchRecord& record) { return record.outcome == outcome; }));
  }

  PosixFileSystem files_;
  Metrics metrics_;
  std::stop_token stop_;
};

TEST_F(OtlpSinkTest, DeliversABatchInOneRequest) {
  for (const Compression compression : {Compression::kNone, Compression::kGzip}) {
    std::vector<std::string> arrived;
    Collector collector([&](const auto& lines, auto*, auto*) {
      arrived = lines;
      return grpc::Status::OK;
    });
    OtlpConfig config;
    config.compression = compression;
    const auto sink = SinkTo(collector.endpoint(), config);
    Batch batch = BatchOf({{"a", "b"}, {"c"}});
    const Attempt attempt = sink->Deliver(batch, 0, stop_);
    EXPECT_EQ(attempt.error, "");
    EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 3u);
    EXPECT_THAT(arrived, ElementsAre("pod-0: a", "pod-0: b", "pod-1: c"));
    EXPECT_THAT(collector.sizes(), ElementsAre(3));
  }
}

TEST_F(OtlpSinkTest, SendsWhatIsPendingAlone) {
  Collector collector;
  const auto sink = SinkTo(collector.endpoint());
  Batch batch = Numbered(5);
  for (const size_t decided : {0u, 1u, 3u}) batch.records[decided].outcome = Outcome::kRejected;
  EXPECT_EQ(sink->Deliver(batch, 1, stop_).error, "");
  EXPECT_THAT(collector.sizes(), ElementsAre(2));
  EXPECT_EQ(Count(batch, Outcome::kRejected), 3u);
}

TEST_F(OtlpSinkTest, SendsHeadersAndReadsSecretsAnew) {
  std::vector<std::string> seen;
  Collector collector([&](const auto&, grpc::ServerContext* call, auto*) {
    const auto& headers = call->client_metadata();
    for (const char* name : {"x-tenant", "authorization"}) {
      const auto found = headers.find(name);
      seen.emplace_back(found == headers.end()
                            ? "none"
                            : std::string(found->second.data(), found->second.size()));
    }
    return grpc::Status::OK;
  });
  const TemporaryDirectory directory;
  const std::string secret = directory / "token";
  std::ofstream(secret) << "Bearer one\n";
  OtlpConfig config;
  config.headers = {{"x-tenant", "shop"}};
  config.header_files = {{"authorization", secret}};
  const auto sink = SinkTo(collector.endpoint(), config);
  EXPECT_EQ(sink->Try(stop_).error, "");
  std::ofstream(secret) << "Bearer two\n";
  EXPECT_EQ(sink->Try(stop_).error, "");
  EXPECT_THAT(seen, ElementsAre("shop", "Bearer one", "shop", "Bearer two"));
  std::ofstream(secret) << "caf\xe9\n";
  EXPECT_THAT(sink->Try(stop_).error, HasSubstr("\"authorization\": its value is not printable"));
  EXPECT_EQ(sink->Try(stop_).code, "secret");
}

TEST_F(OtlpSinkTest, WhatIsNotAboutTheRecordsLeavesThemPending) {
  const struct {
    grpc::StatusCode status;
    std::string code;
  } kCases[] = {{grpc::StatusCode::UNAVAILABLE, "unavailable"},
                {grpc::StatusCode::RESOURCE_EXHAUSTED, "resource_exhausted"},
                {grpc::StatusCode::UNAUTHENTICATED, "unauthenticated"},
                {grpc::StatusCode::PERMISSION_DENIED, "permission_denied"},
                {grpc::StatusCode::INTERNAL, "internal"},
                {grpc::StatusCode::UNIMPLEMENTED, "unimplemented"},
                {grpc::StatusCode::DATA_LOSS, "data_loss"}};
  for (const auto& [status, code] : kCases) {
    Collector collector(
        [&, status = status](auto&&...) { return grpc::Status(status, "not today"); });
    const auto sink = SinkTo(collector.endpoint());
    Batch batch = Numbered(3);
    const Attempt attempt = sink->Deliver(batch, 0, stop_);
    EXPECT_EQ(attempt.code, code);
    EXPECT_THAT(attempt.error, HasSubstr("cannot send to \"" + collector.endpoint() +
                                         "\": " + code + ": not today"));
    EXPECT_EQ(attempt.retry_after, std::nullopt);
    EXPECT_EQ(Count(batch, Outcome::kPending), 3u);
    EXPECT_EQ(collector.sizes().size(), 1u);
  }
}

TEST_F(OtlpSinkTest, WaitsAsLongAsItIsTold) {
  const auto details = [] {
    otlp::RetryInfo info;
    info.mutable_retry_delay()->set_seconds(7);
    info.mutable_retry_delay()->set_nanos(500'000'000);
    otlp::Status status;
    status.add_details()->set_type_url("type.googleapis.com/google.rpc.DebugInfo");
    otlp::StatusDetail* const detail = status.add_details();
    detail->set_type_url("type.googleapis.com/google.rpc.RetryInfo");
    detail->set_value(info.SerializeAsString());
    return status.SerializeAsString();
  };
  Collector collector([&](auto&&...) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "a quota", details());
  });
  Batch batch = Numbered(3);
  EXPECT_EQ(SinkTo(collector.endpoint())->Deliver(batch, 0, stop_).retry_after,
            std::chrono::milliseconds(7500));
  Collector pushing([](const auto&, grpc::ServerContext* call, auto*) {
    call->AddTrailingMetadata("grpc-retry-pushback-ms", "250");
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy");
  });
  EXPECT_EQ(SinkTo(pushing.endpoint())->Deliver(batch, 0, stop_).retry_after,
            std::chrono::milliseconds(250));
  EXPECT_EQ(Count(batch, Outcome::kPending), 3u);
}

TEST_F(OtlpSinkTest, NobodyIsThere) {
  std::string endpoint;
  { endpoint = Collector().endpoint(); }
  const auto sink = SinkTo(endpoint);
  Batch batch = Numbered(1);
  const Attempt attempt = sink->Deliver(batch, 0, stop_);
  EXPECT_EQ(attempt.code, "unavailable");
  EXPECT_THAT(attempt.error, HasSubstr("refused"));
  EXPECT_EQ(sink->Try(stop_).code, "unavailable");
}

TEST_F(OtlpSinkTest, ASlowServerIsWaitedForNoLongerThanTheTimeout) {
  std::stop_source stopping;
  Collector collector([](const auto&, grpc::ServerContext* call, auto*) {
    while (!call->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return grpc::Status::OK;
  });
  OtlpConfig config;
  config.timeout = std::chrono::milliseconds(100);
  Batch batch = Numbered(1);
  EXPECT_EQ(SinkTo(collector.endpoint(), config)->Deliver(batch, 0, stop_).code,
            "deadline_exceeded");
  config.timeout = std::chrono::minutes(1);
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stopping.request_stop();
  });
  EXPECT_EQ(SinkTo(collector.endpoint(), config)->Deliver(batch, 0, stopping.get_token()).code,
            "stopped");
  EXPECT_EQ(Count(batch, Outcome::kPending), 1u);
}

TEST_F(OtlpSinkTest, TheRecordThatIsNotValidIsFound) {
  std::set<std::string> taken;
  Collector collector([&](const auto& lines, auto*, auto*) {
    for (const std::string& line : lines) {
      if (line == "pod-0: line 57") {
        return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no such time");
      }
    }
    for (const std::string& line : lines) EXPECT_TRUE(taken.insert(line).second) << line;
    return grpc::Status::OK;
  });
  const auto sink = SinkTo(collector.endpoint());
  Batch batch = Numbered(100);
  EXPECT_EQ(sink->Deliver(batch, 0, stop_).error, "");
  EXPECT_EQ(taken.size(), 99u);
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 99u);
  ASSERT_EQ(batch.rejections.size(), 1u);
  const Rejection& rejection = batch.rejections[0];
  EXPECT_EQ(rejection.record, 57u);
  EXPECT_EQ(rejection.type, "invalid_argument");
  EXPECT_EQ(rejection.reason, "no such time");
  EXPECT_FALSE(rejection.perhaps_taken);
  const std::string shown = OtlpJson(batch, rejection.record);
  EXPECT_THAT(shown, HasSubstr(R"("stringValue":"line 57")"));
  EXPECT_FALSE(rapidjson::Document().Parse(shown.c_str()).HasParseError());
}

TEST_F(OtlpSinkTest, RequestsBecomeAsSmallAsTheServerWants) {
  Collector collector({}, /*bytes_max=*/4096);
  OtlpConfig config;
  config.compression = Compression::kNone;
  const auto sink = SinkTo(collector.endpoint(), config);
  Batch batch = BatchOf({std::vector<std::string>(64, std::string(200, 'x'))});
  EXPECT_EQ(sink->Deliver(batch, 0, stop_).error, "");
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 64u);
  const size_t requests = collector.sizes().size();
  batch = BatchOf({std::vector<std::string>(64, std::string(200, 'x')), {std::string(5000, 'y')}});
  EXPECT_EQ(sink->Deliver(batch, 0, stop_).error, "");
  EXPECT_LE(collector.sizes().size(), 2 * requests) << "it remembers what was too large";
  EXPECT_EQ(Count(batch, Outcome::kAcknowledged), 64u);
  ASSERT_EQ(batch.rejections.size(), 1u);
  EXPECT_EQ(batch.rejections[0].record, 64u);
  EXPECT_EQ(batch.rejections[0].type, "request_too_large");
}

/// Refuses as many as contain the word.
Collector::Answer Refusing(std::string word) {
  return [word](const std::vector<std::string>& lines, auto*,
                otlp::ExportLogsServiceResponse* response) {
    const auto refused = std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(word) != std::string::npos;
    });
    otlp::ExportLogsPartialSuccess* const partial = response->mutable_partial_success();
    partial->set_rejected_log_records(refused);
    partial->set_error_message(refused > 0 ? "too old" : "only a warning");
    return grpc::Status::OK;
  };
}

TEST_F(OtlpSinkTest, WhereItIsNotSaidWhichWereRefusedNoneCountsAsTakenAndNoneIsSentAgain) {
  Collector collector(Refusing("line 3"));
  const auto sink = SinkTo(collector.endpoint());
  Batch batch = Numbered(10);
  EXPECT_EQ(sink->Deliver(batch, 0, stop_).error, "");
  EXPECT_THAT(collector.sizes(), ElementsAre(10));
  EXPECT_EQ(Count(batch, Outcome::kRejected), 10u);
  ASSERT_EQ(batch.rejections.size(), 10u);
  for (const Rejection& rejection : batch.rejections) {
    EXPECT_TRUE(rejection.perhaps_taken);
    EXPECT_EQ(rejection.type, "partial_success");
    EXPECT_THAT(rejection.reason, HasSubstr("1 of 10 records"));
    EXPECT_THAT(rejection.reason, HasSubstr("too old"));
  }
  // From then on little goes together, so that little is unsure.
  batch = Numbered(10);
  EXPECT_EQ(sink->Deliver(batch, 0, stop_).error, "");
  EXPECT_THAT(collector.sizes(), ElementsAre(10, 1, 2, 3, 1, 2, 1));
  ASSERT_EQ(batch.rejections.size(), 3u);
  EXPECT_EQ(batch.rejections[0].record, 3u);
}

TEST_F(OtlpSinkTest, WhereAllWereRefusedThatIsCertain) {
  Collector collector(Refusing("line"));
  Batch batch = Numbered(10);
  EXPECT_EQ(SinkTo(collector.endpoint())->Deliver(batch, 0, stop_).error, "");
  EXPECT_THAT(collector.sizes(), ElementsAre(10));
  ASSERT_EQ(batch.rejections.size(), 10u);
  EXPECT_FALSE(batch.rejections[0].perhaps_taken);
  EXPECT_EQ(batch.rejections[0].reason, "too old");
}

}  // namespace
}  // namespace hinomi
