// What each of Kafka's errors means to the sink and to an operator. One table.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

struct KafkaError {
  std::string_view text;    // the library's
  std::string_view code;    // value of the metric label `code`
  std::string_view remedy;  // empty where none is known
  bool hopeless =
      false;  // waiting on does not help by itself: somebody must act, or a broker come back
};

/// `error` is a number of librdkafka's (rd_kafka_resp_err_t), not 0.
KafkaError KafkaErrorOf(int error);

/// What an error of a connection really is, by `text`, the library's sentence: a broker that
/// refuses the client's certificate says so after the handshake; one that hangs is not too old.
int KafkaCauseOf(int error, std::string_view text);

/// What to do about SCRAM that fails: the library may be too old for it. Empty if it is not.
std::string ScramRemedy();

/// The brokers have no topic of that name, or show none to this user.
bool IsUnknownTopic(int error);

/// The broker found a set of records, or one, too large for the topic.
bool IsTooLarge(int error);

/// librdkafka's numbers of what the sinks find out themselves.
extern const int kKafkaTooLarge;
extern const int kKafkaTimedOut;

/// Why a message of that many bytes is refused for good.
std::string TooLargeReason(size_t bytes, std::string_view topic);

/// Says that the producer ended, not why.
bool IsAftermath(int error);

}  // namespace hinomi
