// Who is read next, and how fast at most: deficit round robin over namespaces, within one over its
// pods, within a pod over its logs. So a namespace of many logs gets no more than one of few, nor a
// pod.
//
// A turn is worth a quantum of bytes times the weight, and lasts until that is used up; what a
// lease read beyond it is paid back in the next turns. Each namespace, pod and log may have a limit
// of bytes per second: where it is used up, what is below it waits, or is read and not kept. One
// scheduler per route. Pure book-keeping: no disk, no clock, no lock of its own; LogStore's guards
// it. Between Join and Leave a call takes constant time and allocates nothing, but for a wait.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "shipper/pod_facts.h"
#include "shipper/source/shares.h"

namespace hinomi {

class Scheduler {
 public:
  /// Where a log belongs, and what each part of that way is granted.
  struct Place {
    const std::string& namespace_name;
    const std::string& pod_name;
    Shares shares;
  };
  /// A log whose turn it is.
  struct Turn {
    uint64_t log = 0;
    uint64_t kept_bytes_max = 0;  // a record that begins behind them is not to be kept
  };
  /// What became of it.
  struct Usage {
    uint64_t read_bytes = 0;
    uint64_t kept_bytes = 0;  // of them: what limits count
    bool more = false;        // the log is ready again at once
  };
  /// Told how long something of a namespace will wait for its limit.
  using OnWait = std::function<void(const std::string& namespace_name, Duration wait)>;

  /// What is charged for a lease at least, since it also costs when it finds little.
  static constexpr uint64_t kLeaseBytes = 4 << 10;

  /// `quantum_bytes`: of a turn of weight 1; no lease reads more at a time.
  explicit Scheduler(uint64_t quantum_bytes, OnWait on_wait = {});

  /// Makes `log`, the store's handle, known, though not ready yet; or changes the shares of what is
  /// known. Namespaces and pods are known as long as a log of theirs is.
  void Join(uint64_t log, const Place& place);
  /// Forgets it, ready or not.
  void Leave(uint64_t log);
  /// Namespaces and pods that are known.
  size_t groups() const { return groups_.size(); }

  // `now` is monotonic everywhere.
  /// There may be something to read in it. Not for a log that is leased; one that is ready stays
  /// where it is.
  void Ready(uint64_t log, Duration now);
  /// When Next has something to give, as far as is known: in the past if at once; none when nothing
  /// is ready.
  std::optional<Duration> NextDue() const;
  /// Leases the log whose turn it is; none when none may be read now.
  std::optional<Turn> Next(Duration now);
  /// Ends its lease.
  void Done(uint64_t log, const Usage& usage);
  /// So many bytes are not held against a log by limits that drop: they are read once more, or were
  /// there before anybody looked.
  void Forgive(uint64_t log, uint64_t bytes);
  /// The limit that a log waits for, its own, its pod's or its namespace's; none when it does not.
  std::optional<HeldUp> HeldUpBy(uint64_t log, Duration now) const;

 private:
  struct Group;
  /// A limit, and what is left of it. Where it drops, it fills beyond the burst while something is
  /// ready: what waits behind a slow sink was not written too fast.
  struct Bucket {
    Share share;
    double bytes = 0;  // negative when a lease took more
    Duration filled_at{0};
    Duration waits_until{0};

    void Fill(Duration now, bool idle);
    bool drops() const { return share.exceeded == Exceeded::kDrop; }
  };
  /// A namespace, a pod or a log; in its parent's ring while something below it is ready.
  struct Node {
    Group* parent = nullptr;
    Node* next = nullptr;  // null outside the ring
    Node* previous = nullptr;
    int64_t credit_bytes = 0;  // left of its turn; negative when it took more
    uint32_t weight = 1;
    bool waits = false;              // for its bucket; not in the ring then
    std::unique_ptr<Bucket> bucket;  // where there is a limit
  };
  struct Group : Node {
    Node* first = nullptr;              // of the ring: whose turn it is
    uint32_t members = 0;               // below it, ready or not
    const std::string* name = nullptr;  // its key in groups_
  };
  struct Log : Node {
    uint64_t handle = 0;
  };

  Group& GroupOf(Group& parent, const std::string& name, const Share& share);
  void Release(Group* group);
  void Remove(Node& node);
  Node* First(Group& group) const;
  Log* Descend(Duration now);
  bool MustWait(Node& node, Duration now);
  void WakeUp(Node& node);
  void Grant(Node& node, const Share& share);
  static void Link(Node& node);
  static void Unlink(Node& node);
  static void EndTurn(Node& node);

  const int64_t quantum_bytes_;
  const OnWait on_wait_;
  Group root_;
  std::unordered_map<std::string, Group> groups_;  // "namespace" and "namespace/pod"
  std::unordered_map<uint64_t, Log> logs_;
  std::set<std::pair<Duration, Node*>> waiting_;  // by when
};

}  // namespace hinomi
