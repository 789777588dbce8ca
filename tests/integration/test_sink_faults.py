"""A sink that fails in every way that a server can: the agent tries again, says why, does not spin, loses nothing."""
import itertools
import json
import random
import re
import time

import pytest

import fault_server as fault
from node import expect_balance
from scale import SEED, scale
from waiting import eventually

pytestmark = pytest.mark.faults

LINES = 40
FAULT_SECONDS = 2.5
REQUESTS_MAX = 25  # within that time, of two connections that back off


def lasting(seconds, make):
    """Faults until that time has passed since the first of them."""
    end = None
    while True:
        end = end or time.monotonic() + seconds
        if time.monotonic() > end:
            return
        yield make


FAULTS = {
    "unauthorized": fault.answer(401, b'{"error":{"type":"security_exception","reason":"missing credentials"}}'),
    "forbidden": fault.answer(403, b'{"error":{"type":"security_exception","reason":"unauthorized for this"}}'),
    "server_error": fault.answer(500, b"oh no"),
    "bad_request": fault.answer(400, b'{"error":{"type":"illegal_argument_exception","reason":"no"},"status":400}'),
    "reset": fault.reset,
    "half_an_answer": fault.half,
    "garbage": fault.garbage,
    "not_json": fault.not_json,
    "json_cut_off": fault.answer(200, b'{"took":1,"errors":false,"items":[{"create":{"status":201}},{"crea'),
    "json_of_wrong_types": fault.answer(200, b'{"errors":"no","items":{"create":[true,null]}}'),
    "an_answer_without_items": fault.answer(200, b'{"errors":false,"items":[]}'),
    "unavailable": fault.answer(503, b'{"error":{"type":"unavailable_shards_exception","reason":"no shard"}}'),
    "too_many_requests": fault.answer(429, b'{"error":{"type":"es_rejected_execution_exception","reason":"full"}}'),
    "busy_for_some_documents": fault.busy,
}


@pytest.fixture
def ship(agent, log_of, fault_server):
    """Writes lines, starts the agent on them, and returns what must arrive."""
    def start(lines=LINES, **sink):
        log = log_of("pod")
        bodies = [f"line {i:04d}" for i in range(lines)]
        for body in bodies:
            log.line(body)
        agent.configure({"endpoints": [fault_server.url], "timeout": "2s", **sink})
        agent.start()
        return bodies
    return start


def expect_all(agent, fault_server, bodies, seconds=20):
    eventually(lambda: fault_server.messages() == bodies, seconds,
               lambda: f"{len(fault_server.messages())} of {len(bodies)} lines\n{agent.log()}")
    assert not agent.dead_letters()


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_and_nothing_spins(agent, fault_server, ship, name):
    fault_server.faults = lasting(FAULT_SECONDS, FAULTS[name])
    bodies = ship()
    expect_all(agent, fault_server, bodies)
    assert len(fault_server.times) <= REQUESTS_MAX
    assert agent.metric("hinomi_sink_errors_total") > 0
    assert re.search(r'cannot \w+ .*"' + re.escape(fault_server.url), agent.log()), agent.log()
    assert fault_server.conflicts == 0  # nothing was sent that the server had said it stored


@pytest.mark.parametrize("name", ["reset", "half_an_answer", "garbage", "server_error", "json_cut_off"])
def test_what_was_stored_before_the_fault_is_sent_again_as_the_same(agent, fault_server, ship, name):
    """Better twice than never; the server knows it by its _id."""
    fault_server.faults = iter([fault.after_storing(FAULTS[name])])
    bodies = ship()
    eventually(lambda: fault_server.conflicts, 20, agent.log)
    expect_all(agent, fault_server, bodies)
    assert agent.stop() == 0
    assert fault_server.conflicts <= len(bodies)


def test_a_slow_answer_is_waited_for(agent, fault_server, ship):
    fault_server.faults = iter([fault.slowly(1)])
    bodies = ship(timeout="5s")
    expect_all(agent, fault_server, bodies)
    assert agent.stop() == 0
    assert fault_server.conflicts == 0


def test_an_answer_that_trickles_on_and_on_is_given_up(agent, fault_server, ship):
    """Bytes that keep coming are no reason to wait longer than the timeout."""
    fault_server.faults = iter([fault.slowly(60)])
    bodies = ship(timeout="1s")
    eventually(lambda: fault_server.conflicts, 15, agent.log)
    expect_all(agent, fault_server, bodies)
    assert agent.metric("hinomi_sink_errors_total", code="timeout") > 0


def test_a_redirect_is_not_followed(agent, fault_server, ship):
    elsewhere = fault.FaultServer()
    try:
        fault_server.faults = lasting(FAULT_SECONDS, fault.answer(302, Location=elsewhere.url + "/_bulk"))
        bodies = ship()
        expect_all(agent, fault_server, bodies)
        assert not elsewhere.times
        assert len(fault_server.times) <= REQUESTS_MAX
    finally:
        elsewhere.close()


def test_a_server_that_never_answers_is_given_up(agent, fault_server, ship):
    fault_server.faults = iter([fault.silence, fault.silence])
    expect_all(agent, fault_server, ship())


def test_a_server_that_is_away_costs_nothing(agent, fault_server, ship):
    """Nobody listens at first, and the server comes back at the same port."""
    url, address = fault_server.url, fault_server.server_address
    fault_server.close()
    bodies = ship()
    cpu, began = agent.cpu_seconds(), time.monotonic()
    time.sleep(3)
    assert agent.cpu_seconds() - cpu < 0.25 * (time.monotonic() - began)
    assert agent.ready().ok
    assert re.search(r'cannot \w+ .*"' + re.escape(url), agent.log()), agent.log()

    class Again(fault.FaultServer):
        def server_bind(self):
            self.server_address = address
            super().server_bind()
    again = Again()
    try:
        expect_all(agent, again, bodies, seconds=35)
    finally:
        again.close()


def test_retry_after_is_respected(agent, fault_server, ship):
    fault_server.faults = iter([fault.answer(503, b"", Retry_After="3")])
    bodies = ship(requests_max=1)
    expect_all(agent, fault_server, bodies)
    times = fault_server.times
    assert max(later - earlier for earlier, later in zip(times, times[1:])) >= 2.9


def test_a_body_that_is_too_large_is_halved(agent, fault_server, ship):
    fault_server.faults = itertools.repeat(fault.too_large(20000))
    bodies = ship(400)
    expect_all(agent, fault_server, bodies)


def test_a_refused_document_is_a_dead_letter_and_the_others_arrive(agent, fault_server, ship):
    fault_server.faults = itertools.repeat(fault.refuse("line 0007"))
    bodies = ship()
    poison = bodies.pop(7)
    eventually(lambda: fault_server.messages() == bodies, 20, lambda: agent.log())
    eventually(lambda: poison.encode() in agent.dead_letters(), 10, lambda: agent.log())
    assert b"document_parsing_exception" in agent.dead_letters()
    assert b"failed to parse field" in agent.dead_letters()
    assert bodies[0].encode() not in agent.dead_letters()
    # It is settled: not sent again by the next start.
    assert agent.stop() == 0
    requests = len(fault_server.times)
    agent.start()
    time.sleep(1)
    assert agent.stop() == 0
    assert agent.dead_letters().count(poison.encode()) == 1
    assert len(fault_server.times) - requests <= 7  # what it asks at its start, no bulk that is tried again and again


def chaos(dice, server):
    """Of the documents 1 % are refused for good, 30 % with a full queue and 5 % for want of a shard; bodies above
    300 kB are too large; and `server` is down for half of each half second."""
    full = {"type": "es_rejected_execution_exception", "reason": "rejected execution"}
    away = {"type": "unavailable_shards_exception", "reason": "primary shard is not active"}
    bad = {"type": "document_parsing_exception", "reason": "failed to parse field [message]"}

    def refuses(_, source):
        if is_poison(json.loads(source)["message"]):
            return 400, bad
        dots = dice.random()
        return (429, full) if dots < 0.3 else (503, away) if dots < 0.35 else None

    def fault_of(request, documents):
        if request.server is server and time.monotonic() % 0.5 < 0.25:
            fault.reset(request, documents)
        elif request.body_bytes > 300_000:
            request.answer(413, b"", {})
        else:
            request.accept(documents, refuses)
    return fault_of


def is_poison(message):
    return message.endswith("07")


def test_everything_at_once(agent, log_of, fault_server):
    """Nothing is lost, nothing is stored twice, exactly the poisoned lines become dead letters, and the agent's
    counters are what the server knows."""
    print(f"HINOMI_SEED={SEED} makes the same choices")
    count = scale(50_000, 1_000_000)
    flapping = fault.FaultServer()
    flapping.documents, flapping.lock = fault_server.documents, fault_server.lock
    try:
        for server in (fault_server, flapping):
            server.faults = itertools.repeat(chaos(random.Random(SEED), flapping))
        agent.configure({"endpoints": [fault_server.url, flapping.url], "requests_max": 4, "timeout": "10s"})
        agent.start()
        logs = [log_of(f"pod-{number}") for number in range(10)]
        for first in range(0, count, 5000):
            lines = (f"2026-01-01T00:00:00Z stdout F line {number:07}\n" for number in range(first, first + 5000))
            logs[first // 5000 % len(logs)].raw("".join(lines).encode())
        wanted = {f"line {number:07}" for number in range(count)}
        poison = {message for message in wanted if is_poison(message)}
        eventually(lambda: agent.metric("hinomi_route_records_total", outcome="acknowledged") == count - len(poison),
                   scale(60, 1200), lambda: f"{len(fault_server.documents)} of {count}\n{agent.log()[-3000:]}")
        eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 30, agent.log)
        messages = fault_server.messages()
        assert len(messages) == len(set(messages)) and set(messages) == wanted - poison
        letters = re.findall(rb"line \d{7}", agent.dead_letters())
        assert len(letters) == len(set(letters)) and {letter.decode() for letter in letters} == poison
        assert agent.metric("hinomi_route_records_total", outcome="rejected") == len(poison)
        assert agent.metric("hinomi_sink_errors_total", code="429") > 10
        assert agent.metric("hinomi_sink_errors_total", code="reset") > 0
        assert fault_server.conflicts == flapping.conflicts == 0  # what was stored was not sent again
        assert 1 <= agent.metric("hinomi_sink_concurrency") <= 4
        assert expect_balance(agent)["lost"] == 0
    finally:
        flapping.close()
