// The topic that keeps cursors, as its reader sees it: makes it where it is missing, and reads what
// is committed in one of its partitions. Knows nothing of what the messages mean.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "shipper/sink/kafka_producer.h"

namespace hinomi {

/// One thread at a time.
class KafkaCursorTopic {
 public:
  struct Options {
    std::string sink_name;  // for its log lines
    std::string topic;
    KafkaProperties properties;                    // of the connection
    std::shared_ptr<SinkEgress> egress = nullptr;  // as KafkaProducer's
  };
  /// How long to wait, and for whom not to.
  struct Patience {
    const Clock& clock;
    Duration deadline{0};  // monotonic
    const std::stop_token& stop;
    Duration left() const;
    bool over() const { return stop.stop_requested() || left() <= Duration{0}; }
  };

  struct Found {
    int32_t partitions = 0;      // 0: there is no such topic
    std::string policy_unknown;  // why nobody says whether it is compacted; empty: it is
  };

  /// Connects in the background. Errors: config, the library refuses a property.
  static Result<std::unique_ptr<KafkaCursorTopic>> Make(Options options);
  ~KafkaCursorTopic();
  KafkaCursorTopic(const KafkaCursorTopic&) = delete;
  KafkaCursorTopic& operator=(const KafkaCursorTopic&) = delete;

  /// Looks at the topic. What is wrong: also that it is not compacted, since a log that is quiet
  /// for longer than the topic keeps messages would lose its cursor.
  KafkaTrouble Find(const Patience& patience, Found* found);
  /// The same, and makes the topic, compacted, where there is none.
  KafkaTrouble Prepare(const Patience& patience, Found* found);
  /// Gives `take` the key and value of each message, from the first one on, until that returns
  /// true. What is wrong if it did not.
  KafkaTrouble Read(int32_t partition, const Patience& patience,
                    const std::function<bool(std::string_view, std::string_view)>& take);

 private:
  struct Handle;
  explicit KafkaCursorTopic(std::unique_ptr<Handle> handle);
  KafkaTrouble Count(const Patience& patience, int32_t* partitions);
  KafkaTrouble CheckPolicy(const Patience& patience, std::string* unknown);
  KafkaTrouble Create(const Patience& patience);

  std::unique_ptr<Handle> handle_;
};

}  // namespace hinomi
