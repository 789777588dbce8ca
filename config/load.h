// From file, environment and flags to the Config in effect, with everything that is wrong at once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/routes.h"

namespace hinomi {

struct LoadOptions {
  std::optional<std::string> path;  // of the file; none: defaults
  std::vector<std::string>
      overrides;  // `http.listen=:9797`; win over the environment, which wins over the file
  std::map<std::string, std::string> environment;  // HINOMI_HTTP_LISTEN=…, NODE_NAME=…
  std::string host_name;                           // the default of `node` without NODE_NAME
  /// What the parts themselves find wrong with a configuration that is otherwise valid.
  std::function<std::vector<Problem>(const Config&)> check_parts = {};
};

struct Loaded {
  Config config;  // complete and valid if there are no errors
  std::vector<std::string>
      errors;  // `config.yaml:3:16: sinks.search.batch_bytes: expected …, got "12x"`
  std::vector<std::string> warnings;  // in the same form; the agent can run
  /// Where each value that is no default came from, by path: `config.yaml:5`,
  /// `environment HINOMI_HTTP_LISTEN (overrides config.yaml:5)`, `--set`.
  std::map<std::string, std::string> origins;
};

/// Never throws. Reads the file (1 MiB at most), and asks whether the secret and CA files it names
/// can be read.
Loaded LoadConfig(const LoadOptions& options);

/// The same with the text of the file; `options.path` then only names it.
Loaded LoadConfigText(std::string_view text, const LoadOptions& options);

/// The configuration in effect as YAML that loads to the same, each scalar with a comment saying
/// where it came from. Holds no secret: those are in files, and credentials in a URL do not load.
std::string Dump(const Loaded& loaded);

/// The manual in Markdown: every key with type, default, environment variable and meaning.
std::string Reference();
/// Of that manual what a sink of this type has, as one table; empty when there is no such type.
std::string SinkReference(std::string_view type);

/// JSON Schema (draft 7) of the file, for editors and for Helm: it refuses keys that do not exist,
/// values of another type and choices that there are not. What must hold beyond single values, and
/// the ranges of sizes and durations, LoadConfig alone knows.
std::string Schema();

}  // namespace hinomi
