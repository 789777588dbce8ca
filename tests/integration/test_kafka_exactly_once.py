"""A hundred thousand lines into Kafka, through rotation: with a killed agent in the middle, and with a killed leader.
Nothing is lost, the order of each container holds, and only a killed agent makes records arrive twice; with
`delivery: exactly_once` not even that does, however often, for those who read what is committed (kcat does)."""
import collections
import json
import os
import random
import signal
import subprocess
import sys
import time

import kubelet
import pytest
from kafka import Kafka
from waiting import eventually

pytestmark = pytest.mark.sinks

PODS, LINES, SECONDS = 20, 5000, 10
TOTAL = PODS * LINES
AGENT_KILLS, BROKER_KILLS = (100, 20) if os.environ.get("HINOMI_TORTURE") else (10, 3)


@pytest.fixture
def node(agent):
    """Twenty chatty pods, from when it is called."""
    started = []

    def start(seconds=SECONDS):
        started.append(subprocess.Popen(
            [sys.executable, kubelet.__file__, agent.pods, str(PODS), str(LINES), str(seconds)],
            stdout=subprocess.PIPE, text=True))
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.wait()


def configure(agent, brokers, topic, **changes):
    agent.configure({}, routes=[{"name": "all", "sink": "stream"}], sinks={
        "stream": {"type": "kafka", "brokers": brokers.split(","), "topic": topic, **changes}})


def sequences(kafka, topic):
    """The numbers of each pod's lines, in the order in which Kafka has them."""
    numbers = collections.defaultdict(list)
    partitions = collections.defaultdict(set)
    for record in kafka.records(topic):
        document = json.loads(record.text)
        pod, number = document["message"].split()[:2]
        assert document["kubernetes"]["pod"]["name"] == pod
        numbers[pod].append(int(number))
        partitions[pod].add(record.partition)
    assert all(len(of_pod) == 1 for of_pod in partitions.values())
    return numbers


def distinct(numbers):
    return sum(len(set(of_pod)) for of_pod in numbers.values())


def expect_no_more_than_one_kill(numbers, before):
    """Every line is there, in order, and twice only what was sent `before` the agent was killed."""
    assert {pod: sorted(set(of_pod)) for pod, of_pod in numbers.items()} == \
        {f"chatty-{pod}": list(range(LINES)) for pod in range(PODS)}
    duplicates = sum(map(len, numbers.values())) - TOTAL
    print(f"{before} records before the kill, {duplicates} of them twice")
    assert duplicates <= before
    for pod, of_pod in numbers.items():
        # It goes back once, to where the checkpoint was, and repeats what it had sent from there on.
        back = [i for i in range(1, len(of_pod)) if of_pod[i] <= of_pod[i - 1]]
        assert len(back) <= 1, (pod, back)
        for i in back:
            assert of_pod[i:] == list(range(of_pod[i], LINES)), pod


def test_a_killed_agent_loses_nothing(agent, node, kafka_broker, topic):
    kafka = Kafka(kafka_broker.address)
    hold, held = agent.directory / "hold", agent.directory / "held"
    configure(agent, kafka_broker.address, topic)
    agent.start()
    chatty = node()
    eventually(lambda: kafka.count(topic) > 15000, 20, lambda: f"only {kafka.count(topic)} records at first")

    # Killed in the middle. What the kubelet compresses unread is out of reach, so it does not meanwhile.
    hold.touch()
    eventually(held.exists, 5, "the kubelet does not hold")
    written = int(held.read_text())
    eventually(lambda: kafka.count(topic) >= written, 20, lambda: f"{kafka.count(topic)} of {written} records")
    assert chatty.poll() is None, "nothing was being written when the agent was killed"
    agent.kill()
    before = kafka.count(topic)
    time.sleep(1)
    agent.start()
    hold.unlink()
    rotations, _ = chatty.communicate(timeout=60)
    assert chatty.returncode == 0 and int(rotations) > 2 * PODS

    eventually(lambda: kafka.count(topic) >= TOTAL, 60, lambda: f"{kafka.count(topic)} of {TOTAL} records")
    eventually(lambda: distinct(sequences(kafka, topic)) == TOTAL, 20,
               lambda: f"{distinct(sequences(kafka, topic))} of {TOTAL} records\n{agent.ready().text}")
    assert agent.stop() == 0
    numbers = sequences(kafka, topic)
    expect_no_more_than_one_kill(numbers, before)


def test_a_killed_leader_neither_loses_nor_doubles(agent, node, kafka_cluster, topic):
    kafka = Kafka(kafka_cluster.address)
    kafka.create(topic, partitions=3, replicas=3)
    configure(agent, kafka_cluster.address, topic)
    agent.start()
    chatty = node()
    eventually(lambda: kafka.count(topic) > 10000, 30, lambda: f"only {kafka.count(topic)} records\n{agent.log()}")
    victim = kafka.leaders(topic)[0]
    kafka_cluster.kill(victim)
    try:
        assert chatty.poll() is None, "nothing was being written when the leader was killed"
        chatty.communicate(timeout=60)
        eventually(lambda: kafka.count(topic) >= TOTAL, 60,
                   lambda: f"{kafka.count(topic)} of {TOTAL} records\n{agent.ready().text}\n{agent.log()}")
        assert kafka.leaders(topic)[0] != victim
    finally:
        kafka_cluster.start(victim)
    assert agent.stop() == 0
    assert sequences(kafka, topic) == {f"chatty-{pod}": list(range(LINES)) for pod in range(PODS)}
    assert not agent.dead_letters()


def complete(kafka, topic):
    """Whether all lines are there, by the last one of each pod: a count of offsets would count the ends of
    transactions too."""
    numbers = sequences(kafka, topic)
    return len(numbers) == PODS and all(max(of_pod) == LINES - 1 for of_pod in numbers.values())


def settle(agent, kafka, topic, delivery="exactly_once"):
    eventually(lambda: complete(kafka, topic), 90, lambda: f"{agent.ready().text}\n{agent.log()[-3000:]}")
    if delivery == "exactly_once":
        assert agent.metric("hinomi_kafka_transactions_total", route="all", outcome="committed") > 0
    assert agent.stop() == 0
    return sequences(kafka, topic)


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_an_agent_that_is_killed_again_and_again(agent, node, kafka_broker, topic, delivery):
    kafka = Kafka(kafka_broker.address)
    configure(agent, kafka_broker.address, topic, delivery=delivery, linger="50ms",
              settings={"statistics.interval.ms": "500"})
    agent.start()
    kills = AGENT_KILLS if delivery == "exactly_once" else 3
    chatty = node(3 * kills // 2)
    for kill in range(kills):
        time.sleep(random.uniform(0.3, 2))
        agent.kill()
        if kill == 4:  # all that it knew is gone as well: Kafka knows it
            for checkpoint in agent.state.glob("checkpoint.*"):
                checkpoint.unlink()
        agent.start()
    if delivery == "exactly_once":
        for name in ("hinomi_kept_cursors_total", "hinomi_sink_sent_bytes_total"):
            eventually(lambda: agent.metric(name, route="all"), 20, lambda: f"no {name}")
    chatty.communicate(timeout=60)
    assert chatty.returncode == 0
    numbers = settle(agent, kafka, topic, delivery)
    distinct_lines = {pod: sorted(set(of_pod)) for pod, of_pod in numbers.items()}
    assert distinct_lines == {f"chatty-{pod}": list(range(LINES)) for pod in range(PODS)}
    duplicates = sum(map(len, numbers.values())) - TOTAL
    if delivery == "at_least_once":
        assert duplicates > 0, "then the other case proves nothing"
    else:
        assert duplicates == 0
        assert numbers == distinct_lines, "not in order"


def test_brokers_that_are_killed_again_and_again(agent, node, kafka_cluster, topic):
    kafka = Kafka(kafka_cluster.address)
    kafka.create(topic, partitions=3, replicas=3)
    configure(agent, kafka_cluster.address, topic, delivery="exactly_once", linger="50ms")
    agent.start()
    chatty = node(5 * BROKER_KILLS)
    for kill in range(BROKER_KILLS):
        time.sleep(2)
        victim = kill % 3 + 1
        kafka_cluster.kill(victim)
        time.sleep(random.uniform(0.5, 2))
        kafka_cluster.start(victim)
    chatty.communicate(timeout=60)
    assert chatty.returncode == 0
    assert settle(agent, kafka, topic) == {f"chatty-{pod}": list(range(LINES)) for pod in range(PODS)}
    assert not agent.dead_letters()


def test_a_leader_that_says_nothing_is_left(agent, log_of, kafka_cluster, topic):
    """Its connection stays open, so only the wait for an answer ends; the others elect a new leader meanwhile."""
    everybody = Kafka(kafka_cluster.address)
    everybody.create(topic, replicas=3)
    configure(agent, kafka_cluster.address, topic, timeout="2s",
              settings={"request.timeout.ms": "2000", "socket.timeout.ms": "3000"})
    log = log_of("pod")
    for i in range(500):
        log.line(f"line {i}")
    agent.start()
    eventually(lambda: everybody.count(topic) == 500, 30, lambda: agent.ready().text)
    victim = everybody.leaders(topic)[0]
    others = Kafka(kafka_cluster.address_without(victim))
    kafka_cluster.signal(victim, signal.SIGSTOP)
    try:
        for i in range(500, 1000):
            log.line(f"line {i}")
        eventually(lambda: others.count(topic) == 1000, 60, lambda: f"{agent.ready().text}\n{agent.log()}")
        assert others.leaders(topic)[0] != victim
    finally:
        kafka_cluster.signal(victim, signal.SIGCONT)
    assert agent.stop() == 0
    assert [int(document["message"].split()[-1]) for document in others.documents(topic)] == list(range(1000))


def test_no_cursor_goes_where_it_would_be_lost(agent, log_of, kafka, kafka_broker, topic):
    cursors = topic + "-cursors"
    kafka.create(cursors, cleanup_policy="delete")
    configure(agent, kafka_broker.address, topic, delivery="exactly_once", cursor_topic=cursors)
    log_of("pod").line("only one")
    agent.launch()
    eventually(lambda: f'topic "{cursors}" has cleanup.policy=delete' in agent.ready().text, 20, lambda: agent.log())
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="topic") > 0
    assert not kafka.count(topic) and not kafka.count(cursors)
    kafka.configure(cursors, cleanup_policy="compact")
    eventually(lambda: len(kafka.records(topic)) == 1, 30, lambda: f"{agent.ready().text}\n{agent.log()}")


def test_what_is_too_large_is_aborted_and_all_else_sent_again(agent, log_of, kafka, kafka_broker, topic):
    kafka.create(topic, partitions=3, max_message_bytes=20000)
    configure(agent, kafka_broker.address, topic, delivery="exactly_once", cursor_topic=topic + "-cursors")
    for pod in range(6):
        log = log_of(f"pod-{pod}")
        for number in range(50):
            log.line(f"pod-{pod} {number}" + (f" {random.randbytes(50000).hex()}" if (pod, number) == (3, 20) else ""))
    agent.start()
    expected = {f"pod-{pod}": [n for n in range(50) if (pod, n) != (3, 20)] for pod in range(6)}
    eventually(lambda: sequences(kafka, topic) == expected, 20, lambda: f"{agent.ready().text}\n{agent.log()}")
    assert agent.dead_letters().count(b"message_too_large") == 1
    assert agent.stop() == 0
