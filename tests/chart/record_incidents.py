#!/usr/bin/python3
"""Makes happen for real what panels of the dashboards need to show anything, and records what a real Prometheus has of the
agent meanwhile into incidents/. The tests read what it wrote.

Run by hand, as root, with the agent built (script/build dev). There are three nodes, one after another: one of a real
Kubernetes, for ten minutes, and one whose containers have cgroups of version 2 with pressure, for two, both in namespaces
of their own that end with it; and one without containers, whose Kafka hangs and ends, for four."""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("kubernetes", "integration", "metrics", "chart", "emulator")]

import chart  # noqa: E402
import recordings  # noqa: E402
from agent import Agent  # noqa: E402
from cluster import Cluster, NodeAgent  # noqa: E402
from pod_monitor import scrape_configs  # noqa: E402
from kafka import Kafka  # noqa: E402
from kubelet import Log  # noqa: E402
from pods import Pods  # noqa: E402
from release import NODE, Network  # noqa: E402
from services import RECIPES, Broker, ContainerRuntime, Prometheus  # noqa: E402
from test_kubelet_metrics import BUSY, claimed, count_disk, grant  # noqa: E402
from test_real_kubelet import LABELS, pod, template, writes  # noqa: E402
from waiting import eventually, free_ports  # noqa: E402

PRESSURE = "the nodes have cgroups of version 2, with pressure"
OF_SINKS = ("a sink is of type kafka", "a line has waited for ten seconds")
NEXT_RELEASE = ("a workload changes its commit", "two commits of one workload run")
ROWS_SECONDS_MAX = 240
# A mark of a release is for those who were not here five minutes ago.
MARK_SECONDS, AFTER_SECONDS = 330, 60
NEXT_IMAGE, NEXT_REVISION = "hinomi.test/busybox:2", "9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b"
FOREVER = 10**9  # lines
OPEN_PORT, CLOSING_PORT, NOBODY = 3306, 3307, "10.244.0.250"
HEAD = """\
# What a Prometheus had, every {step} s, of an agent on {node}
# where tests/chart/record_incidents.py made it all happen for real, on Linux {kernel}. Do not edit: run that again.
"""
# Until it is ended.
SERVER = f"nc -ll -p {OPEN_PORT} -e sleep 1d & nc -ll -p {CLOSING_PORT} -e sleep 3 & wait"
# Keeps one connection, leaves one unclosed that the server has closed, and asks an address where nobody is.
CLIENT = f"""sleep 1d | nc $SERVER {OPEN_PORT} &
             sleep 1d | nc $SERVER {CLOSING_PORT} & sleep 1; kill -STOP $!
             while true; do nc -w 5 {NOBODY} {OPEN_PORT}; sleep 1; done"""
# The node's ends of the lines to its pods take no packets that are as long as those that a pod may send.
SHORTER = "ip -brief link show type veth | while IFS='@ ' read -r device _; do ip link set $device mtu 600; done"
PACKET_BYTES = 1000
# Past the page cache, so that the disk has to do it.
DISK = """while true; do dd if=/dev/zero of=/big bs=1M count=8 oflag=direct; dd if=/big of=/dev/null bs=1M iflag=direct
          sleep 2; done"""
HUNGRY = {"resources": {"limits": {"memory": "24Mi"}}}
# Reads again and again what its limit of memory does not let the page cache keep.
THRASHING = "head -c 60000000 /dev/zero > /big; while true; do cat /big > /dev/null; done"


def scraping(cluster, address):
    """The configuration of a Prometheus that the operator has told of the chart's PodMonitor."""
    values = (*chart.SHORTEST, f"cluster={cluster}", "kubelet.enabled=true", "kubelet.volumes=true")
    found = chart.objects(*chart.OPERATOR, values=values)
    (monitor,) = [one for (kind, _), one in found.items() if kind == "PodMonitor"]
    every = f"{recordings.STEP_SECONDS}s"
    return {"global": {"scrape_interval": every, "scrape_timeout": "10s"},
            "scrape_configs": list(scrape_configs(monitor, [(address, "hinomi-1", "node1")]))}


def here(function, *arguments):
    return function(*arguments)


class Recorder:
    """A Prometheus that scrapes one agent; `at` calls a function in the network of both."""

    def __init__(self, name, directory, address, at):
        self.name, self.at, self.begin = name, at, time.time()
        self.prometheus = at(Prometheus, directory, scraping(name, address))
        at(self.prometheus.ready)

    def wait_for(self, panels):
        """Until each of them has given rows."""
        missing = list(panels)

        def answered():
            missing[:] = [panel for panel in missing if not self.at(recordings.ask, self.prometheus, panel.expression,
                                                                    self.begin, time.time())]
            return not missing
        eventually(answered, ROWS_SECONDS_MAX, lambda: f"no rows: {missing}")

    def write(self, panels, seconds, node):
        end = time.time()
        head = HEAD.format(step=recordings.STEP_SECONDS, node=node, kernel=platform.release().partition("-")[0])
        self.at(recordings.record, self.name, head, panels, self.prometheus, end - seconds, end)

    def stop(self):
        self.at(self.prometheus.stop)


def in_namespace(name, made):
    return {**made, "metadata": {**made["metadata"], "namespace": name}}


def with_volume(made, claim):
    made["spec"]["volumes"].append({"name": claim, "persistentVolumeClaim": {"claimName": claim}})
    made["spec"]["containers"][0]["volumeMounts"].append({"name": claim, "mountPath": f"/{claim}"})
    return made


def web():
    """Two pods of one release."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "replicas": 2, "selector": {"matchLabels": LABELS}, "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "template": template("sleep 1d", restart="Always")}}


def roll_out(cluster):
    """The next release, whose pods are never ready, so that those of the last one stay."""
    container = {"name": "main", "image": NEXT_IMAGE, "readinessProbe": {"exec": {"command": ["false"]}}}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    cluster.kubectl("patch", "deployment", "web", "--patch", json.dumps(patch))


def happen(cluster):
    """All but the next release. It goes on until the cluster ends."""
    for namespace in ("loud", "slow"):
        cluster.kubectl("create", "namespace", namespace)
        cluster.create(in_namespace(namespace, pod("writer", writes(FOREVER, 100))))
    cluster.create(*claimed("disk"), web(), with_volume(pod("database", DISK), "disk"),
                   pod("limited", BUSY, resources={"limits": {"cpu": "100m"}}),
                   pod("crashing", "sleep 25; exit 1", restart="Always"),
                   pod("hungry", "sleep 25; exec tail /dev/zero", restart="Always", **HUNGRY),
                   pod("builder", "while true; do tail /dev/zero; sleep 20; done", **HUNGRY),
                   pod("chatty", writes(FOREVER, 500)), pod("server", SERVER))
    address = eventually(lambda: (cluster.status("server") or {}).get("podIP"), 60, "the server has no address")
    cluster.create(pod("client", f"SERVER={address}; {CLIENT}"), pod("sender", f"ping -s {PACKET_BYTES} {address}"))
    for name in ("database", "sender"):
        eventually(lambda: cluster.container(name).get("containerID"), 60, lambda: cluster.status(name))
    cluster.run("sh", "-c", SHORTER)
    count_disk(cluster, cluster.container("database")["containerID"].removeprefix("containerd://"))


def configure(agent, cluster):
    """One sink takes, one is not there; of what that has not taken little is kept."""
    (cluster.lib / "disk").mkdir()
    (cluster.lib / "token").write_text(grant(cluster, "lookout", "nodes/stats", "nodes/pods"))
    kubelet = {"url": f"https://{NODE}:10250", "token_file": "/var/lib/token",
               "ca_file": str(cluster.state / "pki/ca.crt")}
    agent.configure(
        escrow={"bytes_max": "1MiB", "free_percent_min": 0},
        metadata={"release_pattern": "^(?P<branch>[0-9]+)$", "kubelet": kubelet},
        metrics={"include": ["filesystem", "tcp"], "volumes": True,
                 "tcp_groups": [{"name": "mysql", "ports": [OPEN_PORT]}]},
        fairness=[{"namespace": "loud", "bytes_per_second": "1KiB", "exceeded": "drop"},
                  {"namespace": "slow", "bytes_per_second": "1KiB"}],
        sinks={"files": {"type": "archive", "directory": "/var/lib/archive"},
               "search": {"type": "elasticsearch", "endpoints": [f"http://127.0.0.1:{free_ports()}"]}},
        routes=[{"name": "all", "sink": "files"}, {"name": "spare", "sink": "search"}])


def kubernetes(directory, panels):
    """A node of a real Kubernetes."""
    with contextlib.ExitStack() as stack:
        cluster = Cluster(directory / "kubernetes")
        stack.callback(cluster.stop)
        cluster.ready()
        subprocess.run([RECIPES / "containerd/image.py", directory / "next.tar", NEXT_IMAGE, NEXT_REVISION], check=True,
                       timeout=30)
        cluster.run("ctr", "-n", "k8s.io", "images", "import", directory / "next.tar")
        agent = NodeAgent(cluster, directory)
        stack.callback(agent.finish)
        configure(agent, cluster)
        agent.start()
        network = Network(cluster)
        stack.callback(network.close)
        recorder = Recorder("kubernetes", directory / "prometheus", f"127.0.0.1:{agent.port}", network)
        stack.callback(recorder.stop)
        happen(cluster)
        recorder.wait_for([panel for panel in panels if panel.empty_unless not in NEXT_RELEASE])
        time.sleep(MARK_SECONDS)
        roll_out(cluster)
        recorder.wait_for([panel for panel in panels if panel.empty_unless in NEXT_RELEASE])
        time.sleep(AFTER_SECONDS)
        recorder.write(panels, MARK_SECONDS + 2 * AFTER_SECONDS, "a node of a real Kubernetes,")


def pressure(directory, panels):
    """A node that shows its agent cgroups of version 2 alone; those are there beside the others of version 1."""
    with contextlib.ExitStack() as stack:
        runtime = ContainerRuntime(directory / "runtime")
        stack.callback(runtime.stop)
        agent = Agent(directory)
        stack.callback(agent.finish)
        pods = Pods(agent, runtime.ready(), directory)
        stack.callback(pods.close)
        (unified,) = [cgroup for cgroup in pods.cgroups if (cgroup / "cgroup.controllers").exists()]
        shown = pods.root / "sys/fs/cgroup"
        for link in shown.iterdir():
            link.unlink()
        shown.rmdir()
        shown.symlink_to(unified)
        pods.start()
        recorder = Recorder("pressure", directory / "prometheus", f"127.0.0.1:{agent.port}", here)
        stack.callback(recorder.stop)
        for number in range(os.cpu_count() + 1):
            pods.run(f"busy-{number}", BUSY)
        pods.run("thrashing", THRASHING, memory_limit_in_bytes=24 << 20)
        recorder.wait_for(panels)
        time.sleep(AFTER_SECONDS)
        recorder.write(panels, AFTER_SECONDS, "a node that shows it cgroups of version 2,")


def sinks(directory, panels):
    """A node with a Kafka that hangs and is killed meanwhile, and an Elasticsearch that is not there."""
    with contextlib.ExitStack() as stack:
        broker = Broker(directory / "kafka").ready()
        stack.callback(broker.stop)
        Kafka(broker.address).create("logs", partitions=3)
        agent = Agent(directory)
        stack.callback(agent.finish)
        agent.configure(
            {}, sinks={"stream": {"type": "kafka", "brokers": [broker.address], "topic": "logs", "timeout": "5s",
                                  "settings": {"socket.timeout.ms": "5000", "statistics.interval.ms": "2000"}},
                       "search": {"type": "elasticsearch", "endpoints": [f"http://127.0.0.1:{free_ports()}"]}},
            routes=[{"name": "all", "sink": "stream"}, {"name": "spare", "sink": "search"}])
        logs = [Log(agent.pods, f"pod-{number}", namespace="shop") for number in range(5)]
        agent.start()
        recorder = Recorder("sinks", directory / "prometheus", f"127.0.0.1:{agent.port}", here)
        stack.callback(recorder.stop)

        def write_for(seconds):
            for number in range(20 * seconds):
                for log in logs:
                    log.line(f"line {number} " + "x" * 200)
                time.sleep(0.05)
        write_for(AFTER_SECONDS)
        os.kill(broker.pid(), signal.SIGSTOP)
        write_for(40)
        os.kill(broker.pid(), signal.SIGCONT)
        write_for(20)
        os.kill(broker.pid(), signal.SIGKILL)
        write_for(20)
        broker.start()
        broker.ready()
        write_for(AFTER_SECONDS)
        recorder.wait_for(panels)
        recorder.write(panels, 4 * AFTER_SECONDS, "a node whose Kafka hung and was killed,")


NODES = {"kubernetes": kubernetes, "pressure": pressure, "sinks": sinks}


def node_of(panel):
    return "sinks" if panel.empty_unless in OF_SINKS else "pressure" if panel.empty_unless == PRESSURE else "kubernetes"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NODES)}; all of them if none is named")
    for name in parser.parse_args().names or NODES:
        panels = [panel for panel in recordings.panels() if node_of(panel) == name]
        with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
            NODES[name](pathlib.Path(directory), panels)
        print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
