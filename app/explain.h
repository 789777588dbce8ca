// Why a pod's lines are or are not arriving: sentences made of what the components know
// (shipper/pod_facts.h), each with the remedy where there is one. docs/operations.md shows them.
// Knows nothing of HTTP or of the disk.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "shipper/pod_facts.h"

namespace hinomi {

struct Sentence {
  std::string kind;  // stays the same over versions, for machines: "delivered", "sink_failing"
  std::string text;
  std::string remedy = "";
};

/// One run of a container.
struct ExplainedLog {
  PodInfo pod;
  std::string path;  // as the node sees it
  std::vector<Sentence> sentences;
};

struct Explanation {
  static constexpr size_t kLogsMax = 50;

  std::string question;
  bool agent = true;               // false: none answered, and only the disk was looked at
  std::vector<Sentence> notes;     // about all of it
  std::vector<ExplainedLog> logs;  // by names, the newest restart first
  size_t left_out = 0;             // logs that there was no room for
};

struct ExplainInput {
  const Config& config;
  const PodFacts& facts;
  std::string question;
  Duration now{0};            // Unix time
  std::string no_agent = "";  // why the facts are the disk's alone; empty when they are an agent's

  bool agent() const { return no_agent.empty(); }
};

Explanation Explain(const ExplainInput& input);

/// One object in one line, without a line end.
std::string ToJson(const Explanation& explanation);
std::string ToText(const Explanation& explanation);

}  // namespace hinomi
