// The subcommands that ask the running agent.
#include <csignal>
#include <cstdio>
#include <memory>

#include "app/agent_client.h"
#include "app/command.h"
#include "app/explain.h"
#include "shipper/disk_facts.h"

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

int Print(const AgentAnswer& answer) {
  if (answer.error.empty()) {
    std::fputs(answer.text.c_str(), stdout);
    return 0;
  }
  std::fprintf(stderr, "%s\n", answer.error.c_str());
  return kExitFailed;
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
  return Print(answer);
}

struct ExplainArguments : AskArguments {
  std::string pod;
};

int PrintExplanation(const ExplainArguments& arguments) {
  const Loaded loaded = Load(arguments.config);
  if (!Report(loaded)) return kExitConfig;
  const Result<PodQuery> query = ParsePodQuery(arguments.pod);
  if (!query) {
    std::fprintf(stderr, "%s\n", query.error().message.c_str());
    return kExitConfig;
  }
  std::signal(SIGPIPE, SIG_IGN);
  PosixFileSystem files;
  const AgentAnswer answer =
      AskAgent({arguments.UrlFor(loaded.config),
                "/api/v1/explain",
                {{"pod", arguments.pod}, {"format", arguments.json ? "json" : "text"}}},
               loaded.config.http, files);
  if (answer.status != 0 || !arguments.address.empty()) return Print(answer);
  const PodFacts facts = FactsFromDisk(loaded.config, files, *query);
  const Explanation explanation =
      Explain({loaded.config, facts, arguments.pod, SystemClock().Wall(), answer.error});
  std::fputs(arguments.json ? (ToJson(explanation) + "\n").c_str() : ToText(explanation).c_str(),
             stdout);
  return 0;
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

Command AddExplainCommand(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("explain", "why the lines of a pod are or are not arriving");
  const auto arguments = std::make_shared<ExplainArguments>();
  AddAskOptions(command, arguments.get());
  command
      ->add_option("POD", arguments->pod,
                   "pod, namespace/pod, namespace/pod/container, with * and ?, or the beginning "
                   "of a container's id")
      ->required();
  return {command, [arguments] { return PrintExplanation(*arguments); }};
}

}  // namespace hinomi
