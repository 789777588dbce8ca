#include "shipper/sink/kafka_library.h"

#include <array>
#include <future>
#include <thread>

namespace hinomi {
namespace {

constexpr std::chrono::seconds kEndPatience{1};

using ErrorText = std::array<char, 512>;

}  // namespace

std::string SetKafka(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  ErrorText text = {};
  const bool good = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(),
                                      text.size()) == RD_KAFKA_CONF_OK;
  return good ? "" : text.data();
}

Result<KafkaConf> KafkaConfOf(const KafkaProperties& properties) {
  KafkaConf conf(rd_kafka_conf_new());
  for (const auto& [name, value] : properties) {
    const std::string problem = SetKafka(conf.get(), name, value);
    if (!problem.empty()) return Error{ErrorKind::kConfig, problem};
  }
  return conf;
}

Result<rd_kafka_t*> NewKafka(rd_kafka_type_t type, KafkaConf conf) {
  ErrorText text = {};
  rd_kafka_t* const kafka = rd_kafka_new(type, conf.get(), text.data(), text.size());
  if (kafka == nullptr) return Error{ErrorKind::kConfig, text.data()};
  static_cast<void>(conf.release());  // it is the other's now
  return kafka;
}

void EndKafka(rd_kafka_t* kafka, std::function<void()> after) {
  std::promise<void> ended;
  std::future<void> end = ended.get_future();
  std::thread([kafka, after = std::move(after), ended = std::move(ended)]() mutable {
    rd_kafka_destroy(kafka);
    after();
    ended.set_value();
  }).detach();
  end.wait_for(kEndPatience);
}

}  // namespace hinomi
