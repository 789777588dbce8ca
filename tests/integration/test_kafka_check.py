"""`hinomi check` of a Kafka sink: what a producer finds out without writing, from a real broker with access lists."""
import pytest

from agent import command
from kafka import DESCRIBE, DESCRIBE_CONFIGS
from services import USER

pytestmark = pytest.mark.sinks


@pytest.fixture
def complaint(agent, kafka_broker, topic):
    """What the check says of a sink; empty if nothing. With a user: over TLS, as that one."""
    def ask(user=None, **changes):
        sink = {"type": "kafka", "brokers": [kafka_broker.address], "topic": topic, **changes}
        if user:
            password = agent.directory / "password"
            password.write_text(USER[1] + "\n")
            sink.update(brokers=[kafka_broker.secure_address], sasl="plain", tls=True, username=user,
                        ca_file=str(kafka_broker.ca_file), password_file=str(password))
        agent.configure({}, sinks={"stream": sink}, routes=[{"name": "all", "sink": "stream"}])
        result = command("check", "--config", str(agent.config))
        assert result.returncode == 0, "a sink that does not take is a warning"
        lines = [line for line in result.stderr.splitlines() if "sinks.stream" in line]
        assert len(lines) < 2 and not any("lines wait in their files" not in line for line in lines)
        return "".join(lines)
    return ask


def test_what_may_be_written_to_is_none(complaint, kafka, topic):
    kafka.create(topic)
    assert not complaint()
    assert not complaint(user=USER[0])
    assert kafka.count(topic) == 0


def test_a_topic_that_the_broker_makes_is_not_made_yet(complaint, kafka, topic):
    assert not complaint()
    assert not kafka.leaders(topic), "the check leaves no trace"


def test_a_topic_that_nobody_makes(complaint, topic):
    said = complaint(settings={"allow.auto.create.topics": "false"})
    assert f'cannot send to topic "{topic}"' in said and "create the topic" in said


def test_topics_that_the_pods_name_are_not_looked_for(complaint, topic):
    assert not complaint(topic=topic + "-{namespace}", settings={"allow.auto.create.topics": "false"})


def test_a_user_who_may_not_even_see_the_topic(complaint, kafka, topic):
    kafka.create(topic)
    said = complaint(user="reader")
    assert f'cannot send to topic "{topic}"' in said
    assert "authorization failed; allow the user the operations Write and Describe on the topic" in said


def test_a_user_who_may_write_nowhere(complaint, kafka, topic):
    kafka.create(topic)
    kafka.allow("reader", topic, DESCRIBE)
    said = complaint(user="reader")
    assert "authorization failed; allow the user the operation Write on the topic" in said


def test_a_user_who_is_not_told_whether_the_topic_will_be_made(complaint, kafka, topic):
    kafka.allow("reader", topic, DESCRIBE)
    said = complaint(user="reader")
    assert "create the topic" in said and "they do not tell this user (DescribeConfigs)" in said


def test_a_user_who_may_write(complaint, kafka, topic):
    kafka.create(topic)
    kafka.allow("guest", topic)
    assert not complaint(user="guest")
    assert kafka.count(topic) == 0


def test_a_topic_that_loses_cursors(complaint, kafka, topic):
    cursors = topic + "-cursors"
    kafka.create(topic)
    assert not complaint(delivery="exactly_once", cursor_topic=cursors)
    assert not kafka.leaders(cursors), "the check leaves no trace"
    kafka.create(cursors)
    said = complaint(delivery="exactly_once", cursor_topic=cursors)
    assert f'topic "{cursors}" has cleanup.policy=delete' in said
    assert f"kafka-configs --bootstrap-server BROKER --alter --topic {cursors} --add-config cleanup.policy=compact" in said
    assert not complaint(cursor_topic=cursors), "nobody keeps cursors there"
    kafka.configure(cursors, cleanup_policy="compact,delete")
    assert "cleanup.policy=compact,delete" in complaint(delivery="exactly_once", cursor_topic=cursors)
    kafka.configure(cursors, cleanup_policy="compact")
    assert not complaint(delivery="exactly_once", cursor_topic=cursors)


def test_a_user_who_is_not_told_whether_cursors_are_lost(complaint, kafka, topic):
    cursors = topic + "-cursors"
    sink = {"user": "guest", "delivery": "exactly_once", "cursor_topic": cursors}
    for made in (topic, cursors):
        kafka.create(made)
    kafka.allow("guest", topic)
    assert f'topic "{cursors}": Broker: Topic authorization failed' in complaint(**sink)
    kafka.allow("guest", cursors)
    assert not complaint(**sink)
    kafka.allow("guest", cursors, DESCRIBE_CONFIGS)
    assert "cleanup.policy=delete" in complaint(**sink)
