#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "app/command.h"
#include "app/purge.h"

namespace hinomi {
namespace {

struct PurgeArguments {
  ConfigArguments config;
  bool yes = false;
};

// True when the person at the terminal agrees; where there is none, nobody does.
bool Agreed() {
  if (isatty(STDIN_FILENO) == 0) {
    std::printf("Nothing was removed; say --yes to remove it.\n");
    return false;
  }
  std::printf("Remove all of it? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

int PurgeNode(const PurgeArguments& arguments) {
  const Loaded loaded = Load(arguments.config);
  if (!Report(loaded)) return kExitConfig;
  PosixFileSystem files;
  const Result<PurgePlan> plan = PlanPurge(loaded.config, files);
  if (!plan) {
    std::fprintf(stderr, "%s\n", plan.error().message.c_str());
    return kExitFailed;
  }
  std::fputs(ToText(*plan, loaded.config).c_str(), stdout);
  if (plan->empty()) return 0;
  if (!arguments.yes && !Agreed()) return kExitFailed;
  const std::vector<std::string> failures = Purge(*plan, files);
  for (const std::string& failure : failures) std::fprintf(stderr, "%s\n", failure.c_str());
  if (failures.empty()) std::printf("All of it is removed.\n");
  return failures.empty() ? 0 : kExitFailed;
}

}  // namespace

Command AddPurgeCommand(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("purge", "remove all that the agent has written on this node");
  const auto arguments = std::make_shared<PurgeArguments>();
  AddConfigOptions(command, &arguments->config);
  command->add_flag("--yes", arguments->yes, "do not ask");
  return {command, [arguments] { return PurgeNode(*arguments); }};
}

}  // namespace hinomi
