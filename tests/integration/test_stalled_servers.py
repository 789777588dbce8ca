"""A server that is there and does not get on: its process stands still, packets to it vanish, it reads ten kilobytes a
second. What is held is bounded, the agent's other sinks go on, and afterwards everything arrives."""
import contextlib
import os
import signal
import subprocess
import time

import pytest

import archives
import fault_server as fault
from networks import inside, own_network
from node import memory_mib
from waiting import eventually

LINE_BYTES, LOGS = 1000, 4
IN_FLIGHT_MIB = 4  # of each sink


@contextlib.contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def packets_vanish(pid, port):
    """Those to that port in the network of that process: connections stay open, and nobody hears of them."""
    def iptables(*words):
        subprocess.run(["nsenter", "-t", str(pid), "-n", "iptables", *words, "INPUT", "-p", "tcp", "--dport", str(port),
                        "-j", "DROP"], check=True, timeout=10)
    iptables("-I")
    try:
        yield
    finally:
        iptables("-D")


@contextlib.contextmanager
def crawling(server):
    server.bytes_per_second = 10 << 10
    try:
        yield
    finally:
        server.bytes_per_second = None


@pytest.fixture
def network():
    """A process with a network of its own."""
    with own_network() as pid:
        yield pid


@pytest.fixture
def pods(log_of):
    return [log_of(f"pod-{number}") for number in range(LOGS)]


def configure(agent, url, **sink):
    directory = agent.directory / "archive"
    agent.configure({}, limits={"in_flight_bytes_max": f"{2 * IN_FLIGHT_MIB}MiB"}, sinks={
        "search": {"type": "elasticsearch", "endpoints": [url], "timeout": "3s", "batch_bytes": "512KiB", **sink},
        "files": {"type": "archive", "directory": str(directory), "sync_every": "200ms"},
    }, routes=[{"name": "search", "sink": "search"}, {"name": "files", "sink": "files"}])
    return directory


def stall(agent, pods, stalled, stored, archive, lines=40_000):
    """Writes while the server stalls; `stored()` is what it has. The agent's log says what is wrong. By default it is
    some 40 MB, more than memory may grow by."""
    pods[0].line("at first")
    eventually(lambda: stored() == 1, 30, agent.log)
    pid = agent.process.pid
    before, most = memory_mib(pid), 0
    with stalled:
        block = f"2026-01-01T00:00:00Z stdout F {'x' * (LINE_BYTES - 30)}\n".encode() * (lines // LOGS)
        for log in pods:
            log.raw(block)
        end = time.monotonic() + 60
        while time.monotonic() < end and not ("overloaded or not reachable" in agent.log()
                                              and archives.count(archive) == lines + 1):
            most = max(most, memory_mib(pid))
            time.sleep(0.2)
        assert "overloaded or not reachable" in agent.log(), agent.log()
        assert archives.count(archive) == lines + 1, "the other sink has to wait"
    print(f"{before:.1f} MiB before, {most:.1f} MiB at most")
    assert most < before + 2 * IN_FLIGHT_MIB + 24  # the limit, and what a request needs to be compressed and sent
    eventually(lambda: stored() == lines + 1, 90, lambda: f"{stored()} of {lines + 1}\n{agent.log()}")
    assert not agent.dead_letters()


def test_elasticsearch_stands_still(agent, pods, elasticsearch_server, elasticsearch, index):
    archive = configure(agent, elasticsearch.url, index=index, timeout="5s")
    agent.start()
    known = [0]

    def stored():
        with contextlib.suppress(OSError):  # it does not answer us either
            known[0] = elasticsearch.count(index)
        return known[0]
    stall(agent, pods, frozen(elasticsearch_server.pid()), stored, archive, lines=6000)


@pytest.mark.faults
def test_a_server_that_reads_ten_kilobytes_a_second(agent, pods, fault_server):
    archive = configure(agent, fault_server.url)
    agent.start()
    stall(agent, pods, crawling(fault_server), lambda: len(fault_server.documents), archive)


@pytest.mark.faults
def test_connections_whose_packets_vanish(agent, pods, network):
    server = inside(network, fault.FaultServer)
    try:
        archive = configure(agent, server.url)
        agent.command = ["nsenter", "-t", str(network), "-n", *agent.command]
        agent.spawn()
        stall(agent, pods, packets_vanish(network, server.server_address[1]), lambda: len(server.documents), archive)
    finally:
        server.close()
