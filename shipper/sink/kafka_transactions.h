// One route's transactions: the records of a batch and the cursors behind them are committed
// together or not at all (docs/decisions/0013-kafka-keeps-the-cursors.md). A batch is one
// transaction.
//
//   Open: a producer with the route's id, which fences its former self; a marker into the topic of
//   the cursors; that is read up to the marker.
//   Deliver: begin, records, cursors, commit. What fails before the commit is aborted and sent
//   again as a whole. Where the producer is lost, or nobody knows how a commit ended, the route is
//   opened anew: then the cursors tell.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "config/config.h"
#include "shipper/cursor_keeper.h"
#include "shipper/sink.h"
#include "shipper/sink/kafka_cursor_topic.h"
#include "shipper/sink/kafka_environment.h"
#include "shipper/sink/kafka_messages.h"
#include "shipper/sink/kafka_producer.h"

namespace hinomi {

/// One thread at a time, but for Forget.
class KafkaTransactions {
 public:
  struct Options {
    std::string sink_name;
    uint64_t batch_bytes = 0;
    KafkaConfig config;
    std::string route;
  };
  /// Metrics: hinomi_kafka_transactions_total{sink, route, outcome}.
  KafkaTransactions(Options options, const KafkaEnvironment& environment);

  /// As CursorKeeper's.
  Attempt Open(const std::stop_token& stop, std::vector<KeptCursor>* cursors);
  void Forget(std::vector<std::string> logs);
  /// Whether the topic of the cursors, if it is there, is fit for them. Opens and writes nothing.
  Attempt Try(const std::stop_token& stop) const;
  /// Lets the library's statistics in.
  void Tidy();
  /// As Sink's.
  Attempt Deliver(Batch& batch, const std::stop_token& stop);

 private:
  using Patience = KafkaCursorTopic::Patience;
  /// What came of producing messages.
  struct Produced {
    size_t reports = 0;               // that have not come yet
    int error = 0;                    // the first that is not about the size of a record
    std::vector<uint32_t> too_large;  // messages, or their records
    bool good() const { return error == 0 && too_large.empty(); }
  };

  Duration TimeFor(uint64_t bytes) const;
  Patience PatienceFor(uint64_t bytes, const std::stop_token& stop) const;
  Attempt Make();
  Attempt Fence(const Patience& patience);
  Result<std::unique_ptr<KafkaCursorTopic>> MakeTopic(const KafkaSecrets& secrets) const;
  Attempt ReadCursors(const Patience& patience, std::vector<KeptCursor>* cursors);
  Attempt Mark(const Patience& patience, const std::string& marker);
  Attempt Send(Batch& batch, const Patience& patience, bool* again);
  void ProduceCursors(const Batch& batch, Produced* outcome);
  void Produce(const Batch& batch, const std::vector<uint32_t>& records, const Patience& patience,
               Produced* outcome);
  void ProduceSpread(const std::string& topic, std::span<KafkaMessage> messages);
  void Await(const Patience& patience, Produced* outcome);
  bool Suspect(const Batch& batch, const std::vector<uint32_t>& too_large);
  Attempt Commit(Batch& batch, const Patience& patience);
  void Abort();
  Attempt Reject(Batch& batch);
  Attempt Failure(int error, const std::string& text = "") const;
  Attempt Lost(Attempt attempt);

  const Options options_;
  const KafkaEnvironment environment_;
  KafkaMessages messages_;
  const std::shared_ptr<KafkaStatistics> statistics_ = std::make_shared<KafkaStatistics>();
  Metrics::Hook hook_;
  const std::string route_key_;
  const std::string run_;      // tells this life of the sink from others
  const std::string brokers_;  // for messages
  Counter committed_, aborted_;

  std::unique_ptr<KafkaProducer> producer_;  // null: the route is not open
  KafkaSecrets secrets_;                     // that it has
  Duration lengthened_{0};                   // what its timeouts are longer by
  KafkaSets sets_;                           // becomes smaller for good when a broker refuses one
  int32_t partition_ = 0;                    // of the topic of cursors
  uint64_t markers_ = 0;
  bool policy_told_ = false;  // that nobody says whether the topic of cursors is compacted

  // The batch at hand.
  uint64_t batch_ = 0;
  bool committing_ = false;      // all is sent, and the commit has not been answered
  std::set<uint32_t> suspects_;  // records that are too large alone or with their neighbours
  std::set<uint32_t> too_large_;
  size_t forgetting_ = 0;  // how many of gone_ it takes away

  std::mutex mutex_;
  std::vector<std::string> gone_;  // logs whose cursors are to be taken away
};

}  // namespace hinomi
