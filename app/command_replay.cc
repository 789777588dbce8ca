#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>

#include "app/command.h"
#include "app/replay.h"
#include "base/logging.h"

namespace hinomi {
namespace {

constexpr long kSignalPollNanoseconds = 100'000'000;

struct ReplayArguments {
  ConfigArguments config;
  ReplayOptions options;
  std::string since, until;
  bool list = false;
};

// The first SIGINT or SIGTERM asks to stop, a second one ends the process the plain way. To be
// called before any thread starts: all of them leave these signals to this one.
std::jthread StopOnSignal(const std::stop_source& asked) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return std::jthread([source = asked, set](const std::stop_token& ended) mutable {
    const timespec wait = {0, kSignalPollNanoseconds};
    while (!ended.stop_requested()) {
      const int number = sigtimedwait(&set, nullptr, &wait);
      if (number < 0 || source.request_stop()) continue;
      pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      std::raise(number);
    }
  });
}

int RunReplay(ReplayArguments& arguments) {
  const Loaded loaded = Load(arguments.config);
  ReplayOptions& options = arguments.options;
  if (!Report(loaded) || !ParseTimeOption(arguments.since, &options.since) ||
      !ParseTimeOption(arguments.until, &options.until)) {
    return kExitConfig;
  }
  std::signal(SIGPIPE, SIG_IGN);
  log::Configure(loaded.config.log.level, loaded.config.log.format);
  PosixFileSystem files;
  const SystemClock clock;
  Replay replay(loaded.config, options, {files, clock, MakeSink, stdout, stderr});
  if (arguments.list) return replay.List() ? 0 : kExitFailed;
  const std::stop_source stop;
  const std::jthread signals = StopOnSignal(stop);
  return replay.Send(stop.get_token()) ? 0 : kExitFailed;
}

}  // namespace

Command AddReplayCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "replay",
      "send the dead letters of this node again, once what they were refused for is mended");
  const auto arguments = std::make_shared<ReplayArguments>();
  AddConfigOptions(command, &arguments->config);
  ReplayOptions& options = arguments->options;
  command->add_flag("--list", arguments->list, "print what would be sent, and send nothing");
  command->add_option("--sink", options.sink_pattern, "pattern with * and ?");
  command->add_option("--route", options.route_pattern, "pattern with * and ?");
  command->add_option("--type", options.type_pattern, "of the reason; pattern with * and ?");
  command->add_option("--namespace", options.namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", options.pod_pattern, "pattern with * and ?");
  command->add_option("--since", arguments->since,
                      "refused from this time on: 2026-11-21T07:30Z, or how long ago: 90m");
  command->add_option("--until", arguments->until, "refused before this time");
  return {command, [arguments] { return RunReplay(*arguments); }};
}

}  // namespace hinomi
