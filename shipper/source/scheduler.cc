#include "shipper/source/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace hinomi {

Scheduler::Scheduler(uint64_t quantum_bytes) : quantum_bytes_(static_cast<int64_t>(quantum_bytes)) {
  CHECK(quantum_bytes_ > 0);
}

Scheduler::Group& Scheduler::GroupOf(Group& parent, const std::string& name) {
  const auto [it, fresh] = groups_.try_emplace(name);
  Group& group = it->second;
  if (fresh) {
    group.parent = &parent;
    group.name = name;
    ++parent.members;
  }
  return group;
}

void Scheduler::Join(uint64_t log, const Place& place) {
  const auto [it, fresh] = logs_.try_emplace(log);
  CHECK(fresh);
  Group& space = GroupOf(root_, place.namespace_name);
  Group& pod = GroupOf(space, place.namespace_name + "/" + place.pod_name);
  ++pod.members;
  it->second.parent = &pod;
  it->second.handle = log;
}

void Scheduler::Leave(uint64_t log) {
  const auto found = logs_.find(log);
  if (found == logs_.end()) return;
  Group* pod = found->second.parent;
  Unlink(found->second);
  logs_.erase(found);
  Release(pod);
}

// One of its members is gone.
void Scheduler::Release(Group* group) {
  while (group != &root_ && --group->members == 0) {
    Group* parent = group->parent;
    Unlink(*group);
    groups_.erase(groups_.find(group->name));
    group = parent;
  }
}

// Behind the others, or in front of them while its turn lasts.
void Scheduler::Link(Node& node) {
  if (node.next != nullptr) return;
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
}

// The member whose turn it is. Whoever owes more than a turn is worth is passed over.
Scheduler::Node* Scheduler::First(Group& group) const {
  while (group.first->credit_bytes <= 0) {
    group.first->credit_bytes += quantum_bytes_ * group.first->weight;
    if (group.first->credit_bytes <= 0) group.first = group.first->next;
  }
  return group.first;
}

void Scheduler::Ready(uint64_t log) { Link(logs_.at(log)); }

std::optional<uint64_t> Scheduler::Next() {
  while (!empty()) {
    auto& space = static_cast<Group&>(*First(root_));
    if (space.first == nullptr) {
      EndTurn(space);
      continue;
    }
    auto& pod = static_cast<Group&>(*First(space));
    if (pod.first == nullptr) {
      EndTurn(pod);
      continue;
    }
    auto& log = static_cast<Log&>(*First(pod));
    Unlink(log);
    return log.handle;
  }
  return std::nullopt;
}

void Scheduler::Done(uint64_t handle, uint64_t read_bytes, bool more) {
  Log& log = logs_.at(handle);
  const auto cost = static_cast<int64_t>(std::max(read_bytes, kLeaseBytes));
  for (Node* node = &log; node != &root_; node = node->parent) node->credit_bytes -= cost;
  if (more) {
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

}  // namespace hinomi
