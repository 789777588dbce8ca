// The tables of docs/metrics.md: every name that the agent can serve beside its own, from the same
// tables that it serves from.
#pragma once

#include <string>

namespace hinomi {

/// Markdown: a heading and a table for each endpoint.
std::string MetricsReference();

}  // namespace hinomi
