// What the subcommands share: the configuration they are told to use, and how they end.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/load.h"

namespace hinomi {

inline constexpr int kExitFailed = 1;  // it cannot be done here and now
inline constexpr int kExitConfig = 2;  // the configuration or the command line is wrong

/// A subcommand, and what it does once the command line is parsed: the exit status.
struct Command {
  CLI::App* options = nullptr;
  std::function<int()> run;
};

struct ConfigArguments {
  std::string path;
  std::vector<std::string> overrides;
};

/// `arguments` must live until the command line is parsed.
void AddConfigOptions(CLI::App* command, ConfigArguments* arguments);

/// From the file, the environment of the process and --set.
Loaded Load(const ConfigArguments& arguments);

/// Prints what is wrong; false when the configuration cannot be used.
bool Report(const Loaded& loaded);

/// A time of the command line as ParseCatTime reads it; `time` is left alone where there is none.
/// Prints what is wrong, and is false then.
bool ParseTimeOption(const std::string& text, std::optional<Duration>* time);

// The subcommands that fill a file of their own.
Command AddLedgerCommand(CLI::App& app);
Command AddExplainCommand(CLI::App& app);
Command AddPurgeCommand(CLI::App& app);
Command AddTimelineCommand(CLI::App& app);
Command AddReplayCommand(CLI::App& app);
Command AddKibanaCommand(CLI::App& app);

}  // namespace hinomi
