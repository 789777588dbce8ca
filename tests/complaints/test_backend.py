"""A server that is down, slow, half there or full: what is held is bounded, what is given up is counted, and afterwards
nothing of it stays behind."""
import itertools
import re
import time

import pytest

import fault_server as fault
from node import bytes_below, expect_balance, memory_mib
from scale import scale
from waiting import eventually

LINE = "x" * 180


def write(log, first, count):
    for number in range(first, first + count):
        log.line(f"line {number:07} {LINE}")


def arrived(fault_server):
    return {int(message.split()[1]) for message in fault_server.messages()}


def test_held_bytes_are_bounded_counted_and_let_go(agent, log_of, fault_server):
    """Of a pod that writes faster than it may be read, whose files the kubelet removes meanwhile."""
    limit = 1 << 20
    escrow = {"directory": str(agent.directory / "escrow"), "bytes_max": f"{limit}B", "free_percent_min": 0}
    agent.configure({"endpoints": [fault_server.url]}, escrow=escrow, fairness=[{"bytes_per_second": 50000}])
    log, lines = log_of("pod"), 0
    agent.start()
    for _ in range(scale(5, 500)):
        write(log, lines, 2000)
        lines += 2000
        log.rotate(compress=False)
        for rotated in log.path.parent.glob("0.log.*"):
            rotated.unlink()
        time.sleep(1.2)  # kubelets leave ten seconds between two
        assert bytes_below(agent.directory / "escrow") < limit + (3 << 19), "more than the limit and three files"
    eventually(lambda: agent.metric("hinomi_log_bytes_lost_total", reason="escrow_full"), 10, agent.log)
    assert expect_balance(agent)["lost"] == agent.metric("hinomi_log_bytes_lost_total")
    agent.kill()  # it would wait for what the limit delays
    before = len(fault_server.documents)
    agent.configure({"endpoints": [fault_server.url]}, escrow=escrow)
    agent.start()
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 30, agent.log)
    assert len(fault_server.documents) > before + 1000, "what only a link held at the kill is not delivered"
    found = expect_balance(agent)
    gone = lines - len(fault_server.documents)
    line_bytes = found["produced"] / lines  # times have trailing zeros cut, so lines differ by a few bytes
    assert 0 < found["lost"] < found["produced"]
    assert abs(gone * line_bytes - found["lost"]) < line_bytes * (1 + gone / 100), (gone, found)
    eventually(lambda: bytes_below(agent.directory / "escrow") <= log.size(), 10, "what is settled is still held")
    eventually(lambda: agent.metric("hinomi_escrow_bytes") == 0, 5, "what is let go of still counts")
    assert agent.stop() == 0


BACKENDS = {
    "down": fault.answer(503),
    "silent": fault.silence,
    "slow": fault.slowly(1),
    "half": fault.half,
    "busy": fault.busy,
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_memory_is_bounded(agent, log_of, fault_server, backend):
    """While much more is written than the limits allow to be on its way."""
    agent.configure({"endpoints": [fault_server.url], "timeout": "2s"},
                    limits={"in_flight_bytes_max": "8MiB"})
    fault_server.faults = itertools.repeat(BACKENDS[backend])
    logs = [log_of(f"pod-{number}") for number in range(4)]
    agent.start()
    before, most = memory_mib(agent.process.pid), 0
    block = f"2026-01-01T00:00:00Z stdout F {LINE}\n".encode() * 5000
    end = time.monotonic() + scale(1, 600)
    while time.monotonic() < end:
        if sum(log.size() for log in logs) < 1 << 30:
            for log in logs:
                log.raw(block)
        time.sleep(0.05)
        most = max(most, memory_mib(agent.process.pid))
    print(f"{before:.1f} MiB before, {most:.1f} MiB at most, {sum(log.size() for log in logs) >> 20} MiB written")
    assert most < before + 8 + 24  # the limit, and what a request needs to be compressed and sent
    assert agent.ready().ok


def test_counters_are_what_the_server_refused(agent, log_of, fault_server):
    """Of a batch with every outcome in it, not the whole batch."""
    fault_server.faults = itertools.repeat(fault.refuse("7 x"))
    agent.configure({"endpoints": [fault_server.url]})
    log = log_of("pod")
    write(log, 0, 1000)
    log.raw(b"garbage\n")
    agent.start()
    eventually(lambda: agent.metric("hinomi_route_records_total", outcome="rejected") == 100, 90, agent.log)
    eventually(lambda: agent.metric("hinomi_route_records_total", outcome="acknowledged") == 900, 90, agent.log)
    assert len(fault_server.documents) == 900
    assert len(re.findall(rb"document_parsing_exception", agent.dead_letters())) == 100
    found = expect_balance(agent)
    assert found["dropped"] == agent.metric("hinomi_log_bytes_dropped_total")
    assert agent.metric("hinomi_route_source_bytes_total", outcome="corrupt") == len(b"garbage\n")
    assert found["lost"] == found["pending"] == 0


def test_a_single_line_does_not_wait_for_the_next(agent, log_of, fault_server):
    """Nor does a part without its end, nor the last trace of a program that has died."""
    agent.configure({"endpoints": [fault_server.url]}, limits={"open_record_delay_max": "2s"},
                    multiline=[{"pod": "java-*", "preset": "java", "wait": "1s"}])
    agent.start()
    line, part, trace = log_of("one"), log_of("part"), log_of("java-1")
    part.line("a part", tag="P")
    trace.line("java.lang.Error: at last")
    trace.line("\tat Main.main(Main.java:1)")
    line.line("alone")
    began, seen = time.monotonic(), {}

    def all_there():
        for message in fault_server.messages():
            seen.setdefault(message, time.monotonic() - began)
        return len(seen) == 3
    eventually(all_there, 10, lambda: f"{seen}\n{agent.log()}")
    print(seen)
    assert seen["alone"] < 1
    assert seen["java.lang.Error: at last\n\tat Main.main(Main.java:1)"] < 2.5
    assert seen["a part"] < 4


def test_restarts_send_nothing_twice(agent, log_of, fault_server):
    """In good order, and with another configuration each time, while the containers write on: not one document is
    offered again that the server has."""
    logs = [log_of(f"pod-{number}") for number in range(5)]
    lines = 0
    for restart in range(scale(3, 100)):
        agent.configure({"endpoints": [fault_server.url], "linger": f"{100 + restart % 3 * 100}ms",
                         "batch_bytes": f"{64 << restart % 5}KiB"},
                        fairness=[{"namespace": "*", "weight": 1 + restart % 5}])
        agent.start()
        for _ in range(4):
            for log in logs:
                write(log, lines, 50)
            lines += 50
            time.sleep(0.05)
        for log in logs[restart % 2::2]:
            log.rotate()
        assert agent.stop() == 0
        for log in logs:
            write(log, lines, 10)
        lines += 10
    agent.start()
    eventually(lambda: len(fault_server.documents) == lines * len(logs), 20, agent.log)
    assert agent.stop() == 0
    assert fault_server.conflicts == 0
    assert arrived(fault_server) == set(range(lines))
