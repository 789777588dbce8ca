// Which routes go to which sinks, at the start and after the configuration has changed.
#include <algorithm>

#include "base/check.h"
#include "shipper/pipeline.h"
#include "shipper/plaintext.h"

namespace hinomi {
namespace {

// Null where there is none of that name.
const RouteConfig* FindRoute(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.routes.begin(), config.routes.end(),
                                  [&](const RouteConfig& route) { return route.name == name; });
  return found == config.routes.end() ? nullptr : &*found;
}

const SinkConfig* FindSink(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.sinks.begin(), config.sinks.end(),
                                  [&](const SinkConfig& sink) { return sink.name == name; });
  return found == config.sinks.end() ? nullptr : &*found;
}

// What it may send in a second can change while a sink runs; nothing else can.
SinkConfig BesideItsLimit(SinkConfig sink) {
  sink.egress.bytes_per_second = 0;
  return sink;
}

}  // namespace

std::vector<Duration> Pipeline::LingersOf(const Config& config) {
  std::vector<Duration> lingers;
  for (const RouteConfig& route : config.routes) {
    const SinkConfig* const sink = FindSink(config, route.sink);
    CHECK(sink != nullptr);
    lingers.push_back(sink->LingerInEffect());
  }
  return lingers;
}

std::shared_ptr<Outlet> Pipeline::OutletOf(const std::string& sink) const {
  const auto found = std::find_if(outlets_.begin(), outlets_.end(),
                                  [&](const auto& outlet) { return outlet->config.name == sink; });
  return found == outlets_.end() ? nullptr : *found;
}

std::vector<std::string> Pipeline::NamesOf(const Outlet& outlet, const RouteTable& routes) const {
  std::vector<std::string> names;
  for (const RouteConfig& route : routes.by_index()) {
    names.push_back(route.sink == outlet.config.name ? route.name : "");
  }
  return names;
}

std::vector<uint32_t> Pipeline::HighOf(const RouteTable& routes) {
  std::vector<uint32_t> high;
  for (uint32_t route = 0; route < routes.size(); ++route) {
    if (routes[route].priority == Priority::kHigh) high.push_back(route);
  }
  return high;
}

uint64_t Pipeline::ShareOf(const Outlet& outlet) const {
  const uint64_t share = config_.limits.in_flight_bytes_max / config_.sinks.size();
  return share - std::min(share, outlet.sink->buffer_bytes());
}

std::shared_ptr<Outlet> Pipeline::MakeOutlet(const SinkConfig& config, const RouteTable& routes) {
  auto outlet = std::make_shared<Outlet>();
  outlet->config = config;
  outlet->sink = parts_.make_sink(config, {config_.cluster, config_.node, routes.by_index(),
                                           parts_.files, parts_.clock, parts_.metrics, egress_});
  parts_.metrics
      .GaugeOf("hinomi_sink_plaintext",
               "1 where the sink sends to other machines what anybody on the way can read.",
               {{"sink", config.name}})
      .Set(SendsPlaintext(config) ? 1 : 0);
  Delivery::Options options{config.name,        NamesOf(*outlet, routes),
                            config.batch_bytes, ShareOf(*outlet),
                            /*kept_routes=*/{}, HighOf(routes)};
  for (uint32_t route = 0; route < routes.size(); ++route) {
    const bool kept = outlet->sink->cursors() != nullptr;
    if (kept && routes[route].sink == config.name) options.kept_routes.push_back(route);
  }
  outlet->delivery = std::make_unique<Delivery>(
      std::move(options),
      Delivery::Parts{.sink = *outlet->sink,
                      .dead_letters = dead_letters_,
                      .clock = parts_.clock,
                      .metrics = parts_.metrics,
                      .settle = [this](const Batch& batch) { store_.Settle(batch); },
                      .room = [this] { store_.Wake(); },
                      .adopt =
                          [this](uint32_t route, std::vector<KeptCursor> cursors) {
                            store_.Adopt(route, std::move(cursors));
                          },
                      .forget = [this](const Batch& batch) { store_.Forget(batch); }});
  return outlet;
}

// A route whose sink is not there goes nowhere.
void Pipeline::Connect(const RouteTable& routes) {
  Worker::Routes ways;
  for (uint32_t route = 0; route < routes.size(); ++route) {
    const std::shared_ptr<Outlet> outlet = OutletOf(routes[route].sink);
    if (outlet == nullptr) {
      ways.emplace_back();
      continue;
    }
    ways.emplace_back(Worker::Route{*outlet->delivery,
                                    MakeEncoder(config_, outlet->config, outlet->sink->format()),
                                    outlet->config.batch_bytes, outlet->config.LingerInEffect(),
                                    routes[route].priority == Priority::kHigh});
  }
  worker_->SetRoutes(std::move(ways));
  for (const std::shared_ptr<Outlet>& outlet : outlets_) {
    outlet->delivery->SetRoutes(NamesOf(*outlet, routes), HighOf(routes));
  }
}

std::vector<std::shared_ptr<Outlet>> Pipeline::BeginReload(const Config& next) {
  const RouteTable routes = store_.routes();
  std::vector<RouteConfig> staying;
  for (const RouteConfig& route : config_.routes) {
    const RouteConfig* const later = FindRoute(next, route.name);
    if (later != nullptr && *later == route) staying.push_back(route);
  }
  std::vector<std::shared_ptr<Outlet>> leaving;
  std::erase_if(outlets_, [&](const std::shared_ptr<Outlet>& outlet) {
    const SinkConfig* const later = FindSink(next, outlet->config.name);
    bool stays = later != nullptr && BesideItsLimit(*later) == BesideItsLimit(outlet->config);
    // A sink that keeps cursors is made for its routes.
    if (outlet->sink->cursors() != nullptr) {
      const auto goes_here = [&](const RouteConfig& route) {
        return route.sink == outlet->config.name;
      };
      stays = stays &&
              std::count_if(staying.begin(), staying.end(), goes_here) ==
                  std::count_if(next.routes.begin(), next.routes.end(), goes_here) &&
              std::count_if(staying.begin(), staying.end(), goes_here) ==
                  std::count_if(config_.routes.begin(), config_.routes.end(), goes_here);
    }
    if (!stays) leaving.push_back(outlet);
    return !stays;
  });
  RouteTable until_then = routes;
  until_then.Configure(staying);
  Connect(until_then);
  for (const std::shared_ptr<Outlet>& outlet : leaving) outlet->delivery->SetRoutes({}, {});
  return leaving;
}

bool Pipeline::Withdrawn(const std::vector<std::shared_ptr<Outlet>>& leaving) const {
  bool withdrawn = true;
  for (const auto& outlets : {outlets_, leaving}) {
    for (const std::shared_ptr<Outlet>& outlet : outlets) {
      outlet->delivery->ForgetForeign();
      withdrawn = withdrawn && !outlet->delivery->HoldsForeign();
    }
  }
  return withdrawn;
}

void Pipeline::FinishReload(const Config& next) {
  const RouteTable before = store_.routes();
  for (uint32_t route = 0; route < before.size(); ++route) {
    const RouteConfig* const later = FindRoute(next, before[route].name);
    const bool stays = later != nullptr && later->sink == before[route].sink;
    if (!stays || OutletOf(before[route].sink) == nullptr) store_.TakeBack(route);
  }
  for (const SinkConfig& sink : config_.sinks) {
    if (FindSink(next, sink.name) == nullptr) parts_.metrics.Hide({{"sink", sink.name}});
  }
  config_.sinks = next.sinks;
  config_.routes = next.routes;
  config_.fairness = next.fairness;
  config_.egress = next.egress;
  egress_.Apply(config_);
  store_.Configure({config_.routes, LingersOf(config_), config_.fairness});
  const RouteTable routes = store_.routes();
  std::vector<std::shared_ptr<Outlet>> outlets;
  for (const SinkConfig& sink : config_.sinks) {
    std::shared_ptr<Outlet> outlet = OutletOf(sink.name);
    if (outlet == nullptr) outlet = MakeOutlet(sink, routes);
    outlet->config = sink;
    outlet->delivery->SetInFlightMax(ShareOf(*outlet));
    outlets.push_back(std::move(outlet));
  }
  outlets_ = std::move(outlets);
  Connect(routes);
}

}  // namespace hinomi
