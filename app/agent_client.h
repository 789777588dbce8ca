// Asks the agent of this machine, as its subcommands do: where it listens and which token opens its
// API is in the configuration.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/filesystem.h"
#include "config/config.h"

namespace hinomi {

/// What the agent answered, or why it did not.
struct AgentAnswer {
  int status = 0;          // of HTTP; 0 when nobody answered
  std::string text = "";   // the answer's body
  std::string error = "";  // for people; empty with status 200
};

/// The base URL of an agent that listens at `listen`, seen from its own machine: an address that
/// means all becomes the loopback one.
std::string LocalUrl(const std::string& listen);

struct AgentQuestion {
  std::string url;  // of the agent: http://host:port
  std::string path;
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// Waits for ten seconds at most. The process must ignore SIGPIPE.
AgentAnswer AskAgent(const AgentQuestion& question, const HttpConfig& config, FileSystem& files);

}  // namespace hinomi
