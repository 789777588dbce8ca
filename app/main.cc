// The command line: which subcommand, which configuration, which exit status.
//
//   0  done    1  the agent cannot run here    2  the configuration is wrong
#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "app/agent.h"
#include "app/cat.h"
#include "app/check.h"
#include "app/command.h"
#include "app/verify.h"
#include "app/version.h"
#include "base/logging.h"
#include "collector/reference.h"
#include "shipper/sink/elasticsearch_templates.h"

namespace hinomi {
namespace {

struct Arguments {
  ConfigArguments config;
  std::string reference;  // "true": of all settings, else of a type of sink
  bool metrics = false;
  bool schema = false;
  bool elasticsearch_template = false;
  bool strict = false;
  CatOptions cat;
  bool verify = false;
  std::string since, until;
};

void AddCatOptions(CLI::App* command, Arguments* arguments) {
  CatOptions& cat = arguments->cat;
  command->add_option("DIRECTORY", cat.directory, "the directory of an archive sink")->required();
  command->add_option("--namespace", cat.namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", cat.pod_pattern, "pattern with * and ?");
  command->add_option("--container", cat.container_pattern, "pattern with * and ?");
  command->add_option("--since", arguments->since,
                      "from this time on: 2026-11-21T07:30Z, or how long ago: 90m");
  command->add_option("--until", arguments->until, "before this time");
  CLI::Option* const text =
      command->add_option("--grep", cat.text, "only records that hold this text");
  command
      ->add_flag(
          "--verify", arguments->verify,
          "say instead whether the files are what the manifests of their hours say; end with "
          "1 where one is not")
      ->excludes(text);
}

int Run(const Loaded& loaded, const ConfigArguments& arguments) {
  if (!Report(loaded)) return kExitConfig;
  log::Configure(loaded.config.log.level, loaded.config.log.format);
  Agent agent(loaded.config, arguments.path, [&] { return Load(arguments); });
  const Result<int> status = agent.Run();
  if (status) return *status;
  log::Error("{}", status.error().message);
  return kExitFailed;
}

int Check(const Loaded& loaded, bool strict) {
  if (!Report(loaded)) {
    std::fprintf(stderr, "%zu error%s\n", loaded.errors.size(),
                 loaded.errors.size() == 1 ? "" : "s");
    return kExitConfig;
  }
  std::signal(SIGPIPE, SIG_IGN);
  PosixFileSystem files;
  const SystemClock clock;
  std::vector<std::string> warnings = CheckEscrow(loaded.config, files);
  for (std::string& warning : CheckSinksAnswer(loaded.config, files, clock)) {
    warnings.push_back(std::move(warning));
  }
  for (const std::string& warning : warnings)
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  std::printf("the configuration is valid\n");
  return strict && !warnings.empty() ? kExitFailed : 0;
}

// As Kibana's console takes it: what the sinks write with `setup: true`.
int PrintTemplates(const Config& config) {
  bool any = false;
  for (const SinkConfig& sink : config.sinks) {
    if (sink.type != SinkType::kElasticsearch) continue;
    std::fputs(SetupForConsole(sink.elasticsearch).c_str(), stdout);
    any = true;
  }
  if (!any) std::fprintf(stderr, "there is no sink of type elasticsearch; name one by --config\n");
  return any ? 0 : kExitConfig;
}

int PrintConfig(const Loaded& loaded, const Arguments& arguments) {
  std::string page;
  if (!arguments.reference.empty()) {
    page = arguments.reference == "true" ? Reference() : SinkReference(arguments.reference);
    if (page.empty()) {
      std::fprintf(stderr, "there is no type of sink \"%s\"\n", arguments.reference.c_str());
      return kExitConfig;
    }
  }
  if (arguments.metrics) page = MetricsReference();
  if (arguments.schema) page = Schema();
  if (!page.empty()) {
    std::fputs(page.c_str(), stdout);
    return 0;
  }
  if (!Report(loaded)) return kExitConfig;
  if (arguments.elasticsearch_template) return PrintTemplates(loaded.config);
  std::fputs(Dump(loaded).c_str(), stdout);
  return 0;
}

int PrintArchive(Arguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!ParseTimeOption(arguments.since, &arguments.cat.since) ||
      !ParseTimeOption(arguments.until, &arguments.cat.until)) {
    return kExitConfig;
  }
  PosixFileSystem files;
  if (arguments.verify) {
    const SystemClock clock;
    return Verify(arguments.cat, {files, clock, stdout, stderr}) ? 0 : kExitFailed;
  }
  return Cat(arguments.cat, files, stdout, stderr) ? 0 : kExitFailed;
}

// Signals are taken by one thread in its own time; all others never see them.
void PrepareProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // One descriptor per log: as many as the machine allows.
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  // Few threads allocate, and none of them per record: more arenas would only hold memory back, of
  // which malloc_trim leaves the end of all but the first.
  mallopt(M_ARENA_MAX, 1);
  // Batches and what is made of them come and go by the megabyte: memory that was given back to the
  // kernel each time would have to be zeroed and mapped anew for the next.
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

int Main(int argc, char** argv) {
  CLI::App app("Hinomi: ships a node's container logs and serves its metrics.");
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "run the agent until SIGTERM or Ctrl-C");
  CLI::App* check = app.add_subcommand("check",
                                       "say whether the configuration is valid, with every error, "
                                       "and whether this machine and its sinks suit it");
  check->add_flag("--strict", arguments.strict, "end with 1 where there is a warning");
  CLI::App* config =
      app.add_subcommand("config", "print the settings in effect, and where each comes from");
  CLI::App* cat = app.add_subcommand("cat", "print the records of an archive");
  const std::vector<Command> commands = {AddLedgerCommand(app), AddExplainCommand(app),
                                         AddPurgeCommand(app),  AddTimelineCommand(app),
                                         AddReplayCommand(app), AddKibanaCommand(app)};
  CLI::App* version = app.add_subcommand("version", "print version and commit");
  for (CLI::App* command : {run, check, config}) AddConfigOptions(command, &arguments.config);
  AddCatOptions(cat, &arguments);
  config->add_flag("--reference", arguments.reference,
                   "print the manual of all settings instead; --reference=kafka: the options of "
                   "that type of sink");
  config->add_flag("--metrics", arguments.metrics,
                   "print the names of all metrics that can be served instead");
  config->add_flag("--schema", arguments.schema,
                   "print the JSON Schema of the file instead, for editors");
  config->add_flag("--elasticsearch-template", arguments.elasticsearch_template,
                   "print what setup would write for each such sink instead, for setup: false");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : kExitConfig;
  }
  if (*version) {
    std::printf("hinomi %s (commit %s)\n", kVersion, kCommit);
    return 0;
  }
  for (const Command& command : commands) {
    if (*command.options) return command.run();
  }
  if (*cat) return PrintArchive(arguments);
  const Loaded loaded = Load(arguments.config);
  if (*check) return Check(loaded, arguments.strict);
  if (*config) return PrintConfig(loaded, arguments);
  PrepareProcess();
  return Run(loaded, arguments.config);
}

}  // namespace
}  // namespace hinomi

int main(int argc, char** argv) {
  // Names are resolved by the system's library, as everywhere else: gRPC's own, c-ares, knows
  // neither nsswitch.conf nor how to free all that it takes for each name.
  setenv("GRPC_DNS_RESOLVER", "native", 0);
  return hinomi::Main(argc, argv);
}
