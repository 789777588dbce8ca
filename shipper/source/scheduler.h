// Who is read next: deficit round robin over namespaces, within one over its pods, within a pod
// over its logs. So a namespace of many logs gets no more than one of few, nor a pod.
//
// A turn is worth a quantum of bytes times the weight, and lasts until that is used up; what a
// lease read beyond it is paid back in the next turns. One scheduler per route. Pure book-keeping:
// no disk, no clock, no lock of its own; LogStore's guards it. Between Join and Leave no call
// allocates, and each takes constant time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace hinomi {

class Scheduler {
 public:
  /// Where a log belongs.
  struct Place {
    const std::string& namespace_name;
    const std::string& pod_name;
  };
  /// What is charged for a lease at least, since it also costs when it finds little.
  static constexpr uint64_t kLeaseBytes = 4 << 10;

  /// `quantum_bytes`: of a turn of weight 1; no lease reads more at a time.
  explicit Scheduler(uint64_t quantum_bytes);

  /// Makes `log`, the store's handle, known; it is not ready yet. Namespaces and pods are known as
  /// long as a log of theirs is.
  void Join(uint64_t log, const Place& place);
  /// Forgets it, ready or not.
  void Leave(uint64_t log);

  /// There may be something to read in it. Not for a log that is leased; one that is ready stays
  /// where it is.
  void Ready(uint64_t log);
  /// Namespaces and pods that are known.
  size_t groups() const { return groups_.size(); }
  /// True when no log is ready.
  bool empty() const { return root_.first == nullptr; }
  /// Leases the log whose turn it is; none when none is ready.
  std::optional<uint64_t> Next();
  /// Ends its lease, which read so many bytes. `more`: it is ready again at once.
  void Done(uint64_t log, uint64_t read_bytes, bool more);

 private:
  struct Group;
  /// A namespace, a pod or a log; in its parent's ring while something below it is ready.
  struct Node {
    Group* parent = nullptr;
    Node* next = nullptr;  // null outside the ring
    Node* previous = nullptr;
    int64_t credit_bytes = 0;  // left of its turn; negative when it took more
    uint32_t weight = 1;
  };
  struct Group : Node {
    Node* first = nullptr;  // of the ring: whose turn it is
    uint32_t members = 0;   // below it, ready or not
    std::string name;
  };
  struct Log : Node {
    uint64_t handle = 0;
  };

  Group& GroupOf(Group& parent, const std::string& name);
  void Release(Group* group);
  Node* First(Group& group) const;
  static void Link(Node& node);
  static void Unlink(Node& node);
  static void EndTurn(Node& node);

  const int64_t quantum_bytes_;
  Group root_;
  std::unordered_map<std::string, Group> groups_;  // "namespace" and "namespace/pod"
  std::unordered_map<uint64_t, Log> logs_;
};

}  // namespace hinomi
