#include <csignal>
#include <cstdio>
#include <memory>

#include "app/command.h"
#include "app/timeline.h"

namespace hinomi {
namespace {

struct TimelineArguments {
  ConfigArguments config;
  TimelineOptions options;
  std::string since;
};

int PrintTimeline(TimelineArguments& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  const Loaded loaded = Load(arguments.config);
  TimelineOptions& options = arguments.options;
  if (!Report(loaded) || !ParseTimeOption(arguments.since, &options.since)) return kExitConfig;
  options.directory = loaded.config.state_dir + "/events";
  PosixFileSystem files;
  return Timeline(options, files, stdout, stderr) ? 0 : kExitFailed;
}

}  // namespace

Command AddTimelineCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "timeline",
      "print what the agent has noticed on this node: ends of containers with their last lines, "
      "losses, dead sinks");
  const auto arguments = std::make_shared<TimelineArguments>();
  AddConfigOptions(command, &arguments->config);
  TimelineOptions& options = arguments->options;
  command->add_option("--namespace", options.namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", options.pod_pattern, "pattern with * and ?");
  command->add_option("--since", arguments->since,
                      "from this time on: 2026-11-21T07:30Z, or how long ago: 90m");
  command->add_flag("--json", options.json, "one JSON object a line");
  return {command, [arguments] { return PrintTimeline(*arguments); }};
}

}  // namespace hinomi
