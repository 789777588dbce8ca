"""A hundred thousand lines into Kafka and into an archive at once, through rotation, a killed broker and a killed agent:
nothing is lost, the order of each container holds, and only in Kafka, only the kill of the agent makes records twice."""
import subprocess
import sys

import pytest

import archives
import kubelet
from kafka import Kafka
from test_kafka_exactly_once import LINES, PODS, TOTAL, distinct, expect_no_more_than_one_kill, sequences
from waiting import eventually

SECONDS = 25


def archived(directory):
    """The numbers of each pod's lines, in the order in which the archive has them."""
    return {pod: [int(message.split()[1]) for message in messages]
            for pod, messages in archives.messages(directory).items()}


def test_both_take_everything(agent, kafka_cluster, topic):
    kafka = Kafka(kafka_cluster.address)
    kafka.create(topic, partitions=3, replicas=3)
    directory = agent.directory / "archive"
    hold, held = agent.directory / "hold", agent.directory / "held"
    agent.configure({}, sinks={
        "stream": {"type": "kafka", "brokers": kafka_cluster.address.split(","), "topic": topic},
        "files": {"type": "archive", "directory": str(directory), "sync_every": "500ms"},
    }, routes=[{"name": "stream", "sink": "stream"}, {"name": "files", "sink": "files"}])
    agent.start()
    node = subprocess.Popen([sys.executable, kubelet.__file__, agent.pods, str(PODS), str(LINES), str(SECONDS)],
                            stdout=subprocess.PIPE, text=True)
    victim = None
    try:
        eventually(lambda: kafka.count(topic) > 8000, 20, lambda: f"only {kafka.count(topic)} records at first")
        victim = kafka.leaders(topic)[0]
        kafka_cluster.kill(victim)
        eventually(lambda: kafka.leaders(topic)[0] != victim, 30, "no other broker takes the lead")

        # Killed in the middle. What the kubelet compresses unread is out of reach, so it does not meanwhile.
        hold.touch()
        eventually(held.exists, 5, "the kubelet does not hold")
        written = int(held.read_text())
        eventually(lambda: kafka.count(topic) >= written, 30, lambda: f"{kafka.count(topic)} of {written} records")
        assert node.poll() is None, "nothing was being written when the agent was killed"
        agent.kill()
        before = kafka.count(topic)
        agent.start()
        hold.unlink()
        rotations, _ = node.communicate(timeout=60)
        assert node.returncode == 0 and int(rotations) > 2 * PODS
        eventually(lambda: kafka.count(topic) >= TOTAL and distinct(sequences(kafka, topic)) == TOTAL, 60,
                   lambda: f"{distinct(sequences(kafka, topic))} of {TOTAL}\n{agent.ready().text}\n{agent.log()}")
        eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 30, lambda: agent.log())
        assert agent.stop() == 0
    finally:
        node.kill()
        node.wait()
        if victim:
            kafka_cluster.start(victim)

    assert archived(directory) == {f"chatty-{pod}": list(range(LINES)) for pod in range(PODS)}
    expect_no_more_than_one_kill(sequences(kafka, topic), before)
    assert not agent.dead_letters()
