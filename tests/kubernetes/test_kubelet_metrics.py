"""The metrics of containers beside those of a real kubelet, for the same containers."""
import collections
import json
import os
import re
import subprocess

from test_real_kubelet import pod
from waiting import eventually

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)(?: \d+)?$', re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# What the dashboards, rules and alerts of kubernetes-mixin read.
SEVENTEEN = {
    "container_cpu_usage_seconds_total", "container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total",
    "container_memory_working_set_bytes", "container_memory_rss", "container_memory_cache", "container_memory_swap",
    "container_fs_reads_bytes_total", "container_fs_writes_bytes_total", "container_fs_reads_total",
    "container_fs_writes_total", "container_network_receive_bytes_total", "container_network_transmit_bytes_total",
    "container_network_receive_packets_total", "container_network_transmit_packets_total",
    "container_network_receive_packets_dropped_total", "container_network_transmit_packets_dropped_total",
}
LIMITS = {"container_spec_cpu_period", "container_spec_cpu_quota", "container_spec_cpu_shares",
          "container_spec_memory_limit_bytes"}
# The kubelet gives these names for mounts of the node, and never one for a container.
DISKS = {name for name in SEVENTEEN if name.startswith("container_fs_")}

PODS = ("plain", "limited", "pair")
BUSY = "i=0; while true; do i=$((i + 1)); done"


def samples(text):
    """{name: {labels: value}}"""
    found = collections.defaultdict(dict)
    for name, labels, value in SAMPLE.findall(text):
        found[name][frozenset(LABEL.findall(labels))] = float(value)
    return found


def of_pods(rows):
    """Those of containers, sandboxes and pods in the default namespace."""
    return {labels: value for labels, value in rows.items() if ("namespace", "default") in labels}


def without(labels, *names):
    return frozenset(pair for pair in labels if pair[0] not in names)


def kubelets(cluster):
    return samples(cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/metrics/cadvisor"))


def make_pods(cluster):
    limits = {"resources": {"limits": {"cpu": "200m", "memory": "64Mi"}}}
    cluster.create(pod("plain", "sleep 1000"), pod("limited", BUSY, **limits),
                   pod("pair", "while true; do head -c 100000 /dev/zero | md5sum > /dev/null; sleep 0.1; done"))
    for name in PODS:
        eventually(lambda: (cluster.status(name) or {}).get("phase") == "Running", 60, lambda: name)


def wait_for_the_kubelet(cluster):
    """Until it has a row for each pod, each sandbox and each container."""
    def count():
        return len(of_pods(kubelets(cluster)["container_cpu_usage_seconds_total"]))
    eventually(lambda: count() == 3 * len(PODS), 60, lambda: f"the kubelet sees {count()} of {3 * len(PODS)}")


def test_the_same_rows_with_the_same_labels(cluster, node_agent):
    node_agent.start()
    make_pods(cluster)
    wait_for_the_kubelet(cluster)
    ours, theirs = {}, {}

    def differences():
        """Of the rows' labels; but nobody tells the image of a sandbox."""
        ours.clear()
        theirs.clear()
        ours.update(samples(node_agent.get("/metrics/cadvisor").text))
        theirs.update(kubelets(cluster))
        found = []
        for name in sorted((SEVENTEEN | LIMITS) - DISKS):
            mine = {without(labels, "image") for labels in of_pods(ours.get(name, {}))}
            wanted = {without(labels, "image") for labels in of_pods(theirs.get(name, {}))}
            if not wanted or mine != wanted:
                found.append((name, {"missing": wanted - mine, "more": mine - wanted}))
        return found

    def with_image():
        return [labels for labels in of_pods(ours.get("container_cpu_usage_seconds_total", {}))
                if ("container", "main") in labels and ("image", "hinomi.test/busybox:1") in labels]
    # The kubelet looks at a new cgroup's network later than at its processor.
    eventually(lambda: not differences() and len(with_image()) == len(PODS), 60, lambda: differences() or with_image())
    for name in ("container_memory_working_set_bytes", "container_memory_rss"):
        for labels, value in of_pods(ours[name]).items():
            if ("container", "") not in labels:
                assert labels in theirs[name], (name, labels)


def test_the_same_values(cluster, node_agent):
    """A counter lies between two answers of the kubelet, which may be ten seconds older than it says."""
    node_agent.start()
    make_pods(cluster)
    wait_for_the_kubelet(cluster)
    before = kubelets(cluster)
    ours = samples(node_agent.get("/metrics/cadvisor").text)
    counters = sorted(name for name in SEVENTEEN - DISKS if name.endswith("_total"))

    behind = []

    def later():
        after = kubelets(cluster)
        behind.clear()
        for name in counters:
            then = {without(labels, "image"): value for labels, value in after[name].items()}
            behind.extend((name, dict(labels), value, then.get(without(labels, "image")))
                          for labels, value in of_pods(ours[name]).items()
                          if then.get(without(labels, "image"), 0) < value)
        return not behind
    eventually(later, 40, lambda: f"the kubelet's counters do not come as far: {behind}")
    for name in counters:
        first = {without(found, "image"): number for found, number in before[name].items()}
        for labels, value in of_pods(ours[name]).items():
            assert value >= first.get(without(labels, "image"), 0), (name, labels)
    for name in LIMITS:
        after = {without(labels, "image"): value for labels, value in kubelets(cluster)[name].items()}
        for labels, value in of_pods(ours[name]).items():
            assert after[without(labels, "image")] == value, (name, labels)


def test_a_container_that_is_gone_is_gone_in_the_next_scrape(cluster, node_agent):
    node_agent.start()
    cluster.create(pod("brief", "sleep 1000"))
    eventually(lambda: 'pod="brief"' in node_agent.get("/metrics/cadvisor").text, 30, lambda: node_agent.log())
    (uid,) = {path.name.split("_")[2] for path in (cluster.logs / "pods").glob("default_brief_*")}
    cluster.delete("brief")
    listing = cluster.inside("find", "/sys/fs/cgroup", "-maxdepth", 6, "-name", f"*{uid}*")
    eventually(lambda: not subprocess.check_output(listing), 30, lambda: "its cgroups are not gone")
    assert 'pod="brief"' not in node_agent.get("/metrics/cadvisor").text


def value(agent, name, **labels):
    """Of the container's row with these labels; None when there is none."""
    found = [number for row, number in samples(agent.get("/metrics/cadvisor").text)[name].items()
             if labels.items() <= dict(row).items()]
    return sum(found) if found else None


def test_an_oom_kill_is_counted_and_kept(cluster, node_agent):
    """The kernel's own count goes with the cgroup of the container that was killed."""
    node_agent.start()
    limits = {"resources": {"limits": {"memory": "24Mi"}}}
    cluster.create(pod("greedy", "sleep 4; awk 'BEGIN { for (i = 0; ; ++i) line[i] = \"xxxxxxxxxxxxxxxxxxxxxxxxxx\" i }'",
                       restart="Always", **limits))
    row = {"pod": "greedy", "container": "main"}
    eventually(lambda: cluster.container("greedy")["restartCount"] > 0, 60, lambda: cluster.container("greedy"))
    eventually(lambda: (value(node_agent, "container_oom_events_total", **row) or 0) >= 1, 40, lambda: node_agent.log())
    counted = value(node_agent, "container_oom_events_total", **row)
    node_agent.stop()
    node_agent.start()
    eventually(lambda: value(node_agent, "container_oom_events_total", **row) is not None, 60, lambda: node_agent.log())
    assert value(node_agent, "container_oom_events_total", **row) >= counted
    ended = eventually(lambda: node_agent.metric("hinomi_containers_started_total", namespace="default"), 60,
                       lambda: "nothing was started")
    assert ended >= 1
    assert node_agent.metric("hinomi_node_containers", state="running") is not None


def test_oom_kills_between_two_scrapes_are_counted(cluster, node_agent):
    """Three children of a container are killed, and it has gone when Prometheus asks."""
    node_agent.start()
    script = """[ ! -e /data/gone ] || exec sleep 1000; touch /data/gone
                for i in 1 2 3; do awk 'BEGIN { for (i = 0; ; ++i) line[i] = "xxxxxxxxxxxxxxxxxxxxxxxxxx" i }'; done; exit 1"""
    cluster.create(pod("builder", script, restart="Always", volumes=["data"],
                       resources={"limits": {"memory": "24Mi"}}))
    eventually(lambda: cluster.container("builder")["restartCount"] > 0
               and cluster.container("builder")["state"].get("running"), 60, lambda: cluster.container("builder"))
    row = {"pod": "builder", "container": "main"}
    eventually(lambda: value(node_agent, "container_oom_events_total", **row) is not None, 20, node_agent.log)
    assert value(node_agent, "container_oom_events_total", **row) == 3
    kept = (node_agent.state / "oom_kills").read_text()
    assert kept.startswith("default builder main 3 "), kept


def count_disk(cluster, container):
    """With version 1, newer kernels (6.10) count the disk's bytes of those cgroups alone that have a limit: here one that
    nobody reaches."""
    device = os.stat(cluster.state).st_dev
    limit = f"{os.major(device)}:{os.minor(device)} {1 << 40}"
    subprocess.run(cluster.inside("sh", "-c", f"""for group in $(find /sys/fs/cgroup/blkio -name '*{container}*'); do
        echo '{limit}' > $group/blkio.throttle.write_bps_device; done"""), check=True, timeout=20)


def test_load_appears_in_the_right_rows(cluster, node_agent):
    node_agent.start()
    cluster.create(pod("limited", BUSY, resources={"limits": {"cpu": "50m"}}),
                   pod("writer", "while true; do dd if=/dev/zero of=/big bs=1M count=8 oflag=direct; sleep 1; done"),
                   pod("listener", "sleep 1000"))
    eventually(lambda: (cluster.status("listener") or {}).get("podIP"), 60, lambda: "no address")
    address = cluster.status("listener")["podIP"]
    cluster.create(pod("sender", f"while true; do ping -q -c 1 -s 50000 {address}; done"))
    eventually(lambda: cluster.container("writer").get("containerID"), 60, lambda: "no writer")
    count_disk(cluster, cluster.container("writer")["containerID"].partition("://")[2])
    wanted = {
        "throttled": lambda: value(node_agent, "container_cpu_cfs_throttled_periods_total", pod="limited",
                                   container="main") or 0,
        "written": lambda: (value(node_agent, "container_fs_writes_bytes_total", pod="writer", container="main") or 0)
        / (24 << 20),
        "received": lambda: (value(node_agent, "container_network_receive_bytes_total", pod="listener",
                                   interface="eth0") or 0) / 3_000_000,
        "sent": lambda: (value(node_agent, "container_network_transmit_bytes_total", pod="sender",
                               interface="eth0") or 0) / 3_000_000,
    }
    for what, share in wanted.items():
        eventually(lambda: share() >= 1, 40, lambda: f"{what}: {share()}")
    for name in ("container_fs_writes_bytes_total", "container_cpu_cfs_throttled_periods_total"):
        assert not value(node_agent, name, pod="sender", container="main"), name


def grant(cluster, account, *resources):
    """A token for the kubelet whose owner may get these."""
    cluster.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": account},
         "rules": [{"apiGroups": [""], "resources": list(resources), "verbs": ["get"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": account},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": account},
         "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "default"}]})
    return cluster.kubectl("create", "token", account).strip()


def claimed(name):
    """A volume on the node's disk, and the claim to it."""
    where = [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "local"}
    return [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
             "spec": {**common, "capacity": {"storage": "10Mi"}, "local": {"path": f"/var/lib/{name}"},
                      "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": where}]}}}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
             "spec": {**common, "volumeName": name, "resources": {"requests": {"storage": "10Mi"}}}}]


def layer_bytes(cluster, name):
    """What the pod's container has written into its own layer, as the kubelet has it from the runtime."""
    summary = json.loads(cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/stats/summary"))
    used = [container.get("rootfs", {}).get("usedBytes", 0) for one in summary["pods"] if one["podRef"]["name"] == name
            for container in one["containers"]]
    return sum(used)


def test_what_the_kubelet_alone_knows(cluster, node_agent):
    """Volumes and readiness, with the smallest rights; and what only the runtime knows, the containers' own layers."""
    disk, token = cluster.lib / "disk", cluster.lib / "token"
    disk.mkdir()
    token.write_text(grant(cluster, "lookout", "nodes/stats", "nodes/pods"))
    address = cluster.kubectl("get", "node", "node1", "-o", "jsonpath={.status.addresses[0].address}")
    settings = {"labels": ["app"], "release_pattern": "^(?P<branch>[0-9]+)$",
                "kubelet": {"url": f"https://{address}:10250", "token_file": "/var/lib/token",
                            "ca_file": str(cluster.state / "pki/ca.crt")}}
    user = pod("user", "echo hello; head -c 5000000 /dev/zero > /big; sleep 1000")
    user["spec"]["volumes"] = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]
    user["spec"]["containers"][0]["volumeMounts"] = [{"name": "disk", "mountPath": "/disk"}]
    never = pod("never", "sleep 1000", readinessProbe={"exec": {"command": ["false"]}})
    row = frozenset({"namespace": "default", "persistentvolumeclaim": "disk"}.items())
    try:
        cluster.create(*claimed("disk"), user, never)
        node_agent.configure(metadata=settings, metrics={"volumes": True})
        node_agent.start()
        eventually(lambda: row in samples(node_agent.get("/metrics/volumes").text)["kubelet_volume_stats_capacity_bytes"],
                   60, lambda: node_agent.get("/metrics/volumes").text + node_agent.log())
        ours = samples(node_agent.get("/metrics/volumes").text)
        theirs = samples(cluster.kubectl("get", "--raw", "/api/v1/nodes/node1/proxy/metrics"))
        names = {name for name in theirs if name.startswith("kubelet_volume_stats_") and "health" not in name}
        assert set(ours) == names and len(names) == 6
        for name in names:
            assert abs(ours[name][row] / theirs[name][row] - 1) < 0.01, name
        eventually(lambda: value(node_agent, "hinomi_pod_ready", workload="user") == 1, 40, lambda: node_agent.log())
        assert value(node_agent, "hinomi_pod_ready", workload="never") == 0
        capacity = cluster.kubectl("get", "node", "node1", "-o", "jsonpath={.status.capacity.pods}")
        assert value(node_agent, "hinomi_node_pod_capacity") == int(capacity)
        release = {"branch": "1", "commit": "4f2e1d0c9b8a7f6e5d4c3b2a1908f7e6d5c4b3a2"}  # the tag's, and the label's
        eventually(lambda: value(node_agent, "hinomi_release_info", workload="user", **release) == 1, 20, node_agent.log)
        (said,) = eventually(lambda: node_agent.documents("user"), 20, node_agent.log)
        assert said["message"] == "hello" and said["release"] == release
        # The token is read for every request; without the right this page has no rows, and the others have theirs.
        token.write_text(grant(cluster, "stranger", "nodes/pods"))
        assert "kubelet_volume_stats" not in node_agent.get("/metrics/volumes").text
        assert node_agent.metric("hinomi_collector_errors_total", collector="volumes") >= 1
        assert "needs the right to get nodes/stats" in node_agent.log()
        assert value(node_agent, "container_memory_working_set_bytes", pod="user", container="main")
        assert node_agent.stop() == 0
        # Once the runtime has counted it: the agent looks when it starts, and a minute later again.
        eventually(lambda: layer_bytes(cluster, "user") >= 5_000_000, 60, "the runtime does not count the layer")
        node_agent.configure(metrics={"include": ["filesystem"]})
        node_agent.start()
        main = {"pod": "user", "container": "main"}
        eventually(lambda: (value(node_agent, "container_fs_usage_bytes", **main) or 0) >= 5_000_000, 80, node_agent.log)
        assert value(node_agent, "container_fs_usage_bytes", **main) < 6_000_000
        space = os.statvfs(cluster.lib)
        assert value(node_agent, "container_fs_limit_bytes", **main) == space.f_blocks * space.f_frsize
        log = sum(path.stat().st_size for path in cluster.logs.glob("pods/default_user_*/main/*"))
        assert value(node_agent, "kubelet_container_log_filesystem_used_bytes", **main) == log > 0
    finally:
        token.unlink()
        cluster.clear()
        cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "pvc/disk", "pv/disk")
