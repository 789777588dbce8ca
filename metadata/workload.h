// Which workload a pod belongs to, as far as its name tells. With owner references at hand, they
// win.
#pragma once

#include <string>
#include <string_view>

namespace hinomi {

struct Workload {
  std::string name;  // never empty for a non-empty pod name
  std::string
      kind;  // Deployment, StatefulSet, CronJob, Node (a static pod), Pod, or empty: not to be told
};

/// The workload behind a pod's name, by the patterns of the controllers that make such names; the
/// kind stays empty where several (DaemonSet, Job, a bare ReplicaSet) make the same pattern.
/// `node_name` may be empty; a static pod's name ends with it.
Workload WorkloadOf(std::string_view pod_name, std::string_view node_name);

/// The workload behind a pod's controller: of a ReplicaSet its Deployment, where its name ends with
/// the pod's label pod-template-hash (`template_hash`, may be empty); of a Job its CronJob, where
/// its name ends with a time of schedule; else the controller itself.
Workload WorkloadOfController(const Workload& controller, std::string_view template_hash);

}  // namespace hinomi
