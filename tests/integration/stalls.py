"""Servers that do not get on, and what is asked of an agent meanwhile and afterwards."""
import contextlib
import dataclasses
import os
import re
import signal
from collections.abc import Callable

import archives
from node import expect_balance, memory_mib
from waiting import eventually

PODS, LINES, LINE_BYTES = 4, 5000, 8000  # 40 MB: more than memory may grow by
IN_FLIGHT_MIB, BATCH_BYTES = 4, 512 << 10  # of each sink


@contextlib.contextmanager
def frozen(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def crawling(*servers):
    for server in servers:
        server.bytes_per_second = 10 << 10
    try:
        yield
    finally:
        for server in servers:
            server.bytes_per_second = None


@dataclasses.dataclass
class Peer:
    """What a sink sends to."""
    sink: dict  # its configuration
    numbers: Callable  # of the lines that it has, as they came
    in_order: bool = False  # has each line once, and those of a pod in their order


class Node:
    """An agent whose sinks may stall, and an archive beside them."""

    def __init__(self, agent, log_of):
        self.agent, self.logs = agent, [log_of(f"pod-{number}") for number in range(PODS)]
        self.archive = agent.directory / "archive"
        self.pod_of = []  # by the number of a line
        self.memory_mib = []

    def start(self, **peers):
        """peers: by the name of their sink. A line of each pod has arrived when it returns."""
        self.peers = peers
        common = {"timeout": "1s", "batch_bytes": f"{BATCH_BYTES}B", "compression": "none"}
        self.in_flight_mib = (len(peers) + 1) * IN_FLIGHT_MIB
        self.agent.configure({}, limits={"in_flight_bytes_max": f"{self.in_flight_mib}MiB"}, sinks={
            **{name: {**common, **peer.sink} for name, peer in peers.items()},
            "files": {"type": "archive", "directory": str(self.archive), "sync_every": "200ms"},
        }, routes=[{"name": name, "sink": name} for name in (*peers, "files")])
        self.agent.spare_memory()
        self.agent.start()
        self.write(PODS)
        self.expect_all(30)
        self.memory_mib = self.memory_mib[-1:]

    def write(self, lines=LINES):
        """Numbered on; each pod writes as many, one pod after the other."""
        for pod, log in enumerate(self.logs):
            numbers = range(len(self.pod_of), len(self.pod_of) + lines // PODS)
            log.raw(b"".join(b"2026-01-01T00:00:00Z stdout F %06d %s\n" % (number, b"x" * (LINE_BYTES - 40))
                             for number in numbers))
            self.pod_of += [pod] * len(numbers)

    def stall(self, stalled, *codes, lines=LINES):
        """Writes while the servers stall. That harms nobody, and afterwards they get everything."""
        with stalled:
            self.write(lines)
            self.expect_down(*codes)
        self.expect_all()
        self.expect_flat_memory()

    def eventually(self, condition, seconds, what):
        def look():
            self.memory_mib.append(memory_mib(self.agent.process.pid))
            return condition()
        return eventually(look, seconds, lambda: f"{what() if callable(what) else what}\n{self.agent.log()}")

    def expect_down(self, *codes):
        """Each sink has tried again and failed, what is wrong with it is said, and the archive has everything."""
        def tries(sink):
            return self.agent.metric("hinomi_sink_retries_total", sink=sink)
        before = {sink: tries(sink) for sink in self.peers}
        for sink, code in zip(self.peers, codes, strict=True):
            self.eventually(lambda: tries(sink) >= before[sink] + 2, 20, f"{sink} does not try again")
            assert self.agent.metric("hinomi_sink_errors_total", sink=sink, code=code) > 1
            assert self.agent.metric("hinomi_sink_up", sink=sink) == 0
            assert re.search(rf'W sink "{sink}": cannot .*; nothing is lost, it will be tried again', self.agent.log())
        self.expect_acknowledged("files", 60)
        assert archives.count(self.archive) == len(self.pod_of)
        assert self.agent.ready().ok

    def expect_all(self, seconds=60):
        for sink, peer in self.peers.items():
            self.expect_acknowledged(sink, seconds)
            numbers = self.eventually(lambda: self.if_all(peer.numbers()), 5, f"{sink} has not got all")
            if peer.in_order:
                assert self.by_pod(numbers) == self.by_pod(range(len(self.pod_of)))
            assert self.agent.metric("hinomi_sink_up", sink=sink) == 1
        found = expect_balance(self.agent)
        assert found["dropped"] == found["lost"] == 0
        assert not self.agent.dead_letters()

    def if_all(self, numbers):
        return numbers if set(numbers) == set(range(len(self.pod_of))) else None

    def by_pod(self, numbers):
        return sorted(numbers, key=self.pod_of.__getitem__)

    def expect_acknowledged(self, route, seconds):
        self.eventually(lambda: self.agent.metric("hinomi_route_records_total", route=route,
                                                  outcome="acknowledged") == len(self.pod_of),
                        seconds, f"{route} lacks some")

    def expect_flat_memory(self):
        before, most = self.memory_mib[0], max(self.memory_mib)
        print(f"{before:.1f} MiB before, {most:.1f} MiB at most")
        assert most < before + self.in_flight_mib + 16  # the limit, and what requests need
