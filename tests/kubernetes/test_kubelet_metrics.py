"""The metrics of containers beside those of a real kubelet, for the same containers."""
import collections
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
    for name in ("plain", "limited", "pair"):
        eventually(lambda: (cluster.status(name) or {}).get("phase") == "Running", 60, lambda: name)


def test_the_same_rows_with_the_same_labels(cluster, node_agent):
    node_agent.start()
    make_pods(cluster)

    def complete():
        names = {dict(labels)["container"] for labels in kubelets(cluster)["container_memory_working_set_bytes"]}
        return names >= {"main", ""} and len(of_pods(kubelets(cluster)["container_cpu_usage_seconds_total"])) >= 9
    eventually(complete, 60, lambda: "the kubelet does not see the pods")
    ours = {}

    def named():
        ours.clear()
        ours.update(samples(node_agent.get("/metrics/cadvisor").text))
        rows = of_pods(ours.get("container_cpu_usage_seconds_total", {}))
        return sum(("container", "main") in labels and ("image", "hinomi.test/busybox:1") in labels
                   for labels in rows) == 3
    eventually(named, 20, lambda: f"{ours.get('container_cpu_usage_seconds_total')}")
    theirs = kubelets(cluster)
    for name in sorted((SEVENTEEN | LIMITS) - DISKS):
        # Nobody tells the image of a sandbox.
        mine = {without(labels, "image") for labels in of_pods(ours[name])}
        wanted = {without(labels, "image") for labels in of_pods(theirs[name])}
        assert mine == wanted, f"{name}\nmissing: {wanted - mine}\nmore: {mine - wanted}"
    for name in ("container_memory_working_set_bytes", "container_memory_rss"):
        for labels, value in of_pods(ours[name]).items():
            if ("container", "") not in labels:
                assert labels in theirs[name], (name, labels)


def test_the_same_values(cluster, node_agent):
    """A counter lies between two answers of the kubelet, which may be ten seconds older than it says."""
    node_agent.start()
    make_pods(cluster)
    eventually(lambda: len(of_pods(kubelets(cluster)["container_cpu_usage_seconds_total"])) >= 9, 60, lambda: "pods")
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
