// `hinomi replay`: sends dead letters again, by the sinks of the configuration and beside a running
// agent. A letter leaves the directory once it is acknowledged, and never before; one that is
// refused again stays with the new reason; all others stay as they are.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "base/metrics.h"
#include "config/config.h"
#include "shipper/builtin.h"
#include "shipper/sink/dead_letter_files.h"
#include "shipper/sink/dead_letter_format.h"

namespace hinomi {

/// Which letters. Patterns with * and ?; empty matches everything.
struct ReplayOptions {
  std::string sink_pattern = {};
  std::string route_pattern = {};
  std::string type_pattern = {};
  std::string namespace_pattern = {};
  std::string pod_pattern = {};
  std::optional<Duration> since = {};  // Unix time of the refusal; from here on
  std::optional<Duration> until = {};  // and before this
};

struct ReplayTally {
  uint64_t sent = 0;
  uint64_t refused = 0;  // once more
  uint64_t left = 0;     // that were to be sent and could not be
};

/// One thread.
class Replay {
 public:
  struct Parts {
    FileSystem& files;
    const Clock& clock;
    std::function<std::unique_ptr<Sink>(const SinkConfig&, const SinkSurroundings&)> make_sink;
    std::FILE* out = nullptr;
    std::FILE* errors = nullptr;  // progress, and what is wrong, with the cure
  };
  /// `config` must outlive it.
  Replay(const Config& config, ReplayOptions options, Parts parts);

  /// Prints what would be sent: by sink, route and type, with the last reason. False when something
  /// could not be read.
  bool List();
  /// Sends them, oldest first, until `stop` is requested: what has its outcome by then is kept, and
  /// nothing else is touched. Ends with the tally on `out`. False unless all that was to be sent
  /// was acknowledged.
  bool Send(const std::stop_token& stop);

 private:
  /// Letters that share a sink, a route and a type.
  struct Group {
    uint64_t letters = 0;
    uint64_t bytes = 0;  // of their records
    std::string first_time;
    DeadLetter last;  // without its record
  };
  /// Lines of one file that are replaced together, and what of them is sent.
  struct Portion {
    DeadLetterFiles::Range range;
    std::string text;  // of the range
    struct Line {
      size_t begin = 0;  // in text
      std::optional<DeadLetter> letter;
    };
    std::vector<Line> lines;
    Batch batch;  // one record for each line with a letter, in their order
  };

  bool Matches(const DeadLetter& letter) const;
  bool Survey();
  Result<std::unique_ptr<FileLock>> KeepOthersOut();
  void SendTo(const SinkConfig& config, const std::stop_token& stop);
  /// False when no more is to be tried.
  bool SendFile(const SinkConfig& config, Sink& sink, DeadLetterFiles::Stored* file,
                const std::stop_token& stop);
  Result<Portion> Gather(const SinkConfig& config, const Sink& sink,
                         const DeadLetterFiles::Stored& file, uint64_t offset);
  static void Add(DeadLetter letter, Portion* portion);
  std::string Deliver(Sink& sink, Batch* batch, const std::stop_token& stop) const;
  /// The lines that stay, and what became of the others.
  std::string Remaining(const Portion& portion, ReplayTally* tally) const;
  Result<void> Replace(const DeadLetterFiles::Stored& file, const Portion& portion,
                       const std::string& remaining) const;
  std::string Unfit(const SinkConfig& config, const Sink& sink, const DeadLetter& letter) const;
  void Progress();
  void Say(const std::string& what) const;

  const Config& config_;
  const ReplayOptions options_;
  const Parts parts_;
  const DeadLetterFiles files_;
  Metrics metrics_;  // of the sinks; nobody asks for them
  EgressLimits egress_{{.clock = parts_.clock, .metrics = metrics_}};
  std::vector<DeadLetterFiles::Stored> stored_;
  std::map<std::tuple<std::string, std::string, std::string>, Group> groups_;
  std::set<std::string> said_;  // why letters do not fit
  uint64_t batches_ = 0;
  ReplayTally tally_;
  uint64_t total_ = 0;
  Duration progress_at_{0};
};

}  // namespace hinomi
