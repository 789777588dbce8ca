// The rows of containers as of now: each cgroup with its numbers, its name, and the network of its
// pod. What does not change is kept from scrape to scrape; both endpoints of containers read here.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "collector/cgroup/tree.h"
#include "collector/container/container_names.h"
#include "collector/container/network.h"
#include "collector/container/oom_kills.h"

namespace hinomi {

/// What is kept of one cgroup.
struct ContainerRow {
  Cgroup* cgroup = nullptr;
  // As in ContainerName:
  std::string namespace_name, pod, container;
  Duration since{0};   // monotonic; when it was first seen
  std::string labels;  // encoded: container, id, image, name, namespace, pod
  double started = kMissing;

  // Of the pod's sandbox, or the container of a pod without one:
  WatchedProcess watched;          // that the interfaces are read by
  uint64_t network_namespace = 0;  // of that process
  std::vector<InterfaceCounts> interfaces;
  bool owns_network = false;  // no other row is read for that namespace, a pod's

  bool known = true, final = false;  // as in ContainerName
};

class ContainerRows {
 public:
  struct Parts {
    const Host& host;
    const Config& config;
    const MetadataStore* metadata;  // null: nobody is asked
    OomKills& oom_kills;
    const Clock& clock;
    Metrics& metrics;
  };
  /// What has to be read.
  struct Wanted {
    CgroupTree::Wanted cgroups;
    bool network = false;
  };

  /// Metrics, of the agent: hinomi_container_rows_unnamed, hinomi_cgroups_left_out.
  ContainerRows(const Parts& parts, const Wanted& wanted);

  /// Reads all. The rows hold until the next call; one caller at a time, see Lock.
  std::span<ContainerRow* const> Read();
  /// Those of the last Read.
  std::span<ContainerRow* const> rows() const { return rows_; }
  /// The processes of one of them; at most `max`.
  std::vector<uint32_t> Processes(const ContainerRow& row, size_t max) const {
    return tree_.Processes(*row.cgroup, max);
  }
  std::unique_lock<std::mutex> Lock() { return std::unique_lock(mutex_); }

 private:
  void Track();
  void Name(ContainerRow& row);
  void Start(ContainerRow& row);
  void ReadNetworks();
  void ReadNetwork(ContainerRow& row);
  bool ReadInterfaces(const WatchedProcess& process, ContainerRow& row);
  void ChooseProcess(ContainerRow& row);

  const Host& host_;
  OomKills& oom_kills_;
  const Clock& clock_;
  const bool metadata_;  // somebody may tell images
  const bool network_;
  std::mutex mutex_;
  CgroupTree tree_;
  ContainerNames names_;
  std::unordered_map<uint64_t, ContainerRow> known_;  // by the cgroup's number
  std::vector<ContainerRow*> rows_;
  WatchedProcess init_;
  std::vector<uint64_t> namespaces_;  // of networks: the node's, and those that have their row
  std::string text_;                  // of the file at hand
  std::vector<InterfaceCounts> interfaces_;  // in that
  Duration settings_read_{0};
  double boot_time_ = 0;
  Gauge unnamed_, left_out_;
};

}  // namespace hinomi
