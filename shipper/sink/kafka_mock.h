// A Kafka cluster within the test's own process, librdkafka's: brokers that fail on demand. It does
// not check sequence numbers; what only a real broker does is in tests/integration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace hinomi {

struct MockRecord {
  std::optional<std::string> key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

class MockKafka {
 public:
  /// Three brokers; every topic has one partition.
  MockKafka();
  ~MockKafka();
  MockKafka(const MockKafka&) = delete;
  MockKafka& operator=(const MockKafka&) = delete;

  std::vector<std::string> brokers() const;
  void CreateTopic(const std::string& topic);
  /// The broker, 1 to 3, that topic's records go to.
  void Lead(const std::string& topic, int broker);
  /// The next Produce requests are answered with these errors (rd_kafka_resp_err_t).
  void FailProduce(const std::vector<int>& errors);
  /// The same of one broker's; Reset does not forget them.
  void FailProduceOf(int broker, const std::vector<int>& errors);
  /// The same of the requests that end a transaction.
  void FailCommit(const std::vector<int>& errors);
  /// No broker knows the topic, or all give that error for it.
  void SetTopicError(const std::string& topic, int error);
  void SetDown(bool down);
  void SetDelay(int milliseconds);
  /// Forgets all faults.
  void Reset();
  /// All records that the topic holds, in their order.
  std::vector<MockRecord> Records(const std::string& topic) const;
  /// Their values.
  std::vector<std::string> Read(const std::string& topic) const;

 private:
  void Fail(int16_t request, const std::vector<int>& errors);

  rd_kafka_s* host_ = nullptr;
  rd_kafka_s* reader_ = nullptr;
  rd_kafka_mock_cluster_s* cluster_ = nullptr;
  // Each change takes the brokers up to a second to notice, so there is none without need.
  bool down_ = false;
  int delay_milliseconds_ = 0;
};

}  // namespace hinomi
