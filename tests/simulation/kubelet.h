// The containers of a node, the runtime that writes down what they say, and the kubelet that
// rotates, compresses and removes their logs: as seen on real ones, only sooner. Tells the model
// all of it.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/model.h"
#include "tests/simulation/random.h"
#include "tests/simulation/simulated_disk.h"

namespace hinomi::simulation {

/// What may happen in a run; chance decides when.
struct KubeletHabits {
  bool rotates = true;
  bool compresses = false;
  bool deletes = false;
  bool restarts = false;
  bool removes_pods = false;
  bool truncates = false;
  bool writes_late = false;  // to a file that was rotated long ago
  bool tears_lines = false;  // one line in two writes
  bool writes_garbage = false;
  bool writes_long_lines = false;
  bool writes_parts = false;  // not when it writes late: a record would lie around another
  uint64_t pods_max = 2;
  std::string refused_word;  // some lines have it
};

class Kubelet {
 public:
  struct Parts {
    SimulatedDisk& disk;
    Model& model;
    Random& random;
    const Clock& clock;
    const uint64_t& step;  // of the simulation: the agent may do a single thing in it
    std::function<void(const std::string&)> tell;  // the trace
  };
  Kubelet(KubeletHabits habits, Parts parts);

  static constexpr char kPodsDirectory[] = "/var/log/pods";

  /// Something happens.
  void Act();
  /// Ends what is halfway done, for good.
  void Rest();
  /// Every container begins another file, and what is left of dead ones goes.
  void MoveOn();

 private:
  struct Container {
    std::string namespace_name, pod, uid, name;
    std::string directory;  // below the pods directory
    uint32_t restart = 0;
    uint32_t log = 0;
    uint64_t lines = 0;
    InodePointer file;
    std::optional<uint32_t> torn;                     // a line of which a part is written
    std::array<std::deque<PhysicalLine>, 2> pending;  // parts of records not yet written
    bool is_renamed = false;             // the runtime writes to the rotated file still
    std::optional<uint64_t> renamed_in;  // the step
    InodePointer previous;               // the file before
    Duration superseded_at{0};
    std::string compressing;  // a rotated file that has a compressed copy

    std::string path() const;
  };

  void AddPod();
  void Start(Container& container);
  void Write(Container& container);
  void WriteLine(Container& container, const InodePointer& file, bool late);
  void WriteTorn(Container& container);
  void WriteGarbage(Container& container);
  void Append(const InodePointer& file, PhysicalLine line, uint64_t bytes);
  void WriteWhole(const InodePointer& file, PhysicalLine line);
  PhysicalLine NextLine(Container& container);
  std::string BodyOf(Container& container, bool is_stderr);
  std::string NextTime();
  void WriteLate(Container& container);
  void Rename(Container& container);
  void Reopen(Container& container);
  void Compress(Container& container);
  void DeleteOldest(Container& container);
  void Restart(Container& container);
  void RemoveDead(const Container& container);
  void RemovePod(size_t index);
  void Truncate(Container& container);
  std::vector<std::string> Rotated(const Container& container, bool compressed) const;
  void Tell(const std::string& what) const { parts_.tell(what); }

  const KubeletHabits habits_;
  const Parts parts_;
  std::vector<Container> containers_;
  uint64_t uids_ = 0;
  uint64_t rotations_ = 0;
  int64_t last_time_ = 0;  // nanoseconds; no two lines have the same
};

}  // namespace hinomi::simulation
