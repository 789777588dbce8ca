"""What a running agent can emit: {name of a metric: {label: its values}}, without those that only a scrape gives.

Three sources. An agent is started on a node that is a tree of files, with every opt-in on, a sink that takes, one that is
not there, logs beyond their limits and one that is cut off; all its pages are read. What has rows only on other nodes
(arrays of disks, bonds, volumes) is added from the tables that `hinomi config --metrics` prints: the pages are made
from these. Values of labels that take a longer story are added from UNSEEN.
"""
import contextlib
import pathlib
import re
import tempfile
import time

from agent import LABEL, SAMPLE, Agent, command
from hosts import HOSTS, write
from kubelet import Log
from runtime_stub import runtime
from waiting import eventually, free_ports

PAGES = ("/metrics", "/metrics/cadvisor", "/metrics/resource", "/metrics/volumes", "/metrics/node")
# Of the machine that this runs on: what the node's own files leave out.
MACHINE = ("diskstats", "loadavg", "schedstat", "stat", "vmstat", "1/net/netstat", "1/net/snmp",
           "1/net/snmp6", "1/net/sockstat", "1/net/sockstat6", "1/net/softnet_stat", "sys/fs/file-nr", "meminfo")
# {(metric, label): (values, the file that names them)}
UNSEEN = {
    ("hinomi_log_bytes_lost_total", "reason"): ({"escrow_full", "late", "unknown", "unreadable", "vanished"},
                                                "shipper/batch.cc"),
    ("hinomi_release_info", "commit"): ({"unknown"}, "metadata/release.h"),
}
# Rows that are there once something has happened, and so are waited for.
WITH_INCIDENTS = ("hinomi_sink_errors_total", "hinomi_log_bytes_lost_total", "hinomi_rate_limited_bytes_total",
                  "hinomi_rate_limited_seconds_total", "hinomi_containers_started_total", "hinomi_log_lag_seconds",
                  "hinomi_kafka_broker_connects_total")
ROW = re.compile(r"^\| `(?P<name>[^`]+)` \|[^|]*\|(?P<labels>[^|]*)\| (?P<group>\w+) \|", re.MULTILINE)
# The pod of the node's files.
UID = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a"
CONTAINER, SANDBOX = ("823ea2207300809a5ea518ed8978677c9c9aa2b447f0dcadb97aea5969bb28ce",
                      "865eb9dcdd0cb425e4a8df2c58e8a9b543bf27e3cc32bfef3f87a1b649fa6973")
# In MB by namespace; the first is more than the agent takes into its hands.
BACKLOG = {"shop": 20, "loud": 1, "slow": 1}
# What systemd mounts where it passes secrets to services is a ramfs.
MOUNTS = ("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:20 / /run rw - tmpfs tmpfs rw\n"
          "23 22 0:21 / /run/credentials ro - ramfs ramfs rw\n")
# Connections of the pod: to ports that have a group, have none, and are picked by the kernel.
TCP = "sl local_address rem_address st\n" + "".join(
    f"{number}: 0A00000A:C350 0D0C0B0A:{port:04X} {state:02X}\n" for number, (port, state) in enumerate(
        [(3306, 1), (3306, 2), (3306, 6), (3306, 8), (443, 1), (60000, 1)]))
PRESSURE = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500\n"
# What the node's files leave out.
MORE = {"/proc/1/mountinfo": MOUNTS, "/run/credentials/none": "",
        **{f"/sys/class/net/{device}/speed": "1000" for device in ("lo", "eth0")},
        **{f"/proc/{process}/net/tcp": TCP for process in (1376, 1548)},
        **{path: PRESSURE for kind in ("cpu", "memory", "io") for path in (
            f"/proc/pressure/{kind}", f"/sys/fs/cgroup/kubepods/burstable/pod{UID}/{CONTAINER}/{kind}.pressure")}}


def metrics():
    """{name: {label: values}} of everything that an agent can emit. Where the kernel makes the names (node_memory_*,
    node_netstat_*, …) they are those of this machine."""
    found = of_tables()
    for name, labels in of_an_agent().items():
        add(found, name, labels)
    for (name, label), (values, _) in UNSEEN.items():
        found[name][label].update(values)
    return found


def add(found, name, labels):
    """`labels`: {label: values}"""
    known = found.setdefault(name, {})
    for label, values in labels.items():
        known.setdefault(label, set()).update(values)


def of_tables():
    """What the tables name, but for names that have a wildcard."""
    found = {}
    for page in command("config", "--metrics").stdout.split("### ")[1:]:
        common, exempt = labels_of_each_row(page)
        for row in ROW.finditer(page):
            if "*" not in row["name"]:
                alone = row["group"] in exempt or "(alone)" in row["labels"]
                own = re.findall(r"\w+", re.sub(r'="[^"]*"|\(alone\)', "", row["labels"]))
                add(found, row["name"], {label: () for label in (*own, *(() if alone else common))})
    return found


def labels_of_each_row(page):
    """The labels that a page's first lines give to each of its rows, and the groups whose rows do not have them."""
    said = re.search(r"^Each row has the labels (.*?);.* Rows of (.*) have their own alone\.$", page, re.MULTILINE)
    return [re.findall(r"`(\w+)`", part) for part in said.groups()] if said else ([], [])


def of_an_agent():
    """What an agent has served once all of WITH_INCIDENTS has happened."""
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory, running(pathlib.Path(directory)) as agent:
        def missing():
            return set(WITH_INCIDENTS) - rows(agent.get("/metrics").text).keys()
        eventually(lambda: not missing(), 60, lambda: f"no rows of {missing()}\n{agent.log()}")
        found = {}
        for page in PAGES:
            for name, labels in rows(agent.get(page, seconds=30).text).items():
                add(found, name, labels)
        return found


def rows(text):
    """{name: {label: values}} of a page."""
    found = {}
    for sample in SAMPLE.finditer(text):
        add(found, sample["name"], {label: [value] for label, value in LABEL.findall(sample["labels"] or "")})
    return found


@contextlib.contextmanager
def running(directory):
    """An agent on such a node, to whose logs that happens."""
    root = directory / "host"
    machine = {f"/proc/{name}": pathlib.Path("/proc", name) for name in MACHINE}
    write({**HOSTS["kubernetes_v2"](), **{path: file.read_text() for path, file in machine.items() if file.exists()},
           **MORE}, root)
    (root / "var/lib/docker/containers").mkdir(parents=True)
    agent = Agent(directory)
    agent.pods = root / "var/log/pods"
    configure(agent, root)
    logs = {namespace: Log(agent.pods, "web-0", namespace=namespace) for namespace in BACKLOG}
    # A container that was started after the agent is counted.
    with runtime(root / "run/containerd/containerd.sock", directory / "generated", uid=UID, sandbox=SANDBOX,
                 container=CONTAINER, image="registry.test/hello:1", started_at=time.time_ns() + 60 * 10**9):
        try:
            agent.start()

            def dropped():  # a limit that drops is not about what was there when the agent came
                logs["loud"].line("a" * 10_000)
                return agent.metric("hinomi_rate_limited_bytes_total", namespace="loud")
            eventually(dropped, 30, agent.log)
            for namespace, megabytes in BACKLOG.items():
                for _ in range(megabytes * 100):
                    logs[namespace].line("a" * 10_000)
            # It cannot all be in the agent's hands: what a sink that is not there has not taken is cut off.
            eventually(lambda: agent.metric("hinomi_log_bytes_pending", namespace="shop", route="spare"), 30, agent.log)
            logs["shop"].path.write_bytes(b"")
            logs["shop"].line("b")
            yield agent
        finally:
            for log in logs.values():
                log.close()
            agent.finish()


def configure(agent, root):
    """Everything that adds metrics."""
    nobody = f"127.0.0.1:{free_ports()}"
    nowhere = f"http://{nobody}"
    agent.configure(
        {}, host_root=str(root), escrow={"directory": "/var/log/hinomi/escrow", "free_percent_min": 0},
        sources={"kubernetes": {"pods_dir": "/var/log/pods"}, "docker": {"roots": ["/var/lib/docker"]}},
        metadata={"cri_socket": "/run/containerd/containerd.sock", "kubelet": {"url": nowhere},
                  "release_pattern": "^(?P<commit>.+)$"},
        metrics={"include": [".*"], "volumes": True, "pod_capacity": 110,
                 "tcp_groups": [{"name": "mysql", "ports": [3306]}]},
        egress={"bytes_per_second": "1GiB"},
        fairness=[{"namespace": "loud", "bytes_per_second": "1KiB", "exceeded": "drop"},
                  {"namespace": "slow", "bytes_per_second": "1KiB"}],
        sinks={"files": {"type": "archive", "directory": str(agent.directory / "archive")},
               "search": {"type": "elasticsearch", "endpoints": [nowhere],
                          "ca_file": "/etc/ssl/certs/ca-certificates.crt", "egress": {"bytes_per_second": "1GiB"}},
               "stream": {"type": "kafka", "brokers": [nobody], "settings": {"statistics.interval.ms": "500"}}},
        routes=[{"name": "all", "sink": "files"}, {"name": "spare", "sink": "search"},
                {"name": "queue", "sink": "stream"}])
