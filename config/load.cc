#include "config/load.h"

#include <fmt/core.h>

#include <cerrno>
#include <fstream>

#include "base/result.h"
#include "config/describe.h"
#include "config/loader.h"
#include "config/routes.h"
#include "config/yaml.h"

namespace hinomi {
namespace {

constexpr size_t kErrorsMax = 100;

Loaded LoadTree(const YamlNode& root, const LoadOptions& options) {
  Loaded loaded;
  loaded.config.sinks.emplace_back().name = "stdout";
  Loader loader(root, options);
  auto node_name = options.environment.find("NODE_NAME");
  if (node_name != options.environment.end() && !node_name->second.empty()) {
    loaded.config.node = node_name->second;
    loader.SetDefaultOrigin("node", "environment NODE_NAME");
  } else {
    loaded.config.node = options.host_name;
    loader.SetDefaultOrigin("node", "host name");
  }
  loader.Load(&loaded.config);
  for (const Problem& problem : CompleteRoutes(&loaded.config)) loader.AddError(problem);
  if (!loader.Failed("routes")) {
    for (const Problem& problem : FindOverlaps(loaded.config.routes)) loader.AddError(problem);
    for (const Problem& problem : FindUnusedSinks(loaded.config)) loader.AddWarning(problem);
  }
  if (options.check_parts && !loader.Failed()) {
    for (const Problem& problem : options.check_parts(loaded.config)) loader.AddError(problem);
  }
  loader.Finish(&loaded);
  if (loaded.errors.size() > kErrorsMax) {
    size_t more = loaded.errors.size() - kErrorsMax;
    loaded.errors.resize(kErrorsMax);
    loaded.errors.push_back(fmt::format("and {} more errors", more));
  }
  return loaded;
}

}  // namespace

Loaded LoadConfigText(std::string_view text, const LoadOptions& options) {
  std::variant<YamlNode, YamlError> parsed = ParseYaml(text);
  if (const YamlError* error = std::get_if<YamlError>(&parsed)) {
    Loaded loaded;
    loaded.errors.push_back(fmt::format("{}:{}:{}: {}", options.path.value_or("config"),
                                        error->mark.line, error->mark.column, error->text));
    return loaded;
  }
  return LoadTree(std::get<YamlNode>(parsed), options);
}

Loaded LoadConfig(const LoadOptions& options) {
  if (!options.path) return LoadTree({}, options);
  std::string text(kYamlBytesMax + 1, '\0');
  errno = 0;
  std::ifstream file(*options.path, std::ios::binary);
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open()) {
    Loaded loaded;
    loaded.errors.push_back(IoError("read", *options.path, errno).message);
    return loaded;
  }
  text.resize(static_cast<size_t>(file.gcount()));
  return LoadConfigText(text, options);
}

}  // namespace hinomi
