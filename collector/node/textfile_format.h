// Files in the text format 0.0.4 that others write for node_exporter's textfile collector, read and
// merged. Knows nothing of where they lie.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "collector/metric.h"

namespace hinomi {

struct TextSample {
  std::string_view suffix;  // of a histogram or summary: "_bucket", "_sum", "_count", or nothing
  std::string labels;       // encoded
  double value = 0;
};

struct TextFamily {
  MetricType type = MetricType::kUntyped;
  std::string help;
  std::vector<TextSample> samples;
};

struct Textfile {
  std::map<std::string, TextFamily> families;  // by name
  std::set<std::string> series;                // names and labels of all samples
};

/// The families that have samples. What Prometheus' own parser refuses is refused: names that are
/// none, a HELP or TYPE that comes twice or late, a last line without newline; and so are series
/// that come twice and timestamps, as node_exporter refuses them. Error: corrupt, with the line.
Result<Textfile> ParseTextfile(std::string_view text);

/// Adds a file to others. Error: corrupt, and `all` is as it was, where families of one name differ
/// in their type, or a series is there already. The first HELP stays.
Result<void> MergeTextfile(Textfile file, Textfile* all);

}  // namespace hinomi
