// What tests of the Elasticsearch sink share: one that sends to FakeHttpServers, and their answers.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/fake_http_server.h"
#include "shipper/sink/elasticsearch.h"

namespace hinomi {

using Request = FakeHttpServer::Request;
using Reply = FakeHttpServer::Reply;

inline constexpr const char* kIndex = "logs-kubernetes.container_logs-default";

class FakeClock final : public Clock {
 public:
  Duration Monotonic() const override { return now; }
  Duration Wall() const override { return now; }
  Duration now = std::chrono::hours(1);
};

inline bool IsBulk(const Request& request) {
  return request.target.find("/_bulk") != std::string::npos;
}

inline size_t Documents(const Request& request) {
  return static_cast<size_t>(std::count(request.body.begin(), request.body.end(), '\n')) / 2;
}

inline Reply Items(std::initializer_list<std::string_view> items) {
  std::string body;
  for (std::string_view item : items)
    body += fmt::format("{}{{\"create\":{}}}", body.empty() ? "" : ",", item);
  return FakeHttpServer::Answer(200, fmt::format(R"({{"errors":true,"items":[{}]}})", body));
}

inline Reply AllGood(const Request& request) {
  std::string items;
  for (size_t i = 0; i < Documents(request); ++i) items += R"(,{"create":{"status":201}})";
  return FakeHttpServer::Answer(
      200, fmt::format(R"({{"errors":false,"items":[{}]}})", items.empty() ? "" : items.substr(1)));
}

/// Says yes to setup and leaves _bulk to `bulk`.
inline FakeHttpServer::Handler Bulk(std::function<Reply(const Request&)> bulk) {
  return [bulk = std::move(bulk)](const Request& request) {
    return IsBulk(request) ? bulk(request)
                           : FakeHttpServer::Answer(200, R"({"acknowledged":true})");
  };
}

inline Batch BatchOf(size_t records, size_t document_bytes = 20) {
  Batch batch;
  batch.slices.resize(1);
  for (size_t i = 0; i < records; ++i) {
    BatchRecord record;
    record.begin = static_cast<uint32_t>(batch.bytes.size());
    batch.bytes += fmt::format("{{\"create\":{{\"_id\":\"{}\"}}}}\n{{\"m\":\"{}\"}}\n", i,
                               std::string(document_bytes, 'x'));
    record.end = static_cast<uint32_t>(batch.bytes.size());
    batch.records.push_back(record);
  }
  return batch;
}

inline std::vector<Outcome> Outcomes(const Batch& batch) {
  std::vector<Outcome> outcomes;
  for (const BatchRecord& record : batch.records) outcomes.push_back(record.outcome);
  return outcomes;
}

class ElasticsearchSinkTest : public testing::Test {
 protected:
  ~ElasticsearchSinkTest() override {
    for (const std::string& path : files_to_remove_) std::filesystem::remove(path);
  }

  ElasticsearchSink& Make(const std::vector<std::string>& endpoints,
                          const std::function<void(ElasticsearchConfig*)>& change = {}) {
    ElasticsearchConfig config;
    config.endpoints = endpoints;
    config.compression = Compression::kNone;
    config.timeout = std::chrono::seconds(5);
    if (change) change(&config);
    sink_ = std::make_unique<ElasticsearchSink>(
        "search", config, ElasticsearchSink::Environment{files_, clock_, metrics_});
    return *sink_;
  }

  std::string SecretFile(const std::string& content) {
    char path[] = "/tmp/hinomi-secret-XXXXXX";
    close(mkstemp(path));
    files_to_remove_.push_back(path);
    std::ofstream(path) << content;
    return path;
  }

  PosixFileSystem files_;
  FakeClock clock_;
  Metrics metrics_;
  std::unique_ptr<ElasticsearchSink> sink_;
  std::vector<std::string> files_to_remove_;
};

}  // namespace hinomi
