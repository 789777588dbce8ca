"""What leaves the agent's network, by the counters of its devices: never more than the limits of each sink and of all,
and by the address and the device that a sink names."""
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from fault_server import FaultServer
from networks import inside, ip, own_network, sent_bytes, wire
from waiting import eventually

pytestmark = pytest.mark.sinks

MIB = 1 << 20
TOTAL, OF_ONE = MIB, MIB // 4  # bytes per second
WINDOW_SECONDS, SAMPLE_SECONDS = 10, 0.5
RUN_SECONDS = 13 if "HINOMI_TORTURE" not in os.environ else 600
OURS, THEIRS, SECOND = ("10.77.0.1", "10.78.0.1"), ("10.77.0.2", "10.78.0.2"), "10.77.0.9"


@pytest.fixture
def networks():
    """The agent's and the servers', with the devices fast and slow between them."""
    with own_network() as agents, own_network() as servers:
        wire(agents, servers, "fast", (OURS[0], THEIRS[0]))
        wire(agents, servers, "slow", (OURS[1], THEIRS[1]))
        ip(agents, f"addr add {SECOND}/24 dev fast")
        yield agents, servers


@pytest.fixture
def agent(agent, networks):
    agent.network = networks[0]
    return agent


@pytest.fixture
def servers(networks):
    servers = [inside(networks[1], lambda host=host: FaultServer(host)) for host in THEIRS]
    yield servers
    for server in servers:
        server.close()


def samples_of(pid, devices, seconds):
    """(time, bytes sent so far by each device), every half second."""
    samples, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        samples.append((time.monotonic(), *(sent_bytes(pid, device) for device in devices)))
        time.sleep(SAMPLE_SECONDS)
    return samples


def rates(samples):
    """Bytes per second of all devices together and of each: the most of any ten seconds, and the mean."""
    def rate(begin, end, column):
        count = (end[column] - begin[column]) if column else sum(end[1:]) - sum(begin[1:])
        return count / (end[0] - begin[0])
    windows = [(begin, next(end for end in samples if end[0] >= begin[0] + WINDOW_SECONDS))
               for begin in samples if begin[0] + WINDOW_SECONDS <= samples[-1][0]]
    assert len(windows) > 2
    return [(max(rate(begin, end, column) for begin, end in windows), rate(samples[0], samples[-1], column))
            for column in range(len(samples[0]))]


def test_limits_of_a_sink_and_of_all(agent, networks, servers, log_of):
    common = {"type": "elasticsearch", "compression": "none", "requests_max": 4, "batch_bytes": "256KiB"}

    def limit(of_slow):
        agent.configure({}, egress={"bytes_per_second": str(TOTAL)}, sinks={
            "fast": {**common, "endpoints": [servers[0].url]},
            "slow": {**common, "endpoints": [servers[1].url], "egress": {"bytes_per_second": str(of_slow)},
                     "timeout": "1s"},
        }, routes=[{"sink": "fast"}, {"sink": "slow"}])
    limit(OF_ONE)
    line = f"2026-01-01T00:00:00Z stdout F {'x' * 1000}\n".encode()
    for number in range(4):
        log_of(f"pod-{number}").raw(line * (RUN_SECONDS * TOTAL // len(line) // 4))
    agent.spawn()
    samples = samples_of(networks[0], ("fast", "slow"), RUN_SECONDS)
    shares = [(name, most / limit, mean / limit) for (most, mean), name, limit in
              zip(rates(samples), ("all", "fast", "slow"), (TOTAL, TOTAL, OF_ONE))]
    print(*(f"{name}: {most:.3f} of the limit in the worst 10 s, {mean:.3f} on average" for name, most, mean in shares),
          sep="\n")
    for name, most, _ in shares:
        assert most < 1.05, f"{name} sends more than it may: {shares}"
    for name, _, mean in (shares[0], shares[2]):
        assert mean > 0.85, f"{name} sends less than it could: {shares}"
    for name in ("fast", "slow"):
        metric = agent.metric("hinomi_sink_egress_bytes_total", sink=name)
        assert metric == pytest.approx(sent_bytes(networks[0], name), rel=0.03)
    # A request of the slow one takes longer than its timeout.
    assert agent.metric("hinomi_sink_retries_total", sink="slow") == 0, agent.log()

    # The connections that are open go on, at another pace.
    limit(2 * OF_ONE)
    agent.signal(signal.SIGHUP)
    eventually(lambda: "configuration is in effect" in agent.log(), 20, agent.log)
    time.sleep(1)
    first, *_, last = samples_of(networks[0], ("slow",), 5)
    rate = (last[1] - first[1]) / (last[0] - first[0]) / (2 * OF_ONE)
    assert 0.8 < rate < 1.1, f"{rate:.3f} of the new limit"
    assert agent.metric("hinomi_sink_retries_total", sink="slow") == 0, agent.log()


def test_what_is_grave_goes_first(agent, servers, log_of):
    """A backlog that the line needs minutes for, and behind it a few lines of a level, and a pod of a namespace."""
    def limit(**egress):
        agent.configure({}, egress=egress, sinks={"search": {
            "type": "elasticsearch", "endpoints": [servers[0].url], "compression": "none", "batch_bytes": "128KiB",
        }}, limits={"in_flight_bytes_max": "2MiB"}, routes=[
            {"name": "payments", "match": {"namespace": "pay-*"}, "sink": "search", "priority": "high", "stop": True},
            {"name": "errors", "level": "error", "sink": "search", "priority": "high", "stop": True},
            {"name": "all", "sink": "search"}])
    limit(bytes_per_second="256KiB")
    pods, lines = [log_of(f"pod-{number}") for number in range(4)], 3000
    text = json.dumps({"level": "info", "message": "x" * 1000})
    for pod in pods:
        pod.raw(f"2026-01-01T00:00:00Z stdout F {text}\n".encode() * lines)
    agent.spawn()
    eventually(lambda: len(servers[0].documents) > 500, 30, agent.log)
    for pod in pods:
        pod.line(json.dumps({"level": "error", "message": "urgent"}))
    log_of("till", namespace="pay-jp").line("urgent")

    def urgent():
        return servers[0].messages().count("urgent")
    begun = time.monotonic()
    eventually(lambda: urgent() == 5, 15, agent.log)
    print(f"what is urgent: after {time.monotonic() - begun:.1f} s, when {len(servers[0].documents)} of {4 * lines + 5} had come")
    assert len(servers[0].documents) < lines

    limit()
    agent.signal(signal.SIGHUP)
    eventually(lambda: len(servers[0].documents) == 4 * lines + 5, 60, agent.log)
    assert urgent() == 5
    for route in ("payments", "errors", "all"):
        assert agent.metric("hinomi_ledger_bytes", route=route, state="pending") == 0


class Callers:
    """Takes connections, and keeps who called."""

    def __init__(self, host):
        self.socket, self.hosts = socket.create_server((host, 0)), set()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, caller = self.socket.accept()
                self.hosts.add(caller[0])
                connection.close()


def test_addresses_and_devices(agent, networks, log_of):
    """By its routes the agent would take the device `fast` and its first address for all of them."""
    ip(networks[0], f"route add default via {THEIRS[1]} dev slow")
    kinds = {"elasticsearch": lambda port: {"endpoints": [f"http://{THEIRS[0]}:{port}"]},
             "kafka": lambda port: {"brokers": [f"{THEIRS[0]}:{port}"]},
             "otlp": lambda port: {"endpoint": f"{THEIRS[0]}:{port}"}}
    ways = {"none": ({}, {OURS[0]}), "address": ({"source_address": SECOND}, {SECOND}),
            "device": ({"device": "slow"}, {OURS[1]}), "missing": ({"device": "nosuch0"}, set())}
    sinks, expected, callers = {}, {}, {}
    for kind, target in kinds.items():
        for way, (egress, hosts) in ways.items():
            name = f"{kind}-{way}"
            callers[name] = inside(networks[1], lambda: Callers(THEIRS[0]))
            sinks[name] = {"type": kind, "batch_bytes": "16KiB", "egress": {**egress}, **target(callers[name].port)}
            expected[name] = hosts
    agent.configure({}, sinks=sinks, routes=[{"sink": name} for name in sinks])
    log_of("pod").line("hello")
    agent.launch()

    def told():
        """By the agent's page, not its log: that swallows more than ten lines of a kind a minute."""
        return [line for line in agent.ready().text.splitlines() if "No such device" in line]
    try:
        eventually(lambda: len(told()) == len(kinds) and
                   all(callers[name].hosts == hosts for name, hosts in expected.items()), 20,
                   lambda: f"{agent.ready().text}\n{({name: caller.hosts for name, caller in callers.items()})}")
    finally:
        for caller in callers.values():
            caller.socket.close()
    for kind in kinds:
        assert any(f"{kind}-missing" in line for line in told())
