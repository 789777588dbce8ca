// The oracle: it knows every byte that the containers wrote and everything that the sinks stored,
// and decides what is right. It shares no code with the agent: a document tells by its own words,
// time and offset which bytes it claims to be, and is compared with them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simulation/simulated_disk.h"

namespace hinomi::simulation {

/// The run has shown something that must never happen.
struct Violation {
  std::string what;
};

/// What the model expects of a route; the configuration says the same to the agent.
struct RoutePlan {
  std::string name;
  std::string namespace_name;  // that it takes; empty: all
  size_t sink = 0;
  bool stop = false;
  bool start_now = false;
  bool began_late = false;  // while the agent ran
};

/// One line of a file, as the runtime writes it.
struct PhysicalLine {
  uint32_t log = 0;
  uint64_t file = 0;   // Inode::identity
  uint64_t begin = 0;  // in the file
  std::string time;
  std::string header;  // all before the body
  std::string body;
  bool is_stderr = false;
  bool is_partial = false;       // P: the record goes on in the stream's next line
  bool is_first = true;          // of its record
  uint64_t written = 0;          // how many of its bytes are in the file, the newline included
  uint32_t in_stream = 0;        // its number in its stream of its log
  bool is_late = false;          // written long after its file was superseded
  bool is_out_of_place = false;  // written to a file that had a successor
  bool is_destroyed = false;     // its file was truncated

  uint64_t bytes() const { return header.size() + body.size() + 1; }
  /// Of the body.
  uint64_t readable() const {
    return std::min<uint64_t>(body.size(), written - std::min<uint64_t>(written, header.size()));
  }
};

class Model {
 public:
  Model();
  ~Model();

  // What the kubelet and the runtime do.
  uint32_t BeginLog(const std::string& directory, uint32_t restart);
  void BeginFile(uint32_t log, uint64_t file);
  /// The line's first `line.written` bytes are in the file.
  uint32_t Write(PhysicalLine line);
  void WriteRest(uint32_t line, uint64_t bytes);
  /// What of the line is not written yet.
  std::string Rest(uint32_t line) const;
  /// `copy` holds what the file holds.
  void Compressed(uint64_t file, uint64_t copy);
  void Truncated(uint64_t file, uint64_t bytes_before);
  void Died(const Inode& inode);

  // What becomes of the agent.
  void SetRoutes(std::vector<RoutePlan> routes);
  /// Routes that begin `now` owe nothing of what was written before.
  void StartNow(const std::string& route);
  /// That route began while the agent ran: it may have let go of what the others were done with.
  void StartLate(const std::string& route);
  void BeginLife() { ++life_; }
  /// A descriptor that a crash took away; there is no blame in what is lost by it.
  void Dropped(const Inode& inode);
  /// A descriptor that the agent gave up: what was not settled by then must not get lost by it.
  void Released(const Inode& inode);
  /// The route's sink was given up on for a while: what was sent may be sent again.
  void Shed(const std::string& route) { shed_[route] = life_; }
  /// Files were out of reach for a while: their order may suffer.
  void Unordered() { ordered_ = false; }

  // What reaches the sinks.
  struct Delivery {
    std::string route;
    std::string_view item;      // the document, after its action where there is one
    bool acknowledged = false;  // the agent is told so
    bool in_order = false;      // the sink keeps to the order in which it is given records
  };
  /// Throws Violation.
  void Stored(const Delivery& delivery);
  /// The sink refuses it for good. Throws Violation.
  void Refused(const Delivery& delivery);
  /// What a file of refused documents holds.
  void FoundDeadLetters(std::string_view lines);

  /// Whether the route gets the log in that directory below the pods directory.
  bool Takes(const RoutePlan& route, const std::string& directory) const;
  /// What may get lost on the route at most by files that went.
  uint64_t MayVanish(const RoutePlan& route) const;
  /// Bytes of a file that was empty long after it was superseded.
  uint64_t LateBytes(const Inode& inode) const;
  /// Throws Violation for the first line that should have arrived and did not.
  void CheckAllArrived() const;
  std::function<void(const std::string&)> tell;  // the trace; may be empty
  size_t lines() const { return lines_.size(); }
  uint64_t documents() const { return documents_; }

 private:
  struct WrittenLog {
    std::string directory;
    uint32_t restart = 0;
    std::array<std::vector<uint32_t>, 2> streams;
    bool is_disturbed = false;  // something of it was destroyed: records may have been torn
  };
  struct WrittenFile {
    uint32_t log = 0;
    std::vector<uint32_t> lines;
    bool is_dead = false;
    uint64_t bytes_at_death = 0;
    bool was_settled = false;           // on all routes that there were, when it was given up
    std::set<std::string> given_up_on;  // routes where all of it had arrived when it was given up
    uint64_t bytes_before = 0;          // when it was truncated
  };
  /// What a route knows of a line.
  struct Arrival {
    std::vector<bool> covered;   // bytes of the body
    bool was_offered = false;    // to the sink
    bool was_refused = false;    // by the sink, for good
    bool has_arrived = false;    // any document of it
    bool is_optional = false;    // written before a route that starts now
    bool was_abandoned = false;  // its file was given up before it arrived
    std::map<uint64_t, uint64_t>
        acknowledged_in;  // where in the body documents begin: in which life
  };
  /// What a document has of a line's body.
  struct Piece {
    uint32_t line = 0;
    uint64_t from = 0;
    uint64_t bytes = 0;
  };
  struct Explanation;
  struct Document;
  struct Parser;

  Document Parse(std::string_view item);
  /// The lines that the document consists of. Throws Violation.
  std::vector<Piece> PiecesOf(const Document& document, std::string_view item) const;
  void Arrived(const std::string& route, const std::vector<Piece>& pieces);
  uint64_t StartIn(const Document& document, uint32_t line, std::string_view item) const;
  bool MayBeGlued(const WrittenLog& log) const;
  bool Explain(std::string_view rest, Piece at, Explanation* explanation) const;
  std::vector<uint32_t> GluedTo(uint32_t line, std::string_view text) const;
  void CheckRepetition(const Delivery& delivery, const Piece& first);
  void CheckId(const Document& document, const Delivery& delivery);
  void CheckOrder(const Delivery& delivery, const std::vector<Piece>& pieces);
  bool IsOwed(const RoutePlan& route, uint32_t line) const;
  bool HasArrived(const std::string& route, uint32_t line) const;
  bool IsComplete(const std::string& route, uint32_t line) const;
  Arrival& ArrivalOf(const std::string& route, uint32_t line);
  std::string Describe(uint32_t line) const;

  std::unique_ptr<Parser> parser_;
  std::vector<WrittenLog> logs_;
  std::map<uint64_t, WrittenFile> files_;
  std::map<uint64_t, uint64_t> compressed_;  // by a copy's identity: of what
  std::vector<PhysicalLine> lines_;
  std::map<std::string, uint32_t, std::less<>> line_at_;  // by its time
  std::vector<RoutePlan> routes_;
  std::map<std::string, std::vector<Arrival>> arrivals_;       // by route
  std::map<std::string, uint64_t> shed_;                       // in which life
  std::map<std::pair<size_t, std::string>, std::string> ids_;  // by sink and id: what it stands for
  std::map<std::tuple<std::string, uint32_t, bool>, uint32_t> newest_;  // by route, log, stream
  uint64_t life_ = 0;
  uint64_t documents_ = 0;
  bool ordered_ = true;
};

}  // namespace hinomi::simulation
