// Which routes a log takes, which of its records, and why it does not take the others.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"
#include "metadata/pod_info.h"
#include "shipper/batch.h"

namespace hinomi {

struct RouteChoice {
  enum class Reason {
    kTaken,
    kNamespace,  // its pattern does not match
    kPod,        // likewise
    kContainer,  // likewise
    kLabel,      // `label` is missing or does not match
    kEvents,     // it takes the agent's own events only, or none of them
    kStopped,    // route `stopped_by` was the last, for all records or for those of its level
  };
  Reason reason = Reason::kTaken;
  std::string label = "";
  size_t stopped_by = 0;
  Levels levels = {};  // of the records that take it

  bool taken() const { return reason == Reason::kTaken; }
};

/// One for each route, for what a container has written, or for the agent's own `events` about it.
/// A pod whose annotation excludes it takes none, whatever this says.
std::vector<RouteChoice> ChooseRoutes(const std::vector<RouteConfig>& routes, const PodInfo& pod,
                                      bool events = false);

}  // namespace hinomi
