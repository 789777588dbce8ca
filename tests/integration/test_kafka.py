"""Kafka as a sink: what arrives, with which key and where, and what is waited for, said and never lost."""
import collections
import json
import re
import time

import pytest

from agent import command
from kafka import Kafka
from services import USER
from waiting import eventually

pytestmark = pytest.mark.sinks


def numbers(documents):
    """The last word of each message."""
    return [int(document["message"].split()[-1]) for document in documents]


@pytest.fixture
def configure(agent, kafka_broker, topic):
    """Writes a configuration with one Kafka sink."""
    def write(brokers=None, **changes):
        sink = {"type": "kafka", "brokers": [brokers or kafka_broker.address], "topic": topic, **changes}
        agent.configure({}, sinks={"stream": sink}, routes=[{"name": "all", "sink": "stream"}])
    return write


def wait_for(kafka, topic, count, agent, seconds=30):
    eventually(lambda: kafka.count(topic) >= count, seconds,
               lambda: f"{kafka.count(topic)} of {count} records\n{agent.log()[-3000:]}")


def test_records_arrive_with_key_and_content(agent, log_of, kafka, configure, topic):
    shop, team = log_of("cart-0", namespace="shop"), log_of("db-0", namespace="team", container="db")
    shop.line("plain text")
    shop.line('{"message": "from JSON", "user": {"name": "鈴木"}}', stream="stderr")
    for i in range(100):
        team.line(f"line {i}")
    configure(topic=topic + "-{cluster}-{namespace}")
    agent.start()
    wait_for(kafka, f"{topic}-demo-shop", 2, agent)
    wait_for(kafka, f"{topic}-demo-team", 100, agent)

    records = kafka.records(f"{topic}-demo-shop")
    assert {record.key for record in records} == {shop.uid}
    plain, rich = (json.loads(record.text) for record in records)
    assert plain["message"] == "plain text" and plain["kubernetes"]["pod"]["name"] == "cart-0"
    assert rich["message"] == "from JSON" and rich["user"]["name"] == "鈴木" and rich["stream"] == "stderr"
    assert plain["orchestrator"]["cluster"]["name"] == "demo"

    records = kafka.records(f"{topic}-demo-team")
    assert {record.key for record in records} == {team.uid}
    assert len({record.partition for record in records}) == 1
    assert numbers(json.loads(record.text) for record in records) == list(range(100))
    assert agent.stop() == 0
    assert kafka.count(f"{topic}-demo-team") == 100


@pytest.mark.parametrize("key", ["container", "namespace"])
def test_records_of_one_key_stay_together(agent, log_of, kafka, configure, topic, key):
    logs = [log_of(f"pod-{i}", namespace=namespace, container=container)
            for i in range(5) for namespace, container in (("shop", "app"), ("team", "sidecar"))]
    for i in range(100):
        for log in logs:
            log.line(f"line {i}")
    configure(key=key)
    agent.start()
    wait_for(kafka, topic, 100 * len(logs), agent)
    partitions, order = collections.defaultdict(set), collections.defaultdict(list)
    for record in kafka.records(topic):
        partitions[record.key].add(record.partition)
        document = json.loads(record.text)
        order[document["kubernetes"]["pod"]["uid"]].append(int(document["message"].split()[-1]))
    assert partitions.keys() == {f"{log.uid}/{log.container}" if key == "container" else log.namespace for log in logs}
    assert all(len(of_key) == 1 for of_key in partitions.values())
    assert order == {log.uid: list(range(100)) for log in logs}


def test_records_without_a_key_are_spread(agent, log_of, kafka, configure, topic):
    log = log_of("pod")
    for i in range(5000):
        log.line(f"line {i}")
    configure(key="none", batch_bytes="64KiB")
    agent.start()
    wait_for(kafka, topic, 5000, agent)
    records = kafka.records(topic)
    assert {record.key for record in records} == {""}
    assert len({record.partition for record in records}) > 1
    assert sorted(numbers(json.loads(record.text) for record in records)) == list(range(5000))


def test_headers_say_who_wrote_a_record(agent, log_of, kafka, configure, topic):
    for namespace in ("shop", "team"):
        log = log_of("cart-0", namespace=namespace, container="app")
        for i in range(100):
            log.line(f"{namespace} {i}")
    configure(headers={"from": "{namespace}/{pod}/{container}", "at": "{cluster}/{node}"})
    agent.start()
    wait_for(kafka, topic, 200, agent)
    for record in kafka.records(topic):
        namespace = json.loads(record.text)["kubernetes"]["namespace"]
        assert record.headers == f"at=demo/node-1,from={namespace}/cart-0/app"


def test_metrics_say_how_the_brokers_do(agent, log_of, kafka_broker, kafka, configure, topic):
    log = log_of("pod")
    for i in range(1000):
        log.line(f"line {i} " + "x" * 1000)
    configure(settings={"statistics.interval.ms": "200"})
    agent.start()
    wait_for(kafka, topic, 1000, agent)

    def of_broker(name):
        return agent.metric(f"hinomi_kafka_broker_{name}", sink="stream", broker=kafka_broker.address)
    eventually(lambda: of_broker("sent_bytes_total") and agent.metric("hinomi_kafka_queue_records") == 0, 10, agent.log)
    assert of_broker("requests_total") > 2 and of_broker("received_bytes_total") > 100
    assert of_broker("connects_total") == 1 and of_broker("disconnects_total") == 0
    sent = agent.metric("hinomi_sink_sent_bytes_total", sink="stream")
    assert 1000 < sent < 200_000, "what zstd leaves of a megabyte"


def test_a_broker_that_is_down_is_waited_for(agent, log_of, kafka_broker, kafka, configure, topic):
    kafka_broker.stop()
    try:
        log = log_of("pod")
        for i in range(200):
            log.line(f"line {i}")
        configure()
        agent.start()
        eventually(lambda: "refused" in agent.ready().text, 10, lambda: agent.ready().text)
        assert agent.ready().ok, "a dead sink must not make the agent unready"
        assert agent.metric("hinomi_sink_up", sink="stream") == 0
        assert agent.metric("hinomi_sink_errors_total", sink="stream", code="transport") > 0
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 11
        agent.start()
    finally:
        kafka_broker.start()
        kafka_broker.ready()
    wait_for(kafka, topic, 200, agent)
    eventually(lambda: "\nsink " not in agent.ready().text, 5, lambda: agent.ready().text)
    assert numbers(kafka.documents(topic)) == list(range(200))


def test_a_missing_topic_is_reported_and_waited_for(agent, log_of, kafka, configure, topic):
    log = log_of("pod")
    for i in range(50):
        log.line(f"line {i}")
    configure(settings={"allow.auto.create.topics": "false"})
    agent.start()
    eventually(lambda: "create the topic" in agent.ready().text, 20, lambda: agent.ready().text)
    assert topic in agent.ready().text
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="topic") > 0
    kafka.create(topic)
    wait_for(kafka, topic, 50, agent)
    assert numbers(kafka.documents(topic)) == list(range(50))
    assert not agent.dead_letters()


def test_what_is_too_large_becomes_a_dead_letter_alone(agent, log_of, kafka, configure, topic):
    """One record is more than librdkafka takes, one more than the topic takes; whole sets of good ones are, too."""
    kafka.create(topic, max_message_bytes=50000)
    log = log_of("pod")
    for i in range(600):
        if i == 100:
            log.line("own limit " + "x" * 150000 + f" {i}")
        elif i == 300:
            log.line("topic's limit " + "y" * 60000 + f" {i}")
        else:
            log.line("z" * 250 + f" {i}")
    configure(compression="none", settings={"message.max.bytes": "100000"})
    agent.start()
    wait_for(kafka, topic, 598, agent, 20)
    eventually(agent.dead_letters, 10, lambda: agent.log())
    letters = [json.loads(line) for line in agent.dead_letters().splitlines()]
    assert {re.search(r"(own|topic's) limit", json.dumps(letter))[1] for letter in letters} == {"own", "topic's"}
    assert len(letters) == 2
    assert numbers(kafka.documents(topic)) == [i for i in range(600) if i not in (100, 300)]


@pytest.mark.parametrize("sasl", ["plain", "scram-sha-256", "scram-sha-512"])
def test_a_wrong_password_is_waited_out(agent, log_of, kafka_broker, old_kafka_broker, configure, topic, sasl):
    broker = kafka_broker if sasl == "plain" else old_kafka_broker
    password = agent.directory / "password"
    password.write_text("wrong\n")
    log = log_of("pod")
    for i in range(100):
        log.line(f"line {i}")
    configure(brokers=broker.secure_address, sasl=sasl, tls=True, ca_file=str(broker.ca_file), username=USER[0],
              password_file=str(password))
    check = "check", "--strict", "--config", str(agent.config)
    refused = command(*check)
    assert refused.returncode == 1 and "warning: sinks.stream: " in refused.stderr and "password_file" in refused.stderr
    agent.start()
    eventually(lambda: "password_file" in agent.ready().text, 20, lambda: agent.ready().text)
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="authentication") > 0
    assert agent.ready().ok
    kafka = Kafka(broker.address)
    assert kafka.count(topic) == 0

    password.write_text(USER[1] + "\n")
    assert "sinks.stream" not in command(*check).stderr
    wait_for(kafka, topic, 100, agent, 40)
    assert numbers(kafka.documents(topic)) == list(range(100))
    assert not agent.dead_letters()
    assert USER[1] not in agent.log() and "wrong" not in agent.log()


def test_a_library_too_old_for_the_broker_is_named(agent, log_of, kafka_broker, kafka, configure, topic):
    """librdkafka before 2.6.1 fails at SCRAM with Kafka 4 although the password is right."""
    password = agent.directory / "password"
    password.write_text(USER[1] + "\n")
    log_of("pod").line("line 0")
    configure(brokers=kafka_broker.secure_address, sasl="scram-sha-512", tls=True, ca_file=str(kafka_broker.ca_file),
              username=USER[0], password_file=str(password))
    agent.start()
    eventually(lambda: kafka.count(topic) == 1 or re.search(
        r"librdkafka 2\.[0-6]\.\S+ cannot do SCRAM against Kafka 4: build with 2\.6\.1 or newer", agent.ready().text),
        20, lambda: agent.ready().text)


def test_an_unknown_authority_is_refused(agent, log_of, kafka_broker, kafka, configure, topic):
    password = agent.directory / "password"
    password.write_text(USER[1] + "\n")
    log_of("pod").line("not for just anybody")
    configure(brokers=kafka_broker.secure_address, sasl="plain", tls=True, username=USER[0],
              password_file=str(password))
    agent.start()
    eventually(lambda: "ca_file" in agent.ready().text, 20, lambda: agent.ready().text)
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="tls") > 0
    assert kafka.count(topic) == 0


def test_a_certificate_says_who_the_client_is(agent, log_of, kafka_broker, kafka, configure, topic):
    log = log_of("pod")
    for i in range(50):
        log.line(f"line {i}")
    address = dict(brokers=kafka_broker.certificate_address, tls=True, ca_file=str(kafka_broker.ca_file))
    configure(**address)
    check = "check", "--config", str(agent.config)
    assert "certificate_file" in command(*check).stderr
    agent.start()
    eventually(lambda: "certificate_file" in agent.ready().text, 20, lambda: agent.ready().text)
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="tls") > 0
    assert agent.stop() == 0
    assert kafka.count(topic) == 0

    configure(**address, certificate_file=str(kafka_broker.tls / "client.crt"),
              key_file=str(kafka_broker.tls / "client.key"))
    assert "sinks.stream" not in command(*check).stderr
    agent.start()
    wait_for(kafka, topic, 50, agent)
    assert numbers(kafka.documents(topic)) == list(range(50))


def test_a_user_who_may_not_write_is_named_and_waits(agent, log_of, kafka_broker, kafka, configure, topic):
    kafka.create(topic)
    password = agent.directory / "password"
    password.write_text(USER[1] + "\n")
    log = log_of("pod")
    for i in range(50):
        log.line(f"line {i}")
    configure(brokers=kafka_broker.secure_address, sasl="plain", tls=True, ca_file=str(kafka_broker.ca_file),
              username="guest", password_file=str(password))
    agent.start()
    eventually(lambda: "allow the user" in agent.ready().text, 20, lambda: agent.ready().text)
    assert topic in agent.ready().text
    assert agent.metric("hinomi_sink_errors_total", sink="stream", code="authorization") > 0
    assert kafka.count(topic) == 0
    kafka.allow("guest", topic)
    wait_for(kafka, topic, 50, agent, 30)
    assert numbers(kafka.documents(topic)) == list(range(50))
    assert not agent.dead_letters()


def test_settings_that_break_a_promise_or_do_not_exist_are_errors(agent, configure):
    configure(settings={"acks": "1", "linger.ms": "20"})
    result = command("check", "--config", str(agent.config))
    assert result.returncode == 2
    assert re.search(r"config.yaml:\d+:\d+: sinks.stream.settings.acks: cannot be set: .*lose", result.stderr)

    configure(settings={"linger.mss": "20", "batch.size": "many"})
    result = command("check", "--config", str(agent.config))
    assert result.returncode == 2
    for name in ("linger.mss", "batch.size"):
        assert re.search(rf"config.yaml:\d+:\d+: sinks.stream.settings.{name}: .*{name}", result.stderr), result.stderr
