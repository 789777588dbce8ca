// One life of librdkafka's producer: takes records, says what became of each, and ends within a
// bounded time. Below it is the library, above it KafkaSink, which decides what is sent again.
// Knows nothing of batches.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "shipper/egress.h"
#include "shipper/sink/kafka_properties.h"
#include "shipper/sink/kafka_statistics.h"
#include "shipper/sink/kafka_topic.h"

struct rd_kafka_s;

namespace hinomi {

struct KafkaMessage {
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };

  std::string_view key;  // without data(): none, which another partition may get each time
  std::string_view payload;
  /// What payload points into if it is to be handed over, by all messages of one call or by none;
  /// otherwise it is copied.
  std::unique_ptr<char, Free> own = nullptr;
  const KafkaHeaders* headers = nullptr;  // for all messages of one call, or for none
  uint32_t number = 0;                    // the caller's name for it, in reports
  int error = 0;                          // set by Produce: librdkafka's number if it was not taken
};

/// What became of a message: `error` 0 if it is stored for good.
struct KafkaReport {
  uint32_t number = 0;
  int error = 0;
};

/// What the brokers are known to suffer from. `error` 0: nothing.
struct KafkaTrouble {
  int error = 0;
  std::string text;  // the library's sentence
};

/// What came of a step of a transaction.
struct KafkaStep {
  int error = 0;  // 0: done
  std::string text;
  bool again = false;  // it goes on where it was when it is called once more
  bool abort = false;  // the transaction has to be aborted; otherwise the producer is of no use
};

/// One thread at a time.
class KafkaProducer {
 public:
  struct Options {
    std::string sink_name;  // for its log lines
    KafkaProperties properties;
    std::shared_ptr<KafkaStatistics> statistics = nullptr;  // null: nobody asks
    std::shared_ptr<SinkEgress> egress = nullptr;           // null: sockets as the system has them
  };

  /// Connects in the background. Errors: config, the library refuses a property.
  static Result<std::unique_ptr<KafkaProducer>> Make(Options options);
  /// Which of the settings the library refuses, and why, by name; an empty name: all together.
  static std::vector<std::pair<std::string, std::string>> Check(const KafkaConfig& config);

  /// Forgets what it holds: no report follows. Takes a second at most, whatever the network does.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  /// Takes all messages, or copies of them, in their order, but for those that get an `error`. For
  /// each one taken a report follows. Without a partition the key chooses it.
  void Produce(const std::string& topic, std::span<KafkaMessage> messages,
               std::optional<int32_t> partition = std::nullopt);
  /// The reports that there are, until the next call; waits for the first one, `wait` at most.
  std::span<const KafkaReport> Poll(Duration wait);
  /// Lets the library's events in while nobody polls. Reports stay for Poll.
  void Tend();
  /// Asks a broker what there is; whether one has said so within that time.
  bool Answered(Duration wait);
  /// Lets go of what was given to no broker yet: reports with an error follow.
  void Purge();
  /// For connections from now on.
  void SetPassword(const std::string& username, const std::string& password);

  // With a transactional.id. All reports are to be polled before a commit.
  /// Fences those that had this id before.
  KafkaStep InitTransactions(Duration wait);
  KafkaStep BeginTransaction();
  KafkaStep CommitTransaction(Duration wait);
  KafkaStep AbortTransaction(Duration wait);

  /// What the library said last; forgotten when a record is stored.
  const KafkaTrouble& trouble() const;
  /// How often nothing worked: all brokers down, or all refuse this client.
  uint64_t blackouts() const;
  /// Whether the library refuses to go on, and why.
  bool IsFatal() const { return !Fatal().empty(); }
  std::string Fatal() const;
  int fatal_error() const;  // the library's number; 0: none
  size_t topics() const;
  /// The library's own handle, as long as this lives.
  rd_kafka_s* native() const;

 private:
  struct Handle;
  explicit KafkaProducer(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
};

}  // namespace hinomi
