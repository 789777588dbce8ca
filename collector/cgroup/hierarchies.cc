#include "collector/cgroup/hierarchies.h"

#include <utility>

namespace hinomi {
namespace {

constexpr std::string_view kBase = "/sys/fs/cgroup";

}  // namespace

CgroupHierarchies FindCgroupHierarchies(const Host& host) {
  CgroupHierarchies found;
  const std::string base(kBase);
  const auto set = [&](Controller controller, const std::string& path) {
    found.directories[static_cast<size_t>(controller)] = host.PathOf(path);
  };
  if (host.Exists(base + "/cgroup.controllers")) {
    set(Controller::kUnified, base);
    found.files = CgroupFilesV2();
    found.listing = found.of(Controller::kUnified);
    return found;
  }
  // Where two controllers are mounted together, each has a link of its name.
  const std::pair<Controller, std::string> names[] = {
      {Controller::kCpu, "cpu"},       {Controller::kCpuacct, "cpuacct"},
      {Controller::kMemory, "memory"}, {Controller::kBlkio, "blkio"},
      {Controller::kPids, "pids"},     {Controller::kUnified, "unified"}};
  for (const auto& [controller, name] : names) {
    const std::string path = base + "/" + name;
    if (host.Exists(path + "/cgroup.procs")) set(controller, path);
  }
  found.files = CgroupFilesV1();
  for (const Controller controller : {Controller::kMemory, Controller::kCpuacct}) {
    if (found.listing.empty()) found.listing = found.of(controller);
  }
  return found;
}

}  // namespace hinomi
