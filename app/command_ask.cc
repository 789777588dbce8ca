// The subcommands that ask the running agent.
#include <csignal>
#include <cstdio>
#include <memory>

#include "app/agent_client.h"
#include "app/command.h"

namespace hinomi {
namespace {

struct AskArguments {
  ConfigArguments config;
  std::string address;
  bool json = false;

  std::string UrlFor(const Config& loaded) const {
    if (address.empty()) return LocalUrl(loaded.http.listen);
    return address.find("://") == std::string::npos ? "http://" + address : address;
  }
};

void AddAskOptions(CLI::App* command, AskArguments* arguments) {
  AddConfigOptions(command, &arguments->config);
  command
      ->add_option("--address", arguments->address,
                   "where the agent listens; without it: http.listen of the configuration")
      ->type_name("HOST:PORT");
  command->add_flag("--json", arguments->json, "the same for machines");
}

struct LedgerArguments : AskArguments {
  std::string namespace_pattern, pod_pattern, route_pattern;
};

int PrintLedger(const LedgerArguments& arguments) {
  const Loaded loaded = Load(arguments.config);
  if (!Report(loaded)) return kExitConfig;
  std::signal(SIGPIPE, SIG_IGN);
  PosixFileSystem files;
  const AgentAnswer answer = AskAgent({arguments.UrlFor(loaded.config),
                                       "/api/v1/ledger",
                                       {{"namespace", arguments.namespace_pattern},
                                        {"pod", arguments.pod_pattern},
                                        {"route", arguments.route_pattern},
                                        {"format", arguments.json ? "json" : "text"}}},
                                      loaded.config.http, files);
  std::fputs(answer.error.empty() ? answer.text.c_str() : (answer.error + "\n").c_str(),
             answer.error.empty() ? stdout : stderr);
  return answer.error.empty() ? 0 : kExitFailed;
}

}  // namespace

Command AddLedgerCommand(CLI::App& app) {
  CLI::App* command = app.add_subcommand("ledger", "what became of every byte, as the agent knows");
  const auto arguments = std::make_shared<LedgerArguments>();
  AddAskOptions(command, arguments.get());
  command->add_option("--namespace", arguments->namespace_pattern, "pattern with * and ?");
  command->add_option("--pod", arguments->pod_pattern, "pattern with * and ?");
  command->add_option("--route", arguments->route_pattern, "pattern with * and ?");
  return {command, [arguments] { return PrintLedger(*arguments); }};
}

}  // namespace hinomi
