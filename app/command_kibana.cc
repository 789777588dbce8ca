#include <csignal>
#include <cstdio>
#include <memory>

#include "app/command.h"
#include "app/kibana.h"
#include "config/text.h"

namespace hinomi {
namespace {

struct KibanaArguments {
  KibanaOptions options;
  std::string wait = "0s";
};

int LoadIntoKibana(KibanaArguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::optional<Nanoseconds> wait = ParseDuration(arguments.wait);
  if (!wait) {
    std::fprintf(stderr, "--wait: expected a duration such as 30s or 5m, got %s\n",
                 Quoted(arguments.wait).c_str());
    return kExitConfig;
  }
  KibanaOptions& options = arguments.options;
  // It may be served below a path.
  const size_t host = options.url.find("://");
  const size_t path = options.url.find('/', host == std::string::npos ? 0 : host + 3);
  const std::string problem = CheckEndpoint(options.url.substr(0, path));
  if (!problem.empty()) {
    std::fprintf(stderr, "URL: %s\n", problem.c_str());
    return kExitConfig;
  }
  options.wait = std::chrono::duration_cast<std::chrono::seconds>(*wait);
  PosixFileSystem files;
  const Result<uint64_t> loaded = LoadSavedObjects(options, files);
  if (!loaded) {
    std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
    return kExitFailed;
  }
  std::printf("loaded %lu saved objects\n", static_cast<unsigned long>(*loaded));
  return 0;
}

}  // namespace

Command AddKibanaCommand(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("kibana",
                         "load saved objects, such as dashboards/kibana/hinomi.ndjson, into Kibana "
                         "or OpenSearch Dashboards");
  const auto arguments = std::make_shared<KibanaArguments>();
  KibanaOptions& options = arguments->options;
  command->add_option("URL", options.url, "of the server: https://kibana:5601")->required();
  command->add_option("FILE", options.file, "NDJSON, as both export it")->required();
  CLI::Option* username =
      command->add_option("--username", options.username, "for basic authentication");
  CLI::Option* password =
      command->add_option("--password-file", options.password_file, "file that holds the password");
  username->needs(password);
  password->needs(username);
  command
      ->add_option("--api-key-file", options.api_key_file,
                   "file that holds an API key in the form that Elasticsearch calls encoded")
      ->excludes(username);
  command->add_option("--ca-file", options.ca_file,
                      "PEM file of the authorities to trust; without it those of the system");
  command->add_option("--wait", arguments->wait,
                      "how long to wait for a server that is not ready: 5m");
  return {command, [arguments] { return LoadIntoKibana(*arguments); }};
}

}  // namespace hinomi
