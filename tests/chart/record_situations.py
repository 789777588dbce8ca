#!/usr/bin/python3
"""Makes the situations of a node for real on this machine, one after another, and records what the agent says of them into
situations/recorded.yaml: by how much counters grow a second, and gauges at the end.

Run by hand, as root, on a machine that has nothing else to do; the tests read what it wrote. Each situation lasts 45 s,
in namespaces of processes (and for the network, of networks) of its own that end with it, and is recorded again where
others had disturbed it. It takes half a GB of disk below build/, and little memory."""
import argparse
import contextlib
import ctypes
import json
import mmap
import multiprocessing
import os
import pathlib
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from agent import LABEL, SAMPLE, Agent  # noqa: E402
from waiting import eventually  # noqa: E402

TABLES = pathlib.Path(__file__).with_name("situations")
RECORDED, MADE = TABLES / "recorded.yaml", TABLES / "made.yaml"
MIB = 1 << 20
PAGE = mmap.PAGESIZE
PROCESSORS = os.cpu_count()
SECONDS, SETTLE_SECONDS, WORLD_SECONDS_MAX = 45, 5, 300
QUIET_SECONDS, QUIET_WAIT_SECONDS, TRIES = 3, 900, 4
# The share of all processors that others may use just before and after.
IDLE_OTHERS_MAX, OTHERS_MAX = 0.1, 0.3
MEMORY_LIMIT_BYTES, MAPPED_BYTES = 128 * MIB, 160 * MIB
DISK_BYTES, WRITTEN_BYTES = 256 * MIB, 64 * MIB
NODE_ADDRESS, PEER_ADDRESS, PEER_PORT = "10.99.0.1", "10.99.0.2", 18500
LOSS, LINE = 0.08, "50mbit"
REQUEST_BYTES, ANSWER_BYTES = 32 << 10, 32 << 10
CLONE_NEWNET = 0x40000000
KINDS = {"counters": "By how much a counter grows a second, of processors all together.", "gauges": "At the end."}
HEAD = """\
# Nodes of {processors} processors and {memory:.0f} GB, Linux {kernel}, in situations that
# tests/chart/record_situations.py made for real: what an agent's /metrics/node said of {seconds} s of each. Do not edit: run
# that again. Steal is in made.yaml alone: the kernel of this machine tells next to none, whatever the load.
#
#   idle      the agent, and what little the machine did besides
#   cpu       three times as many busy loops as processors
#   code      programs at a limit of memory, whose code is more than that and is brought back again and again
#   data      the same with a file that they have mapped
#   commits   small blocks at random places, each on the disk before the next is begun
#   writing   files through the page cache, at a limit of memory
#   network   requests and answers over a line that loses packets
#
# All of it at the lowest priority, so that the time of programs is that of mode="nice".
"""


# What a situation is made of: processes that do this until they are ended, `file` being theirs in common.

def spin(_):
    while True:
        pass


def touch(file, protection, advice):
    """Touches pages of the file at random; `protection` makes them data or a program's code."""
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=protection) as pages:
        pages.madvise(advice)
        while True:
            pages[random.randrange(len(pages) // PAGE) * PAGE]


def touch_code(file):
    touch(file, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MADV_RANDOM)


def touch_data(file):
    """With the kernel's readahead. Without, page by page, the kernel counts most of it as waits for the disk."""
    touch(file, mmap.PROT_READ, mmap.MADV_NORMAL)


def write_at_random(file):
    """Blocks of 16 KiB, each on the disk before the next is begun, as a database commits."""
    descriptor, block = os.open(file, os.O_WRONLY | os.O_DIRECT | os.O_SYNC), mmap.mmap(-1, 4 * PAGE)
    while True:
        os.pwritev(descriptor, [block], random.randrange(DISK_BYTES // len(block)) * len(block))


def write_through_the_cache(file):
    """A file over and over, which is brought to the disk every 16 MiB."""
    with tempfile.TemporaryFile(dir=file.parent, buffering=0) as written:
        block = os.urandom(MIB)
        while True:
            for at in range(WRITTEN_BYTES // MIB):
                os.pwrite(written.fileno(), block, at * MIB)
                if at % 16 == 15:
                    os.fsync(written.fileno())


def ask(_):
    """Requests and answers, one after another."""
    with socket.create_connection((PEER_ADDRESS, PEER_PORT)) as peer:
        while True:
            peer.sendall(bytes(REQUEST_BYTES))
            peer.recv(ANSWER_BYTES, socket.MSG_WAITALL)


def answer(listening):
    while True:
        client, _ = listening.accept()
        with contextlib.suppress(ConnectionResetError):  # at the end
            while client.recv(REQUEST_BYTES, socket.MSG_WAITALL):
                client.sendall(bytes(ANSWER_BYTES))


def peer(connections, ready):
    """The other end of the line, in a network of its own."""
    assert ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0
    listening = socket.create_server(("", PEER_PORT), backlog=connections)
    answering = [start(answer, listening) for _ in range(connections)]
    ready.set()
    for each in answering:
        each.join()


class Situation:
    def __init__(self, first, work=None, processes=0, *, file_bytes=0, limited=False, network=False):
        """`first`: what has to be ranked first. `limited`: to MEMORY_LIMIT_BYTES of memory, page cache included."""
        self.first, self.work, self.processes = first, work, processes
        self.file_bytes, self.limited, self.network = file_bytes, limited, network


SITUATIONS = {
    "idle": Situation(None),
    "cpu": Situation("cpu", spin, 3 * PROCESSORS),
    "code": Situation("memory", touch_code, 8, file_bytes=MAPPED_BYTES, limited=True),
    "data": Situation("memory", touch_data, 8, file_bytes=MAPPED_BYTES, limited=True),
    "commits": Situation("io", write_at_random, 8, file_bytes=DISK_BYTES),
    "writing": Situation("io", write_through_the_cache, 4, limited=True),
    "network": Situation("network", ask, 8, network=True),
}


def start(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def run(*words):
    subprocess.run(words, check=True, timeout=30)


def lay_line(connections):
    """A line that is narrow and loses packets, from this network's eth0 to a peer's. The peer's process."""
    ready = multiprocessing.Event()
    other = start(peer, connections, ready)
    assert ready.wait(30)
    there = ("nsenter", f"--net=/proc/{other.pid}/ns/net")
    run("mount", "-t", "sysfs", "sysfs", "/sys")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(other.pid))
    for address, where in ((NODE_ADDRESS, ()), (PEER_ADDRESS, there)):
        run(*where, "ip", "address", "add", f"{address}/24", "dev", "eth0")
        run(*where, "ip", "link", "set", "eth0", "up")
        run(*where, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", LINE, "burst", "4k", "latency", "200ms")
        run(*where, "iptables", "-w", "-A", "INPUT", "-i", "eth0", "-m", "statistic", "--mode", "random",
            "--probability", str(LOSS), "-j", "DROP")
    return other


def value_of(series, page):
    """The sum of the rows of a page that have the labels of the series."""
    name, _, labels = series.partition("{")
    wanted = set(LABEL.findall(labels))
    values = [float(sample["value"]) for sample in SAMPLE.finditer(page)
              if sample["name"] == name and wanted <= set(LABEL.findall(sample["labels"] or ""))]
    assert values, f"the agent says nothing of {series}"
    return sum(values)


def inside(name, directory, group):
    """What is asked for in the namespaces of one situation: {kind: {series: value}}. `group`: its limited cgroup."""
    situation, known = SITUATIONS[name], yaml.safe_load(MADE.read_text())
    file = directory / "file"
    processes = [lay_line(situation.processes)] if situation.network else []

    def work():
        if situation.limited:
            (group / "cgroup.procs").write_text("0")
        situation.work(file)

    def fill():
        if situation.limited:
            (group / "cgroup.procs").write_text("0")
        with file.open("wb") as opened:
            for _ in range(situation.file_bytes // MIB):
                opened.write(os.urandom(MIB))
            os.fsync(opened.fileno())

    start(fill).join()
    agent = Agent(directory)
    agent.configure({}, sinks={"files": {"type": "archive", "directory": str(directory / "archive")}},
                    routes=[{"name": "all", "sink": "files"}], metadata={"enabled": False})
    agent.start()
    processes += [start(work) for _ in range(situation.processes)]
    time.sleep(SETTLE_SECONDS)
    begin, before = time.monotonic(), agent.get("/metrics/node", 30).text
    time.sleep(SECONDS)
    passed, after = time.monotonic() - begin, agent.get("/metrics/node", 30).text
    assert all(process.is_alive() for process in processes), "a process that makes the situation has ended"
    for process in processes:
        process.kill()
    agent.kill()
    return {"counters": {series: (value_of(series, after) - value_of(series, before)) / passed
                         for series in known["counters"]},
            "gauges": {series: value_of(series, after) for series in known["gauges"]}}


def busy_share():
    """Of the time of all processors, over QUIET_SECONDS."""
    def times():
        values = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(values), values[3] + values[4]  # idle and iowait
    before = times()
    time.sleep(QUIET_SECONDS)
    total, unused = (after - earlier for after, earlier in zip(times(), before))
    return 1 - unused / total


def limited_cgroup():
    """A new cgroup of v1 or v2."""
    v1 = pathlib.Path("/sys/fs/cgroup/memory")
    group = (v1 if v1.is_dir() else v1.parent) / f"hinomi-situation-{os.getpid()}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if v1.is_dir() else "memory.max")).write_text(str(MEMORY_LIMIT_BYTES))
    return group


def in_a_world(name):
    """inside(), as the first process of new namespaces, which take all that it started with them."""
    (ROOT / "build").mkdir(exist_ok=True)
    group = limited_cgroup()
    try:
        with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="situation-") as directory:
            space = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *["--net"][:SITUATIONS[name].network]]
            done = subprocess.run([*space, sys.executable, __file__, "--inside", directory, str(group), name],
                                  stdout=subprocess.PIPE, check=True, timeout=WORLD_SECONDS_MAX)
    finally:
        eventually(lambda: not (group / "cgroup.procs").read_text(), 30, f"{group} is still in use")
        group.rmdir()
    return json.loads(done.stdout)


def undisturbed(name):
    allowed = OTHERS_MAX if SITUATIONS[name].first else IDLE_OTHERS_MAX
    for _ in range(TRIES):
        eventually(lambda: busy_share() <= allowed, QUIET_WAIT_SECONDS, "others keep this machine busy")
        found, others = in_a_world(name), busy_share()
        if others <= allowed:
            return found
        print(f"{name} was disturbed", file=sys.stderr)
    raise SystemExit(f"others disturbed {name} {TRIES} times")


def write(columns):
    """`columns`: {situation: as inside() gives it}"""
    names = [name for name in SITUATIONS if name in columns]

    def row(title, values):
        return f"{title + ':':<58}[{', '.join(f'{value:>9}' for value in values)}]\n"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = HEAD.format(seconds=SECONDS, processors=PROCESSORS, memory=memory / 1e9,
                       kernel=platform.release().partition("-")[0])
    text += f"processors: {PROCESSORS}\n\n" + row("situations", names)
    text += "# What has to be ranked first.\n" + row("first", [SITUATIONS[name].first or "null" for name in names])
    for kind, meaning in KINDS.items():
        text += f"\n# {meaning}\n{kind}:\n"
        for series in columns[names[0]][kind]:
            text += row(f"  {series}", [f"{columns[name][kind][series]:.4g}" for name in names])
    RECORDED.write_text(text)


def recorded():
    """What was recorded before."""
    if not RECORDED.exists():
        return {}
    table = yaml.safe_load(RECORDED.read_text())
    return {name: {kind: {series: values[at] for series, values in table[kind].items()} for kind in KINDS}
            for at, name in enumerate(table["situations"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SITUATIONS)}; all of them if none is named")
    parser.add_argument("--inside", nargs=2, metavar=("DIRECTORY", "CGROUP"), type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.names[0], *options.inside)))
        return
    os.nice(19)
    columns = recorded()
    for name in options.names or SITUATIONS:
        columns[name] = undisturbed(name)
        write(columns)
        print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
