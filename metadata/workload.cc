#include "metadata/workload.h"

#include <algorithm>
#include <cstdint>

namespace hinomi {
namespace {

// apimachinery's rand.SafeEncodeString: no vowels, nothing that reads like one.
constexpr std::string_view kSafeAlphabet = "bcdfghjklmnpqrstvwxz2456789";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";

constexpr size_t kSuffixSize = 5;
constexpr size_t kHashSizeMin = 6;
constexpr size_t kHashSizeMax = 10;
constexpr size_t kOrdinalSizeMax = 4;  // longer numbers at the end of a name are dates and ids
// names.SimpleNameGenerator cuts what comes before the suffix so that the name fits a label.
constexpr size_t kGeneratedSizeMax = 63;
// A CronJob's schedule time, as old and as young as one can be met.
constexpr uint64_t kScheduleSecondsMin = 1'400'000'000;
constexpr uint64_t kScheduleSecondsMax = 1'900'000'000;

bool OnlyOf(std::string_view alphabet, std::string_view text) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

/// Value of a text of at most ten digits without leading zeros; 0 for anything else.
uint64_t NumberOf(std::string_view text) {
  if (text.empty() || text.size() > 10 || text.front() == '0' || !OnlyOf(kDigits, text)) return 0;
  uint64_t number = 0;
  for (char c : text) number = number * 10 + static_cast<uint64_t>(c - '0');
  return number;
}

bool IsSchedule(std::string_view text) {
  uint64_t seconds = 0;
  if (text.size() == 8) seconds = NumberOf(text) * 60;  // Kubernetes >= 1.21
  if (text.size() == 10) seconds = NumberOf(text);
  return seconds >= kScheduleSecondsMin && seconds <= kScheduleSecondsMax;
}

/// A pod-template-hash of a current cluster.
bool IsHash(std::string_view text) {
  return text.size() >= kHashSizeMin && text.size() <= kHashSizeMax && OnlyOf(kSafeAlphabet, text);
}

/// Kubernetes < 1.10: a 32-bit hash in decimal. One hash in fifty is shorter; such numbers are
/// dates today.
bool IsOldHash(std::string_view text) {
  return text.size() >= 9 && NumberOf(text) > 0 && NumberOf(text) <= UINT32_MAX;
}

struct Split {
  std::string_view head;
  std::string_view tail;  // after the last dash; empty if there is none, or nothing before it
};

Split SplitLast(std::string_view name) {
  size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return {name, {}};
  return {name.substr(0, dash), name.substr(dash + 1)};
}

Workload Make(std::string_view name, std::string_view kind) {
  return {std::string(name), std::string(kind)};
}

bool EndsWithNode(std::string_view pod_name, std::string_view node_name) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (node_name.empty() || pod_name.size() < node_name.size() + 2) return false;
  std::string_view end = pod_name.substr(pod_name.size() - node_name.size());
  // The kubelet lowers the node's name for this.
  return pod_name[pod_name.size() - node_name.size() - 1] == '-' &&
         std::equal(end.begin(), end.end(), node_name.begin(),
                    [&](char in_pod, char in_node) { return in_pod == lower(in_node); });
}

/// The name was too long, so the suffix follows whatever was left of the name and its hash.
Workload CutWorkload(std::string_view pod_name) {
  std::string_view base = pod_name.substr(0, pod_name.size() - kSuffixSize);
  auto [head, tail] = SplitLast(base);
  if (IsHash(tail)) return Make(head, "Deployment");
  if (base.back() == '-') base.remove_suffix(1);
  return Make(base, "");
}

}  // namespace

Workload WorkloadOf(std::string_view pod_name, std::string_view node_name) {
  if (EndsWithNode(pod_name, node_name)) {
    return Make(pod_name.substr(0, pod_name.size() - node_name.size() - 1), "Node");
  }
  auto [head, suffix] = SplitLast(pod_name);
  bool any_suffix = suffix.size() == kSuffixSize && OnlyOf(kLowerAndDigits, suffix);
  bool safe_suffix = any_suffix && OnlyOf(kSafeAlphabet, suffix);
  if (any_suffix) {
    auto [name, middle] = SplitLast(head);
    if (IsSchedule(middle)) return Make(name, "CronJob");
    if ((safe_suffix && IsHash(middle)) || IsOldHash(middle)) return Make(name, "Deployment");
  }
  bool ordinal = suffix == "0" || (suffix.size() <= kOrdinalSizeMax && NumberOf(suffix) > 0);
  if (ordinal) return Make(head, "StatefulSet");
  if (safe_suffix) return Make(head, "");
  if (pod_name.size() == kGeneratedSizeMax &&
      OnlyOf(kSafeAlphabet, pod_name.substr(pod_name.size() - kSuffixSize))) {
    return CutWorkload(pod_name);
  }
  return Make(pod_name, "Pod");
}

Workload WorkloadOfController(const Workload& controller, std::string_view template_hash) {
  const auto [head, tail] = SplitLast(controller.name);
  const bool replica_set = controller.kind == "ReplicaSet";
  if (replica_set && !template_hash.empty() && tail == template_hash) {
    return Make(head, "Deployment");
  }
  if (controller.kind == "Job" && IsSchedule(tail)) return Make(head, "CronJob");
  return controller;
}

}  // namespace hinomi
