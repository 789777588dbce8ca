#!/usr/bin/python3
"""What a scrape costs, beside who serves the same elsewhere, in one run:

  containers  /metrics/cadvisor of the agent and of a real kubelet, of the same pods on the same node
  node        /metrics/node of the agent and Debian's prometheus-node-exporter, of this machine

CPU is that of the process, over scrapes on one connection with gzip as Prometheus makes them, in turns; the median
of the rounds. Of the kubelet's, what it uses in as much time without scrapes is taken off, and told. Ends with 1 if a
target is missed. Figures of one run on a shared machine; compare within a run."""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
for folder in ("bench/race", "tests/integration", "tests/kubernetes"):
    sys.path.insert(0, str(ROOT / folder))
import outcome  # noqa: E402
from processes import OTHER_CORE, SHIPPER_CORE, TICKS, Process  # noqa: E402
from waiting import eventually, free_ports  # noqa: E402

SETTLE_SECONDS = 5
IDLE_SECONDS = 15  # a kubelet looks at its cgroups every ten
EXPORTER = "prometheus-node-exporter"


class Served(NamedTuple):
    """Who serves: what runs curl where it listens, and with whose rights."""
    pid: int
    url: str
    curl: tuple = ("curl",)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / TICKS

    def get(self, scrapes=1):
        """The text of all of them."""
        command = ["taskset", "--cpu-list", str(OTHER_CORE), *self.curl, "-sS", "--fail", "--noproxy", "*",
                   "--compressed", "--max-time", "300", f"{self.url}?scrape=[1-{scrapes}]"]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=310).stdout


class Cost:
    """Of one endpoint, over the rounds."""

    def __init__(self, served, scrapes, idle=False):
        self.served, self.scrapes, self.idle = served, scrapes, idle
        self.rows = sum(not line.startswith("#") for line in served.get().splitlines())
        self.rounds, self.idles = [], []
        served.get(3)

    def round(self):
        began, before = time.monotonic(), self.served.cpu_seconds()
        self.served.get(self.scrapes)
        wall, used = time.monotonic() - began, self.served.cpu_seconds() - before
        if self.idle:
            before = self.served.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            self.idles.append((self.served.cpu_seconds() - before) / IDLE_SECONDS)
            used -= self.idles[-1] * wall
        self.rounds.append(used / self.scrapes)

    def scrape_ms(self):
        return statistics.median(self.rounds) * 1e3

    def row_us(self):
        return self.scrape_ms() * 1e3 / self.rows


class Comparison(NamedTuple):
    title: str
    names: tuple  # ours, theirs
    costs: tuple
    figure: str  # "scrape" or "row"
    least: float  # of the ratio of that


def in_turns(arguments, *costs):
    for _ in range(arguments.rounds):
        for cost in costs:
            cost.round()
    return costs


def node(arguments, stack):
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hinomi-metrics-")))
    config = directory / "config.yaml"
    config.write_text(f"""{{state_dir: {directory}/state, escrow: {{directory: ""}}, http: {{listen: "127.0.0.1:0"}},
        metadata: {{enabled: false}}, sources: {{kubernetes: {{pods_dir: {directory}}}}}}}""")
    agent = stack.enter_context(Process([arguments.tools / "hinomi", "run", "--config", config], SHIPPER_CORE,
                                        directory / "log"))
    eventually(lambda: "serves http://" in agent.output.read_text(), 20, agent.last_words)
    address = re.search(r"serves (http://\S+)", agent.output.read_text())[1]
    port = free_ports(1)
    exporter = stack.enter_context(Process([EXPORTER, f"--web.listen-address=127.0.0.1:{port}"], SHIPPER_CORE,
                                           directory / "exporter.log"))
    eventually(lambda: "Listening on" in exporter.output.read_text(), 20, exporter.last_words)
    time.sleep(SETTLE_SECONDS)
    costs = in_turns(arguments,
                     Cost(Served(agent.process.pid, f"{address}/metrics/node"), arguments.scrapes),
                     Cost(Served(exporter.process.pid, f"http://127.0.0.1:{port}/metrics"), arguments.scrapes))
    version = re.search(r"version (\S+)", subprocess.check_output([EXPORTER, "--version"], text=True,
                                                                  stderr=subprocess.STDOUT))[1]
    yield Comparison("/metrics/node", ("agent", f"{EXPORTER} {version}"), costs, "scrape", 1)


def kubelet_of(cluster, processes):
    for pid in processes:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if words[1:2] == [b"kubelet"]:
            return int(pid)
    raise RuntimeError(f"there is no kubelet on {cluster.state}")


def containers(arguments, stack):
    os.environ["HINOMI_BINARY"] = str(arguments.tools / "hinomi")  # which the tests' helpers start
    from cluster import Cluster, NodeAgent, processes_on
    from test_real_kubelet import pod
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hinomi-metrics-")))
    cluster = Cluster(directory / "kubernetes")
    stack.callback(cluster.stop)
    cluster.ready()
    names = [f"pod-{i}" for i in range(arguments.pods)]
    cluster.create(*(pod(name, "sleep 10000") for name in names))
    eventually(lambda: cluster.kubectl("get", "pods").count("Running") == len(names), 300,
               lambda: cluster.kubectl("get", "pods"))
    curl, pki = cluster.inside("curl"), cluster.state / "pki"
    rights = ("--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/admin.crt", "--key", f"{pki}/admin.key")
    kubelet = Served(kubelet_of(cluster, processes_on(cluster.state)), "https://10.88.0.1:10250/metrics/cadvisor",
                     (*curl, *rights))
    eventually(lambda: all(f'pod="{name}"' in kubelet.get() for name in names), 60, lambda: "the kubelet tells no pods")
    version = cluster.kubectl("get", "node", "node1", "-o", "jsonpath={.status.nodeInfo.kubeletVersion}")
    (directory / "agent").mkdir()
    agent = NodeAgent(cluster, directory / "agent")
    stack.callback(agent.kill)
    for what, served in (("short set", {}), ("full set but connections", {"include": [".*"], "exclude": ["tcp"]})):
        agent.configure(metrics=served)
        agent.start()
        time.sleep(SETTLE_SECONDS)
        pid = int(subprocess.check_output(["pgrep", "--parent", str(agent.process.pid)], text=True))
        ours = Served(pid, f"http://127.0.0.1:{agent.port}/metrics/cadvisor", tuple(curl))
        costs = in_turns(arguments, Cost(ours, arguments.scrapes),
                         Cost(kubelet, max(5, arguments.scrapes // 4), idle=True))
        yield Comparison(f"/metrics/cadvisor, {what}, {arguments.pods} pods of a container and a sandbox",
                         ("agent", f"kubelet {version}"), costs, "row", 10)
        agent.stop()


def written(comparison):
    """Its lines, and whether its target is missed."""
    ours, theirs = comparison.costs
    ratios = {"scrape": theirs.scrape_ms() / ours.scrape_ms(), "row": theirs.row_us() / ours.row_us()}
    ratio, least = ratios[comparison.figure], comparison.least
    lines = [f"## {comparison.title}", "", "| figure | {} | {} | ratio |".format(*comparison.names), "|---|---|---|---|",
             f"| series | {ours.rows} | {theirs.rows} | |",
             f"| CPU of a scrape, ms | {ours.scrape_ms():.2f} | {theirs.scrape_ms():.2f} | {ratios['scrape']:.1f} |",
             f"| CPU per series, µs | {ours.row_us():.2f} | {theirs.row_us():.2f} | {ratios['row']:.1f} |"]
    if theirs.idles:
        lines.append(f"| taken off, without scrapes, % of a core | | {statistics.median(theirs.idles) * 100:.1f} | |")
    missed = ratio < least
    lines += ["", f"CPU per {comparison.figure}: {ratio:.1f} times less, target at least {least}{' **missed**' * missed}"]
    return lines, missed


SCENES = {scene.__name__: scene for scene in (containers, node)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build/bench", help="directory of hinomi")
    parser.add_argument("--scenes", type=lambda text: text.split(","), default=list(SCENES), help=",".join(SCENES))
    parser.add_argument("--pods", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=200, help="of a round; of the kubelet a quarter of them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    arguments = parser.parse_args()
    arguments.tools = arguments.tools.resolve()
    if unknown := set(arguments.scenes) - set(SCENES):
        parser.error(f"there is no {', '.join(unknown)}: there are {', '.join(SCENES)}")
    lines, missed = ["# Scrapes beside those of others", "", f"Medians of {arguments.rounds} rounds in turns."], 0
    for name in arguments.scenes:
        with contextlib.ExitStack() as stack:
            for comparison in SCENES[name](arguments, stack):
                rows, over = written(comparison)
                missed += over
                lines += ["", *rows]
                print("\n".join(rows), flush=True)
    return outcome.written(arguments.results, "metrics", "\n".join(lines) + "\n", missed)


if __name__ == "__main__":
    outcome.run(main)
