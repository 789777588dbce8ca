"""What a real OpenTelemetry Collector makes of the agent's OTLP: over gRPC, and through a real Kafka."""
import os
import time

import pytest

from agent import command
from services import Collector
from waiting import eventually

pytestmark = pytest.mark.sinks
LINES = 4000 if "HINOMI_TORTURE" not in os.environ else 2_000_000


@pytest.fixture
def configure(agent, collector):
    """Writes a configuration with one sink of OTLP."""
    def write(**changes):
        sink = {"type": "otlp", "endpoint": collector.address, **changes}
        agent.configure({}, sinks={"otel": sink}, routes=[{"name": "all", "sink": "otel"}])
    return write


@pytest.fixture
def arrived(collector, agent):
    """Waits for that many records of the pod, one each by their uid, and returns (resource, record) in their order."""
    def wait(pod, count, seconds=30):
        def found():
            return list({record["attributes"]["log.record.uid"]: (resource, record)
                         for resource, record in records_of(collector, pod)}.values())
        eventually(lambda: len(found()) >= count, seconds,
                   lambda: f"{len(found())} of {count} records\n{agent.log()[-3000:]}")
        assert len(found()) == count
        return sorted(found(), key=lambda pair: int(pair[1]["attributes"]["log.file.record_offset"]))
    return wait


@pytest.fixture
def consumer(kafka, kafka_broker, topic, directory):
    """A collector that reads the test's topic; it has to be there first."""
    kafka.create(topic)
    collector = Collector(directory / "consumer", BROKER=kafka_broker.address, TOPIC=topic).ready()
    yield collector
    collector.stop()


def records_of(collector, pod):
    return [(resource, record) for resource, record in collector.records() if resource["k8s.pod.name"] == pod]


def bodies(pairs):
    return [record["body"]["stringValue"] for _, record in pairs]


def test_records_arrive_with_their_resource_and_severity(agent, log_of, collector, arrived):
    """Compressed or not."""
    pods = {compression: f"cart-{compression}-6b5f7c9d4-x2x4z" for compression in ("gzip", "none")}
    agent.configure({}, routes=[{"name": sink, "sink": sink, "match": {"pod": pod}} for sink, pod in pods.items()],
                    sinks={sink: {"type": "otlp", "endpoint": collector.address, "compression": sink} for sink in pods})
    logs = {compression: log_of(pod, namespace="shop", container="web", restart=2) for compression, pod in pods.items()}
    written = {}
    for compression, log in logs.items():
        written[compression] = log.line("plain text")
        log.line('{"level": "WARN", "msg": "from JSON"}', stream="stderr")
        log.line(b'{"severity":"error","msg":"caf\xe9"}')
    agent.start()
    for compression, log in logs.items():
        (now, offset), pod = written[compression], pods[compression]
        plain, rich, broken = arrived(pod, 3)

        resource, record = plain
        assert resource == {
            "k8s.cluster.name": "demo", "k8s.node.name": "node-1", "k8s.namespace.name": "shop", "k8s.pod.name": pod,
            "k8s.pod.uid": log.uid, "k8s.container.name": "web", "k8s.container.restart_count": "2",
            "k8s.deployment.name": f"cart-{compression}", "service.namespace": "shop",
            "service.name": f"cart-{compression}", "log.file.path": str(log.path)}
        assert record["body"] == {"stringValue": "plain text"} and record["timeUnixNano"] == str(now)
        assert now < int(record["observedTimeUnixNano"]) < time.time_ns()
        assert "severityNumber" not in record
        assert record["attributes"] == {
            "log.iostream": "stdout", "log.file.record_offset": str(offset),
            "log.record.uid": record["attributes"]["log.record.uid"]}

        assert rich[1]["body"] == {"stringValue": '{"level": "WARN", "msg": "from JSON"}'}
        assert (rich[1]["severityNumber"], rich[1]["severityText"]) == (13, "WARN")
        assert rich[1]["attributes"]["log.iostream"] == "stderr"
        assert broken[1]["body"] == {"stringValue": '{"severity":"error","msg":"caf\ufffd"}'}
        assert broken[1]["severityNumber"] == 17
    assert agent.stop() == 0


def test_a_collector_that_goes_and_comes_back_loses_nothing(agent, log_of, collector, configure, arrived):
    log = log_of("stopped")
    configure(batch_bytes="64KiB")
    agent.start()
    for i in range(LINES):
        log.line(f"line {i}")
        if i == LINES // 4:
            collector.stop()
        if i == LINES // 2:
            eventually(lambda: "refused" in agent.ready().text, 20, lambda: agent.ready().text)
            assert agent.metric("hinomi_sink_errors_total", sink="otel", code="unavailable") > 0
            collector.start()
            collector.ready()
    assert bodies(arrived("stopped", LINES, 60)) == [f"line {i}" for i in range(LINES)]
    assert not agent.dead_letters()
    eventually(lambda: agent.metric("hinomi_ledger_imbalance_bytes") == 0, 10, "the ledger does not add up")


def test_tls_with_a_certificate_on_both_sides(agent, log_of, collector, configure, arrived):
    secure = {"endpoint": collector.secure_address, "tls": True, "ca_file": str(collector.tls / "ca.crt")}
    log_of("secure").line("over TLS")
    configure(**secure)
    assert "sinks.otel: cannot send" in command("check", "--config", str(agent.config)).stderr
    configure(**secure, certificate_file=str(collector.tls / "server.crt"), key_file=str(collector.tls / "server.key"))
    assert "sinks.otel" not in command("check", "--config", str(agent.config)).stderr
    agent.start()
    assert bodies(arrived("secure", 1)) == ["over TLS"]


def test_a_collector_reads_the_records_from_kafka(agent, log_of, consumer, kafka, kafka_broker, topic):
    """Each once, with its resource, and many of a container in one message; whichever the delivery."""
    deliveries = ["at_least_once", "exactly_once"]
    agent.configure({}, sinks={delivery: {"type": "kafka", "brokers": [kafka_broker.address], "topic": topic,
                                          "format": "otlp", "delivery": delivery} for delivery in deliveries},
                    routes=[{"name": delivery, "sink": delivery, "match": {"pod": delivery.replace("_", "-")}}
                            for delivery in deliveries])
    logs = {pod: log_of(pod, namespace="shop", container="web") for pod in ("at-least-once", "exactly-once")}
    for log in logs.values():
        for i in range(1000):
            log.line(f"line {i}")
    agent.start()
    for pod, log in logs.items():
        eventually(lambda: len(records_of(consumer, pod)) >= 1000, 20, agent.log)
        found = records_of(consumer, pod)
        assert bodies(found) == [f"line {i}" for i in range(1000)], "in their order, each once"
        resource = {name: found[0][0][name] for name in ("k8s.cluster.name", "k8s.namespace.name", "k8s.container.name",
                                                         "k8s.pod.uid", "service.namespace")}
        assert resource == {"k8s.cluster.name": "demo", "k8s.namespace.name": "shop", "k8s.container.name": "web",
                            "k8s.pod.uid": log.uid, "service.namespace": "shop"}
    assert kafka.count(topic) < 100, "a message a record"
    assert not agent.dead_letters()
