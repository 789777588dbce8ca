// What a producer and a consumer of librdkafka begin and end with.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "shipper/sink/kafka_properties.h"

namespace hinomi {

struct KafkaConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaConfDeleter>;

/// Why the library refuses that value; empty when it does not.
std::string SetKafka(rd_kafka_conf_t* conf, const std::string& name, const std::string& value);
/// Errors: config, the library refuses a property.
Result<KafkaConf> KafkaConfOf(const KafkaProperties& properties);
/// Lets the sockets come from the member `egress` of the conf's opaque, a Handle, unless it is
/// null.
template <typename Handle>
void UseEgress(rd_kafka_conf_t* conf, const Handle& handle) {
  if (handle.egress == nullptr) return;
  rd_kafka_conf_set_socket_cb(conf, [](int family, int type, int protocol, void* opaque) {
    const Result<int> made = static_cast<Handle*>(opaque)->egress->Open(family, type, protocol);
    if (!made) errno = made.error().code;  // what the library says of it
    return made ? *made : -1;
  });
  rd_kafka_conf_set_closesocket_cb(conf, [](int socket, void* opaque) {
    static_cast<Handle*>(opaque)->egress->Close(socket);
    return 0;
  });
}
/// Takes the conf. Errors: config.
Result<rd_kafka_t*> NewKafka(rd_kafka_type_t type, KafkaConf conf);

/// Ends `kafka` and then calls `after`. The library waits for its threads, and one of them may be
/// waiting for a name server: what takes longer than a second ends by itself, later.
void EndKafka(rd_kafka_t* kafka, std::function<void()> after);

}  // namespace hinomi
