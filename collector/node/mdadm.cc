// Arrays of disks, and how many of these work.
// Source: /sys/block/md*/md.
#include "collector/node/mdadm.h"

#include <algorithm>

#include "collector/words.h"

namespace hinomi {
namespace {

constexpr std::string_view kDiskStates[] = {"active", "failed", "spare"};
constexpr std::string_view kStates[] = {"active", "check", "inactive", "recovering", "resync"};

// As node_exporter has it from /proc/mdstat. A disk that is being rebuilt is none of them: it is
// spare to the kernel, but has its slot already.
std::string_view DiskState(const std::string& state, const std::string& slot) {
  const auto is = [&](std::string_view word) { return state.find(word) != std::string::npos; };
  if (is("faulty")) return "failed";
  if (is("in_sync")) return "active";
  return is("spare") && slot == "none" ? "spare" : "";
}

std::string_view StateOf(const std::string& array, const std::string& action) {
  if (array == "clear" || array == "inactive") return "inactive";
  if (action == "recover") return "recovering";
  if (action == "check") return "check";
  return action == "resync" ? "resync" : "active";
}

struct Array {
  std::string device;
  std::optional<uint64_t> required;
  std::string_view state;
  std::vector<std::string_view> disks;  // their states
};

Array Look(const Host& host, const std::string& device) {
  const std::string directory = "/sys/block/" + device + "/md/";
  const auto word = [&](const std::string& file) { return host.ReadWord(directory + file); };
  std::string required = word("raid_disks");  // while it is reshaped: "3 (2)"
  required.resize(std::min(required.find(' '), required.size()));
  Array array = {
      device, ParseCount(required), StateOf(word("array_state"), word("sync_action")), {}};
  const Result<std::vector<std::string>> files = host.List(directory);
  if (!files) return array;
  for (const std::string& file : *files) {
    if (!file.starts_with("dev-")) continue;
    array.disks.push_back(DiskState(word(file + "/state"), word(file + "/slot")));
  }
  return array;
}

// A row for each of `states`, with how often `found` has it.
void WriteStates(const std::string& device, std::span<const std::string_view> states,
                 std::span<const std::string_view> found, Exposition& out) {
  for (const std::string_view state : states) {
    out.Row({{"device", device}, {"state", state}},
            static_cast<double>(std::count(found.begin(), found.end(), state)));
  }
}

Result<void> Collect(const CollectorParts& parts, Exposition& out) {
  const Result<std::vector<std::string>> devices = parts.host.List("/sys/block");
  if (!devices) return IsAbsent(devices.error()) ? Result<void>() : devices.error();
  std::vector<Array> arrays;
  for (const std::string& device : *devices) {
    if (device.starts_with("md") && parts.host.Exists("/sys/block/" + device + "/md")) {
      arrays.push_back(Look(parts.host, device));
    }
  }
  if (out.Begin(kMdadmMetrics[0])) {
    for (const Array& array : arrays) WriteStates(array.device, kDiskStates, array.disks, out);
  }
  if (out.Begin(kMdadmMetrics[1])) {
    for (const Array& array : arrays) {
      if (array.required) {
        out.Row({{"device", array.device}}, static_cast<double>(*array.required));
      }
    }
  }
  if (out.Begin(kMdadmMetrics[2])) {
    for (const Array& array : arrays) WriteStates(array.device, kStates, {&array.state, 1}, out);
  }
  return {};
}

}  // namespace

std::unique_ptr<Collector> MakeMdadm(const CollectorParts& parts) {
  return MakeStateless<Collect>(parts);
}

}  // namespace hinomi
