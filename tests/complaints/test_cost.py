"""What thousands of files cost that nobody writes to, and the checkpoint of them."""
import pathlib
import tempfile
import time

import pytest

from kubelet import Log, cri_time
from node import memory_mib, written_bytes
from scale import scale
from waiting import eventually


@pytest.fixture
def directory():
    """In memory: it is the agent that is measured, and a disk takes minutes to forget so many files."""
    with tempfile.TemporaryDirectory(prefix="hinomi-", dir="/dev/shm") as path:
        yield pathlib.Path(path)


@pytest.fixture
def many_logs(agent):
    """So many pods with a line each, in namespaces of a hundred; the agent has delivered them."""
    def make(count):
        for number in range(count):
            log = Log(agent.pods, f"pod-{number}", namespace=f"space-{number // 100}")
            log.raw(f"{cri_time(time.time_ns())} stdout F the only line\n".encode())
            log.close()
        agent.start()
        eventually(lambda: agent.metric("hinomi_route_records_total", outcome="acknowledged") == count, 60, agent.log)
        eventually(lambda: agent.metric("hinomi_checkpoint_age_seconds") == 0, 60, "no checkpoint is written")
    return make


def test_five_thousand_idle_files_cost_nothing(agent, race, many_logs):
    race.configure()
    many_logs(5000)
    time.sleep(1)
    seconds = scale(6, 600)
    before = agent.cpu_seconds()
    time.sleep(seconds)
    share = (agent.cpu_seconds() - before) / seconds
    print(f"{share:.2%} of a core, {memory_mib(agent.process.pid):.0f} MiB")
    assert share < 0.005


def test_a_checkpoint_of_thousands_of_logs(agent, race, many_logs, log_of):
    """While one of them is written to, so that it is written as often as it may be."""
    race.configure()
    many_logs(scale(5_000, 10_000))
    busy, seconds = log_of("busy"), scale(10, 600)  # at 256 KiB/s it is due every seven or fourteen
    written, cpu, began = written_bytes(agent.process.pid), agent.cpu_seconds(), time.monotonic()
    while time.monotonic() - began < seconds:
        busy.line("keeps the checkpoint changing")
        time.sleep(1)
    share = (agent.cpu_seconds() - cpu) / seconds
    rate = (written_bytes(agent.process.pid) - written) / seconds
    megabytes = agent.metric("hinomi_checkpoint_bytes") / 1e6
    print(f"{share:.2%} of a core, {rate / 1e6:.2f} MB/s, a checkpoint of {megabytes:.1f} MB")
    assert megabytes > 1 and rate > 1e4, "no checkpoint was written"
    assert share < 0.01
    assert rate < 1e6
