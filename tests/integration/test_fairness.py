"""A pod that writes without end costs its neighbours next to nothing, and a limit does what it says."""
import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

import agent as agent_module
from agent import ROOT
from kubelet import cri_time
from waiting import eventually

sys.path.insert(0, str(ROOT / "bench/race"))
from processes import Sink  # noqa: E402  (the race is no package)

TOOLS = pathlib.Path(agent_module.BINARY).parent
QUIET_PODS, LINES_PER_SECOND, SECONDS = 99, 10, 15
NOISY_BYTES_PER_SECOND = 100_000_000
TICK_SECONDS = 0.01


class Noise:
    """Writes to a log as fast as it is told, or as the disk allows."""

    def __init__(self, log):
        line = cri_time(time.time_ns()) + ' stdout F {"level":"debug","message":"' + "noise " * 30 + '"}\n'
        self.log, self.block = log, line.encode() * int(NOISY_BYTES_PER_SECOND * TICK_SECONDS / len(line))
        self.bytes, self.seconds = 0, 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        began = time.monotonic()
        while not self.stopping.wait(max(0, began + self.bytes / NOISY_BYTES_PER_SECOND - time.monotonic())):
            self.log.raw(self.block)
            self.bytes += len(self.block)
        self.seconds = time.monotonic() - began

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


@contextlib.contextmanager
def neighbours(agent, summary):
    """Pods in seven namespaces, with a few lines a second each."""
    lines = QUIET_PODS * LINES_PER_SECOND * SECONDS
    process = subprocess.Popen([
        TOOLS / "hinomi_race_generator", "--pods-dir", agent.pods, "--summary", summary, "--pods", str(QUIET_PODS),
        "--lines", str(lines), "--rate", str(QUIET_PODS * LINES_PER_SECOND), "--delay-seconds", "2"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def resident_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def test_one_noisy_pod_does_not_hold_up_the_others(agent, log_of, directory, monkeypatch):
    # What a sanitizer keeps of freed memory is not the agent's use.
    monkeypatch.setitem(agent_module.ENVIRONMENT, "ASAN_OPTIONS", "quarantine_size_mb=1")
    with Sink(TOOLS / "hinomi_counting_sink", directory / "sink.log") as sink:
        agent.configure({"endpoints": [f"http://127.0.0.1:{sink.port}"]})
        agent.start()
        resident = []
        with neighbours(agent, directory / "summary") as quiet, Noise(log_of("noisy", namespace="team-3")) as noise:
            while quiet.poll() is None:
                time.sleep(0.2)
                resident.append(resident_mib(agent.process.pid))
            time.sleep(2)
        sink.set_written((directory / "summary").read_bytes())
        stats = sink.stats()
        pending = agent.metric("hinomi_route_pending_bytes")
        print(f"{noise.bytes / noise.seconds / 1e6:.0f} MB/s of noise, {stats}, pending {pending}, "
              f"resident {resident[::10]}")
        agent.kill()
    assert quiet.returncode == 0
    assert noise.bytes / noise.seconds > NOISY_BYTES_PER_SECOND / 4, "the disk is too slow for this test"
    assert (stats["distinct"], stats["lost"]) == (QUIET_PODS * LINES_PER_SECOND * SECONDS, 0)
    assert stats["p99_ms"] < 2000
    third = len(resident) // 3
    assert max(resident[third:]) < max(resident[:third]) + 16


def write_lines(log, count, length=200):
    """`count` lines of that many bytes, newline included."""
    head = cri_time(time.time_ns()) + " stdout F "
    text = "".join(head + f"{log.pod} {i:06} ".ljust(length - len(head) - 1, "x") + "\n" for i in range(count))
    log.raw(text.encode())
    return len(text)


def settled(agent, unit, outcome):
    return agent.metric(f"hinomi_route_{unit}_total", outcome=outcome)


@pytest.mark.parametrize("per", ["pod", "namespace"])
def test_a_limit_that_drops_counts_what_it_drops(agent, log_of, fault_server, per):
    rule = {"namespace": "dev", "per": per, "bytes_per_second": 20000, "exceeded": "drop"}
    agent.configure({"endpoints": [fault_server.url]}, fairness=[rule])
    agent.start()
    logs = [log_of("a", namespace="dev"), log_of("b", namespace="dev"), log_of("c", namespace="prod")]
    for log in logs:
        log.line("first")
    eventually(lambda: len(fault_server.documents) == 3, 10, lambda: fault_server.messages())
    time.sleep(1)
    for log in logs:
        write_lines(log, 5000)
    eventually(lambda: settled(agent, "records", "acknowledged") + settled(agent, "records", "rate_limited") == 15003,
               30, agent.log)
    kept = {log.pod: sum(text.startswith(log.pod + " ") for text in fault_server.messages()) for log in logs}
    limited_pods = 2 if per == "pod" else 1
    assert kept["c"] == 5000
    # The burst is that of a second; more is granted for the time that it takes to read.
    assert 95 * limited_pods <= kept["a"] + kept["b"] <= 400 * limited_pods, kept
    dropped = 10000 - kept["a"] - kept["b"]
    assert settled(agent, "records", "rate_limited") == dropped
    assert settled(agent, "source_bytes", "rate_limited") == dropped * 200
    assert settled(agent, "records", "acknowledged") == 15003 - dropped
    assert settled(agent, "records", "corrupt") == settled(agent, "records", "rejected") == 0
    written = sum(log.size() for log in logs)
    assert settled(agent, "source_bytes", "acknowledged") == written - dropped * 200
    assert agent.metric("hinomi_rate_limited_bytes_total", namespace="dev") == dropped * 200
    assert agent.metric("hinomi_rate_limited_bytes_total", namespace="prod") is None
    eventually(lambda: agent.get("/api/v1/status").json()["totals"]["dropped_bytes"].get("rate_limited") == dropped * 200,
               5, lambda: agent.get("/api/v1/status").json()["totals"])
    assert agent.stop() == 0


def test_a_limit_that_delays_loses_nothing(agent, log_of, fault_server):
    rule = {"namespace": "dev", "bytes_per_second": 100000}
    agent.configure({"endpoints": [fault_server.url]}, fairness=[rule])
    agent.start()
    slow, quick = log_of("slow", namespace="dev"), log_of("quick", namespace="prod")
    began = time.monotonic()
    for log in (slow, quick):
        write_lines(log, 5000)

    def arrived(pod):
        return sum(text.startswith(pod + " ") for text in fault_server.messages())
    eventually(lambda: arrived("quick") == 5000, 5, agent.log)
    assert arrived("slow") < 5000
    cpu_seconds = agent.cpu_seconds()
    eventually(lambda: arrived("slow") == 5000, 30, agent.log)
    # A second's burst, and what one lease took beyond it, came without a wait.
    assert 4 < time.monotonic() - began < 15
    assert agent.cpu_seconds() - cpu_seconds < 2, "it does not wait in a loop"
    assert agent.metric("hinomi_rate_limited_seconds_total", namespace="dev") > 3
    assert agent.metric("hinomi_rate_limited_seconds_total", namespace="prod") is None
    assert settled(agent, "records", "rate_limited") == 0
    assert fault_server.conflicts == 0
    assert agent.stop() == 0
