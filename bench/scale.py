#!/usr/bin/python3
"""What the agent costs by the number of logs, and how much memory a backlog takes. Each figure beside its target:

  memory      10,000 idle logs: bytes of memory for each
  idle        5,000 idle logs: share of a core
  checkpoint  10,000 logs, each with a line a second: share of a core of the housekeeper, bytes written per second
  scrape      1,000 containers: CPU milliseconds of one scrape of /metrics
  backlog     --gib (20) in 50 logs: memory at the peak
  containers  250 pods of a container and a sandbox, real cgroups and network namespaces: CPU milliseconds of one scrape
  busy        the same pods, and 10 million lines in 100 logs: how long scrapes take while those are read

Ends with 1 if a target is missed. Figures of one run on a shared machine."""
import argparse
import contextlib
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench/race"))
import outcome  # noqa: E402
import shippers  # noqa: E402
from processes import OTHER_CORE, SHIPPER_CORE, TICKS, Process, Sink  # noqa: E402

LINE_BYTES = 237
SETTLE_SECONDS = 8  # until the last batch, checkpoint and look at the directories are over
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Agent:
    """Over `pods` containers with `lines` lines in all, which the generator writes before the start (rate 0) or live."""

    def __init__(self, arguments, stack, pods, lines, rate=0):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-scale-", dir=arguments.work_dir))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        self.directory, self.lines = directory, lines
        sink = stack.enter_context(Sink(arguments.tools / "hinomi_counting_sink", directory / "sink.log"))
        (directory / "pods").mkdir()
        if lines:
            command = [arguments.tools / "hinomi_race_generator", "--pods-dir", directory / "pods", "--summary",
                       directory / "summary", "--lines", lines, "--pods", pods]
            if rate:
                command += ["--rate", rate, "--delay-seconds", 5]
            generator = stack.enter_context(Process(command, OTHER_CORE, directory / "generator.log"))
            if not rate and generator.process.wait(900) != 0:
                raise RuntimeError(f"the generator failed: {generator.last_words()}")
            if rate:
                time.sleep(3)
        binary = str(arguments.tools / "hinomi")
        command = shippers.command_of(shippers.ALL["hinomi"], binary, directory, sink.port)
        self.process = stack.enter_context(Process(command, SHIPPER_CORE, directory / "log"))
        self.address = self._wait(20, lambda: re.search(r"serves (http://\S+)", self.process.output.read_text()))[1]

    def _wait(self, seconds, condition):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.alive():
            if value := condition():
                return value
            time.sleep(0.1)
        raise RuntimeError(f"waited in vain: {self.process.last_words()}")

    def metrics(self):
        with OPENER.open(f"{self.address}/metrics", timeout=20) as answer:
            return answer.read().decode()

    def value(self, name):
        """The sum over all series of that name."""
        return sum(float(line.split()[-1]) for line in self.metrics().splitlines()
                   if re.match(rf"{name}[{{ ]", line))

    def settle(self, seconds=120):
        """Until all its lines are delivered, and some seconds more."""
        self._wait(seconds, lambda: self.value("hinomi_log_lines_total") >= self.lines)
        time.sleep(SETTLE_SECONDS)
        return self

    def anonymous_bytes(self):
        return number(pathlib.Path(f"/proc/{self.process.process.pid}/status"), "RssAnon") << 10

    def thread(self, name):
        """Seconds of CPU, and bytes written to the disk, so far."""
        for task in pathlib.Path(f"/proc/{self.process.process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                ticks = sum(map(int, (task / "stat").read_text().rpartition(")")[2].split()[11:13]))
                return ticks / TICKS, number(task / "io", "write_bytes")
        raise RuntimeError(f'there is no thread "{name}"')


def number(path, key):
    return int(re.search(rf"^{key}:\s*(\d+)", path.read_text(), re.MULTILINE)[1])


def memory(arguments, stack):
    none = Agent(arguments, stack, 0, 0)
    time.sleep(SETTLE_SECONDS)
    few = Agent(arguments, stack, 100, 100_000).settle()
    many = Agent(arguments, stack, 10_000, 100_000).settle()
    base, logs = few.anonymous_bytes(), 9_900
    yield "memory of the agent without logs", none.anonymous_bytes() / 2**20, "MiB", None
    yield "memory per idle log of 10,000", (many.anonymous_bytes() - base) / logs, "bytes", 1024


def idle(arguments, stack):
    agent = Agent(arguments, stack, 5_000, 50_000).settle()
    before = agent.process.cpu_seconds()
    time.sleep(arguments.seconds)
    yield "CPU with 5,000 idle logs", (agent.process.cpu_seconds() - before) / arguments.seconds * 100, "% of a core", 0.5


def checkpoint(arguments, stack):
    agent = Agent(arguments, stack, 10_000, 10_000 * (arguments.seconds + 60), rate=10_000)
    agent._wait(60, lambda: agent.value("hinomi_log_lines_total") >= 100_000)
    before = agent.thread("hinomi-keeper")
    time.sleep(arguments.seconds)
    cpu, written = (now - then for now, then in zip(agent.thread("hinomi-keeper"), before))
    yield "checkpoint of 10,000 logs", agent.value("hinomi_checkpoint_bytes") / 2**20, "MiB", None
    yield "housekeeper's CPU, 10,000 busy logs", cpu / arguments.seconds * 100, "% of a core", 1
    yield "written by it, 10,000 busy logs", written / arguments.seconds / 1e6, "MB/s", 1


def scrape(arguments, stack):
    agent, scrapes = Agent(arguments, stack, 1_000, 100_000).settle(), 200
    before = agent.process.cpu_seconds()
    for _ in range(scrapes):
        text = agent.metrics()
    each = (agent.process.cpu_seconds() - before) / scrapes * 1e3
    yield "series of the agent, 1,000 containers", sum(not line.startswith("#") for line in text.splitlines()), "", None
    yield "CPU of a scrape, 1,000 containers", each, "ms", 5


def backlog(arguments, stack):
    lines = (arguments.gib << 30) // LINE_BYTES
    agent = Agent(arguments, stack, 50, lines)
    began = time.monotonic()
    agent.settle(seconds=1800)
    wall = time.monotonic() - began - SETTLE_SECONDS
    yield f"memory at the peak, {arguments.gib} GiB of backlog", agent.process.peak_mib(), "MiB", 128
    yield "lines delivered", lines / wall / 1e6, "M/s", None


class Pods:
    """Pods below /kubepods in all hierarchies of the machine, each with a sandbox in a network namespace of its own and a
    container; a node's root that shows them."""

    def __init__(self, directory, stack):
        self.root, self.groups, self.processes, self.count = directory / "host", [], [], 0
        stack.callback(self.remove)
        base = pathlib.Path("/sys/fs/cgroup")
        self.hierarchies = [base] if (base / "cgroup.controllers").exists() else \
            [base / name for name in ("cpu", "cpuacct", "memory", "blkio", "pids", "unified") if (base / name).is_dir()]
        self.pause = directory / "pause"  # what a sandbox runs
        shutil.copy("/usr/bin/sleep", self.pause)
        for link in ("proc", "sys"):
            (self.root / link).parent.mkdir(parents=True, exist_ok=True)
            (self.root / link).symlink_to(f"/{link}")

    def grow(self, count):
        """Until there are so many."""
        for i in range(self.count, count):
            uid = f"{os.getpid():08x}-0000-4000-8000-{i:012x}"
            names = self.root / "var/log"
            (names / f"pods/bench_pod-{i}_{uid}/main").mkdir(parents=True)
            (names / "containers").mkdir(exist_ok=True)
            for kind, command in (("a", ["unshare", "-n", self.pause, "1000"]), ("b", ["sleep", "1000"])):
                identity = f"{kind}{os.getpid():063x}"[:52] + f"{i:012x}"
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
                self.processes.append(process)
                for hierarchy in self.hierarchies:
                    self.make(hierarchy, "kubepods", f"pod{uid}", identity)
                    (hierarchy / "kubepods" / f"pod{uid}" / identity / "cgroup.procs").write_text(str(process.pid))
                if kind == "b":
                    (names / f"containers/pod-{i}_bench_main-{identity}.log").touch()
        self.count = count

    def make(self, *parts):
        path = parts[0]
        for part in parts[1:]:
            path = path / part
            if not path.exists():
                path.mkdir()
                self.groups.append(path)

    def remove(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for group in reversed(self.groups):
            for _ in range(50):
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.02)


class ContainerAgent(Agent):
    """Of the rows of those pods, by which names are served."""

    def __init__(self, arguments, stack, directory, pods, include):
        directory.mkdir()
        (directory / "config.yaml").write_text(f"""{{state_dir: {directory}/state, host_root: {pods.root},
            escrow: {{directory: ""}}, http: {{listen: "127.0.0.1:0"}}, metadata: {{enabled: false}},
            metrics: {{include: {include}}}, sources: {{kubernetes: {{pods_dir: /var/log/pods}}}}}}""")
        command = [arguments.tools / "hinomi", "run", "--config", directory / "config.yaml"]
        self.process = stack.enter_context(Process(command, SHIPPER_CORE, directory / "log"))
        self.address = self._wait(20, lambda: re.search(r"serves (http://\S+)", self.process.output.read_text()))[1]
        self.request = urllib.request.Request(f"{self.address}/metrics/cadvisor", headers={"Accept-Encoding": "gzip"})

    def scrape(self, times):
        """The last text."""
        for _ in range(times):
            with OPENER.open(self.request, timeout=20) as answer:
                body = answer.read()
        return gzip.decompress(body).decode()


def containers(arguments, stack):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-scale-", dir=arguments.work_dir))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    pods, few, many, scrapes = Pods(directory, stack), 25, 250, 200
    pods.grow(few)
    agents = {name: ContainerAgent(arguments, stack, directory / name, pods, include)
              for name, include in (("short", "[]"), ("full", '[".*"]'))}

    def memory():
        """At rest: a moment after the last scrape the agent gives back what that took."""
        for agent in agents.values():
            agent.scrape(50)  # so that each thread of the HTTP server has its stack
        time.sleep(SETTLE_SECONDS)
        return {name: agent.anonymous_bytes() for name, agent in agents.items()}

    before = memory()
    pods.grow(many)
    after = memory()
    for (name, agent), target in zip(agents.items(), (10, 40)):
        rows = sum(not line.startswith("#") for line in agent.scrape(1).splitlines())
        began = agent.process.cpu_seconds()
        agent.scrape(scrapes)
        each = (agent.process.cpu_seconds() - began) / scrapes * 1e3
        yield f"CPU of a scrape, {many} pods of a container and a sandbox, {name} set", each, "ms", target
        yield f"its series, {name} set", rows, "", None
        yield f"its microseconds of CPU per series, {name} set", each * 1e3 / rows, "µs", None
        yield (f"memory per container with its sandbox and its pod, of {few} to {many}, {name} set",
               (after[name] - before[name]) / (many - few), "bytes", 4096)


def busy(arguments, stack):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-scale-", dir=arguments.work_dir))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    pods, lines = Pods(directory, stack), 10_000_000
    pods.grow(250)
    agent = Agent(arguments, stack, 100, lines)
    request = urllib.request.Request(f"{agent.address}/metrics/cadvisor", headers={"Accept-Encoding": "gzip"})
    took = []
    while agent.value("hinomi_log_lines_total") < lines:
        began = time.monotonic()
        with OPENER.open(request, timeout=20) as answer:
            answer.read()
        took.append((time.monotonic() - began) * 1e3)
        time.sleep(0.02)
    took.sort()
    load = f"of {len(took)} scrapes of 250 pods while a backlog is read on the same core"
    yield f"median {load}", took[len(took) // 2], "ms", None
    yield f"p99 {load}", took[len(took) * 99 // 100], "ms", 50


SCENES = {scene.__name__: scene for scene in (memory, idle, checkpoint, scrape, backlog, containers, busy)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build/bench",
                        help="directory of hinomi, hinomi_race_generator and hinomi_counting_sink")
    parser.add_argument("--scenes", type=lambda text: text.split(","), default=list(SCENES), help=",".join(SCENES))
    parser.add_argument("--seconds", type=int, default=30, help="that idle and checkpoint are watched for")
    parser.add_argument("--gib", type=int, default=20, help="of the backlog")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    parser.add_argument("--work-dir", type=pathlib.Path, help="for the logs; default: the system's temporary directory")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenes) - set(SCENES):
        parser.error(f"there is no {', '.join(unknown)}: there are {', '.join(SCENES)}")
    rows, missed = ["| figure | measured | target |", "|---|---|---|"], 0
    for name in arguments.scenes:
        with contextlib.ExitStack() as stack:
            for figure, value, unit, target in SCENES[name](arguments, stack):
                missed += target is not None and value > target
                said = "" if target is None else f"at most {target}{' **missed**' if value > target else ''}"
                rows.append(f"| {figure} | {value:.3g} {unit} | {said} |")
                print(rows[-1], flush=True)
    text = "# Costs by the number of logs\n\n" + "\n".join(rows) + "\n"
    return outcome.written(arguments.results, "scale", text, missed)


if __name__ == "__main__":
    outcome.run(main)
