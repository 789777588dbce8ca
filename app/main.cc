// The command line: which subcommand, which configuration, which exit status.
//
//   0  done    1  the agent cannot run here    2  the configuration is wrong
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "app/agent.h"
#include "app/cat.h"
#include "app/timeline.h"
#include "app/version.h"
#include "base/logging.h"
#include "config/load.h"
#include "shipper/builtin.h"

extern char** environ;

namespace hinomi {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfig = 2;

struct Arguments {
  std::string config;
  std::vector<std::string> overrides;
  bool reference = false;
  CatOptions cat;
  TimelineOptions timeline;
  std::string since, until;
};

void AddConfigOptions(CLI::App* command, Arguments* arguments) {
  command
      ->add_option("--config", arguments->config,
                   "the configuration file (YAML); without one: this node's container logs to "
                   "standard output")
      ->type_name("FILE");
  command
      ->add_option("--set", arguments->overrides,
                   "one setting, over file and environment; repeatable")
      ->type_name("KEY=VALUE")
      ->take_all();
}

void AddCatOptions(CLI::App* command, Arguments* arguments) {
  CatOptions& cat = arguments->cat;
  command->add_option("DIRECTORY", cat.directory, "the directory of an archive sink")->required();
  command->add_option("--namespace", cat.namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", cat.pod_pattern, "pattern with * and ?");
  command->add_option("--container", cat.container_pattern, "pattern with * and ?");
  command->add_option("--since", arguments->since,
                      "from this time on: 2026-11-21T07:30Z, or how long ago: 90m");
  command->add_option("--until", arguments->until, "before this time");
  command->add_option("--grep", cat.text, "only records that hold this text");
}

void AddTimelineOptions(CLI::App* command, Arguments* arguments) {
  TimelineOptions& timeline = arguments->timeline;
  command->add_option("--namespace", timeline.namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", timeline.pod_pattern, "pattern with * and ?");
  command->add_option("--since", arguments->since,
                      "from this time on: 2026-11-21T07:30Z, or how long ago: 90m");
  command->add_flag("--json", timeline.json, "one JSON object a line");
}

LoadOptions OptionsOf(const Arguments& arguments) {
  LoadOptions options;
  if (!arguments.config.empty()) options.path = arguments.config;
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
  return options;
}

// Prints what is wrong; false when the configuration cannot be used.
bool Report(const Loaded& loaded) {
  for (const std::string& warning : loaded.warnings)
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  return loaded.errors.empty();
}

int Run(const Loaded& loaded) {
  if (!Report(loaded)) return kExitConfig;
  log::Configure(loaded.config.log.level, loaded.config.log.format);
  Agent agent(loaded.config);
  const Result<int> status = agent.Run();
  if (status) return *status;
  log::Error("{}", status.error().message);
  return kExitFailed;
}

int Check(const Loaded& loaded) {
  if (!Report(loaded)) {
    std::fprintf(stderr, "%zu error%s\n", loaded.errors.size(),
                 loaded.errors.size() == 1 ? "" : "s");
    return kExitConfig;
  }
  std::printf("the configuration is valid\n");
  return 0;
}

int PrintConfig(const Loaded& loaded, bool reference) {
  if (reference) {
    std::fputs(Reference().c_str(), stdout);
    return 0;
  }
  if (!Report(loaded)) return kExitConfig;
  std::fputs(Dump(loaded).c_str(), stdout);
  return 0;
}

// Leaves `time` alone where nothing is given; false when that cannot be understood.
bool ParseTime(const std::string& text, std::optional<Duration>* time) {
  if (text.empty()) return true;
  const Result<Duration> parsed = ParseCatTime(text, SystemClock().Wall());
  if (parsed) *time = *parsed;
  if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().message.c_str());
  return parsed.ok();
}

int PrintArchive(Arguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!ParseTime(arguments.since, &arguments.cat.since) ||
      !ParseTime(arguments.until, &arguments.cat.until)) {
    return kExitConfig;
  }
  PosixFileSystem files;
  return Cat(arguments.cat, files, stdout, stderr) ? 0 : kExitFailed;
}

int PrintTimeline(const Loaded& loaded, Arguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!Report(loaded) || !ParseTime(arguments.since, &arguments.timeline.since)) {
    return kExitConfig;
  }
  arguments.timeline.directory = loaded.config.state_dir + "/events";
  PosixFileSystem files;
  return Timeline(arguments.timeline, files, stdout, stderr) ? 0 : kExitFailed;
}

// Signals are taken by one thread in its own time; all others never see them.
void PrepareProcess() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // One descriptor per log: as many as the machine allows.
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  // Few threads allocate, and none of them per record: more arenas would only hold memory back.
  mallopt(M_ARENA_MAX, 2);
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
  CLI::App* check =
      app.add_subcommand("check", "say whether the configuration is valid, with every error");
  CLI::App* config =
      app.add_subcommand("config", "print the settings in effect, and where each comes from");
  CLI::App* cat = app.add_subcommand("cat", "print the records of an archive");
  CLI::App* timeline = app.add_subcommand(
      "timeline",
      "print what the agent has noticed on this node: ends of containers with their "
      "last lines, losses, dead sinks");
  CLI::App* version = app.add_subcommand("version", "print version and commit");
  for (CLI::App* command : {run, check, config, timeline}) AddConfigOptions(command, &arguments);
  AddCatOptions(cat, &arguments);
  AddTimelineOptions(timeline, &arguments);
  config->add_flag("--reference", arguments.reference, "print the manual of all settings instead");
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
  if (*cat) return PrintArchive(arguments);
  const Loaded loaded = LoadConfig(OptionsOf(arguments));
  if (*check) return Check(loaded);
  if (*config) return PrintConfig(loaded, arguments.reference);
  if (*timeline) return PrintTimeline(loaded, arguments);
  PrepareProcess();
  return Run(loaded);
}

}  // namespace
}  // namespace hinomi

int main(int argc, char** argv) { return hinomi::Main(argc, argv); }
