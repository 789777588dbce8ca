#include "app/command.h"

#include <unistd.h>

#include <cstdio>

#include "app/cat.h"
#include "shipper/builtin.h"

extern char** environ;

namespace hinomi {

void AddConfigOptions(CLI::App* command, ConfigArguments* arguments) {
  command
      ->add_option("--config", arguments->path,
                   "the configuration file (YAML); without one: this node's container logs to "
                   "standard output")
      ->type_name("FILE");
  command
      ->add_option("--set", arguments->overrides,
                   "one setting, over file and environment; repeatable")
      ->type_name("KEY=VALUE")
      ->take_all();
}

Loaded Load(const ConfigArguments& arguments) {
  LoadOptions options;
  if (!arguments.path.empty()) options.path = arguments.path;
  options.overrides = arguments.overrides;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos)
      options.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  options.host_name = host;
  options.check_parts = CheckSinks;
  return LoadConfig(options);
}

bool Report(const Loaded& loaded) {
  for (const std::string& warning : loaded.warnings)
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  return loaded.errors.empty();
}

bool ParseTimeOption(const std::string& text, std::optional<Duration>* time) {
  if (text.empty()) return true;
  const Result<Duration> parsed = ParseCatTime(text, SystemClock().Wall());
  if (parsed) *time = *parsed;
  if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().message.c_str());
  return parsed.ok();
}

}  // namespace hinomi
