// One number out of the agent's own metrics, for tests.
#pragma once

#include <string>

#include "base/metrics.h"

namespace hinomi {

/// Of an exposition, by name and labels; -1 when it is not there.
inline double MetricOf(Metrics& metrics, const std::string& series) {
  const std::string text = "\n" + metrics.Expose();
  const size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
}

}  // namespace hinomi
