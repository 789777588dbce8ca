"""A Kafka and a collector that are gone, or there and do not get on: their processes stand still, packets to them
vanish, ten kilobytes a second get through. What is held is bounded, the agent's other sink goes on, and afterwards
everything arrives; in Kafka each line once, and those of a pod in their order."""
import contextlib
import os
import pathlib
import signal
import tempfile

import pytest

from networks import own_network, packets_vanish
from relay import Relay
from services import Collector
from stalls import BATCH_BYTES, Node, Peer, crawling, frozen

SILENT, AWAY = ("timeout", "deadline_exceeded"), ("transport", "unavailable")  # the codes of errors


@pytest.fixture(scope="module")
def own_collector():
    """What these tests send would be much to look through for others."""
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
        collector = Collector(pathlib.Path(directory)).ready()
        yield collector
        collector.stop()


@pytest.fixture
def node(agent, log_of):
    return Node(agent, log_of)


@pytest.fixture
def peers(node, kafka_broker, kafka, topic, own_collector):
    """By the names of their sinks."""
    def in_kafka():
        return [int(document["message"].split()[0]) for document in kafka.documents(topic)]

    def in_collector():
        pods = {log.uid for log in node.logs}
        return [int(record["body"]["stringValue"].split()[0]) for resource, record in own_collector.records()
                if resource["k8s.pod.uid"] in pods]
    settings = {"request.timeout.ms": "1000", "socket.timeout.ms": "2000", "reconnect.backoff.max.ms": "1000"}
    return {
        "stream": Peer({"type": "kafka", "brokers": [kafka_broker.address], "topic": topic, "settings": settings},
                       in_kafka, in_order=True),
        "otel": Peer({"type": "otlp", "endpoint": own_collector.address}, in_collector)}


@pytest.fixture
def relays(agent, kafka_broker, own_collector):
    """The agent reaches them through these, and not otherwise."""
    with own_network() as agent.network:
        relays = [Relay(agent.network, ("127.0.0.1", server.port)) for server in (kafka_broker, own_collector)]
        yield relays
        for relay in relays:
            relay.close()


@pytest.mark.sinks
def test_servers_that_stand_still(node, peers, kafka_broker, own_collector):
    node.start(**peers)
    with frozen(kafka_broker.pid(), own_collector.pid()):
        node.write()
        node.expect_down(*SILENT)
        # Longer than a request may take: each is asked again on a new connection.
        node.eventually(lambda: "timed out" in node.agent.ready().text, 15, lambda: node.agent.ready().text)
    node.expect_all()
    node.expect_flat_memory()


@pytest.mark.sinks
def test_packets_that_vanish(agent, node, peers, relays):
    node.start(**peers)
    node.stall(packets_vanish(agent.network, *(relay.server_address[1] for relay in relays)), *SILENT)


@pytest.mark.sinks
def test_ten_kilobytes_a_second(node, peers, relays):
    node.start(**peers)
    node.stall(crawling(*relays), *SILENT)


@pytest.mark.faults
def test_nobody_is_there_for_longer_than_batches_are_kept(agent, node, peers, kafka_broker, own_collector):
    """After half a minute all but one of them are given back to their files."""
    def held():
        return [agent.metric("hinomi_sink_in_flight_bytes", sink=sink) for sink in peers]
    node.start(**peers)
    for server in (kafka_broker, own_collector):
        os.kill(server.pid(), signal.SIGKILL)
    try:
        node.write()
        node.expect_down(*AWAY)
        assert min(held()) > 2 * BATCH_BYTES
        node.eventually(lambda: max(held()) < 2 * BATCH_BYTES, 40, lambda: f"more than one batch is kept: {held()}")
        node.write(400)
        node.expect_acknowledged("files", 20)
    finally:
        for server in (kafka_broker, own_collector):
            server.start()
        for server in (kafka_broker, own_collector):
            server.ready()
    node.expect_all()
    node.expect_flat_memory()
