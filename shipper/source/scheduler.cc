#include "shipper/source/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace hinomi {
namespace {

constexpr Duration kShortestWait = std::chrono::milliseconds(1);

}  // namespace

Scheduler::Scheduler(uint64_t quantum_bytes, OnWait on_wait)
    : quantum_bytes_(static_cast<int64_t>(quantum_bytes)), on_wait_(std::move(on_wait)) {
  CHECK(quantum_bytes_ > 0);
}

void Scheduler::Bucket::Fill(Duration now, bool idle) {
  const double seconds = std::chrono::duration<double>(now - filled_at).count();
  const double full = bytes + seconds * static_cast<double>(share.bytes_per_second);
  const double capped = std::min(full, static_cast<double>(share.burst_bytes));
  bytes = drops() && !idle ? full : std::max(bytes, capped);
  filled_at = now;
}

void Scheduler::Grant(Node& node, const Share& share) {
  node.weight = share.weight;
  if (share.bytes_per_second == 0) {
    if (node.waits) WakeUp(node);
    node.bucket.reset();
  } else if (node.bucket != nullptr) {
    node.bucket->share = share;
  } else {
    node.bucket = std::make_unique<Bucket>(Bucket{share, static_cast<double>(share.burst_bytes)});
  }
}

Scheduler::Group& Scheduler::GroupOf(Group& parent, const std::string& name, const Share& share) {
  const auto [it, fresh] = groups_.try_emplace(name);
  Group& group = it->second;
  if (fresh) {
    group.parent = &parent;
    group.name = &it->first;
    ++parent.members;
  }
  Grant(group, share);
  return group;
}

void Scheduler::Join(uint64_t log, const Place& place) {
  if (const auto known = logs_.find(log); known != logs_.end()) {
    Group& pod = *known->second.parent;
    Grant(*pod.parent, place.shares.of_namespace);
    Grant(pod, place.shares.of_pod);
    Grant(known->second, place.shares.of_log);
    return;
  }
  Group& space = GroupOf(root_, place.namespace_name, place.shares.of_namespace);
  Group& pod = GroupOf(space, place.namespace_name + "/" + place.pod_name, place.shares.of_pod);
  Log& fresh = logs_[log];
  Grant(fresh, place.shares.of_log);
  fresh.parent = &pod;
  fresh.handle = log;
  ++pod.members;
}

void Scheduler::Leave(uint64_t log) {
  const auto found = logs_.find(log);
  if (found == logs_.end()) return;
  Group* pod = found->second.parent;
  Remove(found->second);
  logs_.erase(found);
  Release(pod);
}

// One of its members is gone.
void Scheduler::Release(Group* group) {
  while (group != &root_ && --group->members == 0) {
    Group* parent = group->parent;
    Remove(*group);
    groups_.erase(groups_.find(*group->name));
    group = parent;
  }
}

void Scheduler::Remove(Node& node) {
  Unlink(node);
  if (node.waits) waiting_.erase({node.bucket->waits_until, &node});
}

// Behind the others, or in front of them while its turn lasts.
void Scheduler::Link(Node& node) {
  if (node.next != nullptr || node.waits) return;
  Group& group = *node.parent;
  if (group.first == nullptr) {
    group.first = node.next = node.previous = &node;
    if (group.parent != nullptr) Link(group);
    return;
  }
  node.next = group.first;
  node.previous = group.first->previous;
  node.previous->next = node.next->previous = &node;
  if (node.credit_bytes > 0) group.first = &node;
}

void Scheduler::Unlink(Node& node) {
  if (node.next == nullptr) return;
  Group& group = *node.parent;
  if (group.first == &node) group.first = node.next == &node ? nullptr : node.next;
  node.previous->next = node.next;
  node.next->previous = node.previous;
  node.next = node.previous = nullptr;
}

// What it did not use it cannot save up; what it took too much it still owes.
void Scheduler::EndTurn(Node& node) {
  Unlink(node);
  node.credit_bytes = std::min<int64_t>(node.credit_bytes, 0);
  if (node.bucket == nullptr) return;
  Bucket& bucket = *node.bucket;
  bucket.bytes = std::min(bucket.bytes, static_cast<double>(bucket.share.burst_bytes));
}

// The member whose turn it is. Whoever owes more than a turn is worth is passed over.
Scheduler::Node* Scheduler::First(Group& group) const {
  while (group.first->credit_bytes <= 0) {
    group.first->credit_bytes += quantum_bytes_ * group.first->weight;
    if (group.first->credit_bytes <= 0) group.first = group.first->next;
  }
  return group.first;
}

void Scheduler::Ready(uint64_t handle, Duration now) {
  Log& log = logs_.at(handle);
  for (Node* node = &log; node != &root_; node = node->parent) {
    const bool idle = node->next == nullptr && !node->waits;
    if (idle && node->bucket != nullptr) node->bucket->Fill(now, idle);
  }
  Link(log);
}

std::optional<Duration> Scheduler::NextDue() const {
  if (root_.first != nullptr) return Duration{0};
  if (!waiting_.empty()) return waiting_.begin()->first;
  return std::nullopt;
}

// True when its limit is used up; then it is put aside.
bool Scheduler::MustWait(Node& node, Duration now) {
  if (node.bucket == nullptr) return false;
  Bucket& bucket = *node.bucket;
  bucket.Fill(now, /*idle=*/false);
  if (bucket.drops() || bucket.bytes > 0) return false;
  const std::chrono::duration<double> seconds(-bucket.bytes /
                                              static_cast<double>(bucket.share.bytes_per_second));
  const Duration wait = std::chrono::duration_cast<Duration>(seconds) + kShortestWait;
  Unlink(node);
  node.waits = true;
  bucket.waits_until = now + wait;
  waiting_.emplace(bucket.waits_until, &node);
  if (!on_wait_) return true;
  const Node* space = &node;
  while (space->parent != &root_) space = space->parent;
  on_wait_(*static_cast<const Group*>(space)->name, wait);
  return true;
}

void Scheduler::WakeUp(Node& node) {
  waiting_.erase({node.bucket->waits_until, &node});
  node.waits = false;
  Link(node);
}

// The log below the namespace and the pod whose turns it is. What is found empty or beyond its
// limit on the way leaves the rings.
Scheduler::Log* Scheduler::Descend(Duration now) {
  while (root_.first != nullptr) {
    auto& space = static_cast<Group&>(*First(root_));
    if (space.first == nullptr) {
      EndTurn(space);
      continue;
    }
    if (MustWait(space, now)) continue;
    auto& pod = static_cast<Group&>(*First(space));
    if (pod.first == nullptr) {
      EndTurn(pod);
      continue;
    }
    if (MustWait(pod, now)) continue;
    Node& log = *First(pod);
    if (!MustWait(log, now)) return static_cast<Log*>(&log);
  }
  return nullptr;
}

std::optional<Scheduler::Turn> Scheduler::Next(Duration now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    WakeUp(*waiting_.begin()->second);
  }
  Log* log = Descend(now);
  if (log == nullptr) return std::nullopt;
  Unlink(*log);
  Turn turn{log->handle, UINT64_MAX};
  for (const Node* node = log; node != &root_; node = node->parent) {
    if (node->bucket == nullptr || !node->bucket->drops()) continue;
    const auto left = static_cast<uint64_t>(std::max(node->bucket->bytes, 0.0));
    turn.kept_bytes_max = std::min(turn.kept_bytes_max, left);
  }
  return turn;
}

void Scheduler::Done(uint64_t handle, const Usage& usage) {
  Log& log = logs_.at(handle);
  const auto cost = static_cast<int64_t>(std::max(usage.read_bytes, kLeaseBytes));
  for (Node* node = &log; node != &root_; node = node->parent) {
    node->credit_bytes -= cost;
    if (node->bucket != nullptr) node->bucket->bytes -= static_cast<double>(usage.kept_bytes);
  }
  if (usage.more) {
    Link(log);
  } else {
    EndTurn(log);
  }
  for (Group* group = log.parent; group != &root_; group = group->parent) {
    Node*& turn = group->parent->first;
    if (group->first == nullptr) {
      EndTurn(*group);
    } else if (turn == group && group->credit_bytes <= 0) {
      turn = group->next;
    }
  }
}

void Scheduler::Forgive(uint64_t handle, uint64_t bytes) {
  for (Node* node = &logs_.at(handle); node->parent != nullptr; node = node->parent) {
    if (node->bucket == nullptr || !node->bucket->drops()) continue;
    node->bucket->bytes += static_cast<double>(bytes);
  }
}

std::optional<HeldUp> Scheduler::HeldUpBy(uint64_t handle, Duration now) const {
  const auto found = logs_.find(handle);
  if (found == logs_.end()) return std::nullopt;
  const Node* node = &found->second;
  for (const Per per : {Per::kContainer, Per::kPod, Per::kNamespace}) {
    if (node->waits) {
      const Bucket& bucket = *node->bucket;
      return HeldUp{per, bucket.share.bytes_per_second,
                    std::max(bucket.waits_until - now, Duration{0})};
    }
    node = node->parent;
  }
  return std::nullopt;
}

}  // namespace hinomi
