// What the components know of the logs of one pod, for people who ask why its lines are or are not
// arriving; app/explain.h makes sentences of it. Ages count from the moment at which it was taken.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "shipper/status.h"

namespace hinomi {

/// A limit of fairness that is used up, so that somebody waits.
struct HeldUp {
  Per per = Per::kPod;
  uint64_t bytes_per_second = 0;
  Duration remaining{0};
  bool operator==(const HeldUp&) const = default;
};

/// One route's way through a log.
struct ReaderFacts {
  LedgerEntry ledger;        // names its route
  Duration oldest{0};        // how long the oldest unsettled bytes have waited
  bool open_record = false;  // what is there ends within a record
  std::optional<HeldUp> held_up;
};

struct LogFacts {
  std::string directory;  // by which the store knows it; see LogDirectory
  std::string path;       // of the current file as the node sees it
  PodInfo pod;
  bool own = false;         // the agent's
  bool identified = false;  // there is a line to know it by; before nothing happens
  std::optional<Duration> waits_for_metadata;
  uint64_t removed_files = 0;  // that are still needed, and only the agent keeps
  uint64_t removed_bytes = 0;
  uint64_t unlinked_files = 0;  // that are still needed, and not in the escrow
  std::vector<ReaderFacts> readers;
};

/// A container as the directories show it.
struct SurveyedContainer {
  PodInfo pod;              // without a container's name where its directory has none yet
  std::string directory;    // by which the store knows it
  std::string path;         // as the node sees it
  std::string excluded_by;  // the key of the configuration's rule, such as
                            // sources.kubernetes.exclude[0]; empty
  Duration since{0};        // of its source: files not written to for longer are left out
  uint64_t files = 0;       // of its logs
  uint64_t bytes = 0;
  Duration modified{0};              // Unix time, of the newest
  std::vector<std::string> refused;  // names that are neither a file nor a link to one at an
                                     // allowed place
};

struct Survey {
  std::vector<SurveyedContainer> containers;  // in the order of their names
  std::vector<std::string> problems;          // such as a root that is missing
};

/// Records that a sink refused for good.
struct DeadLetterFacts {
  uint64_t records = 0;
  std::string last_time;
  std::string last_reason;  // `type: reason`
};

/// All that is known of the logs that a question is about.
struct PodFacts {
  Survey survey;
  std::vector<LogFacts> logs;     // none without an agent
  std::vector<SinkStatus> sinks;  // as in the configuration; none without an agent
  std::string escrow_degraded;
  /// By pod UID and container, of those that have some.
  std::map<std::pair<std::string, std::string>, DeadLetterFacts> dead_letters;
};

}  // namespace hinomi
