#include "shipper/sink/kafka_exactly_once.h"

#include <tuple>
#include <utility>

namespace hinomi {

KafkaExactlyOnceSink::KafkaExactlyOnceSink(const SinkConfig& config,
                                           const std::vector<RouteConfig>& routes,
                                           const KafkaEnvironment& environment)
    : config_(config), around_(environment) {
  for (uint32_t i = 0; i < routes.size(); ++i) {
    if (routes[i].sink != config.name) continue;
    routes_.emplace(
        std::piecewise_construct, std::forward_as_tuple(i),
        std::forward_as_tuple(KafkaTransactions::Options{config.name, config.batch_bytes,
                                                         config.kafka, routes[i].name},
                              environment));
  }
}

Attempt KafkaExactlyOnceSink::Deliver(Batch& batch, uint32_t, const std::stop_token& stop) {
  return routes_.at(batch.route).Deliver(batch, stop);
}

Attempt KafkaExactlyOnceSink::Try(const std::stop_token& stop) {
  Attempt attempt = KafkaSink(config_, around_).Try(stop);
  if (!attempt.error.empty() || routes_.empty()) return attempt;
  return routes_.begin()->second.Try(stop);
}

void KafkaExactlyOnceSink::Tidy() {
  for (auto& [index, route] : routes_) route.Tidy();
}

Attempt KafkaExactlyOnceSink::Open(uint32_t route, const std::stop_token& stop,
                                   std::vector<KeptCursor>* cursors) {
  return routes_.at(route).Open(stop, cursors);
}

void KafkaExactlyOnceSink::Forget(uint32_t route, std::vector<std::string> logs) {
  routes_.at(route).Forget(std::move(logs));
}

}  // namespace hinomi
