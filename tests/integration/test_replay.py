"""Dead letters of real servers, sent again once what they were refused for is mended."""
import json
import re
import signal
import subprocess

import pytest

from agent import BINARY, ENVIRONMENT, command
from waiting import eventually, free_ports

pytestmark = pytest.mark.sinks

LETTERS = 1000  # so many that a kill finds some sent and some not


def replay(agent, *words, status=0):
    """What it printed."""
    done = command("replay", "--config", str(agent.config), *words)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def letters(agent):
    return [json.loads(line) for line in agent.dead_letters().splitlines()]


@pytest.fixture
def conflict(agent, log_of, elasticsearch, index):
    """Writes so many lines whose `price` is text into a stream that has it as a number, and waits for their refusal.
    Twice as many others: where most of a batch is refused, the route is held for a minute."""
    def write(count):
        agent.configure({"endpoints": [elasticsearch.url], "index": index})
        log = log_of("web-1", namespace="shop")
        log.line('{"message": "good", "price": 1}')
        agent.start()
        eventually(lambda: elasticsearch.count(index) == 1, 20, agent.log)
        for number in range(count):
            log.line(json.dumps({"message": f"line {number}", "price": "dear"}))
            log.line("good")
            log.line("good")
        eventually(lambda: len(letters(agent)) == count, 30, agent.log)
        eventually(lambda: elasticsearch.count(index, "good") == 2 * count + 1, 30, agent.log)
    return write


def mend(search, index):
    """The template maps the field as text, and the stream begins a new index with it."""
    (template,) = [each for each in search.ask("GET", "/_index_template").json()["index_templates"]
                   if index in each["index_template"]["index_patterns"]]
    body = template["index_template"]
    body.setdefault("template", {}).setdefault("mappings", {}).setdefault("properties", {})["price"] = {"type": "keyword"}
    search.ask("PUT", f"/_index_template/{template['name']}", json=body).raise_for_status()
    search.ask("POST", f"/{index}/_rollover").raise_for_status()


def test_what_a_mapping_refused_arrives_once_it_is_mended(agent, conflict, elasticsearch, index):
    conflict(10)
    refused = letters(agent)
    assert {letter["type"] for letter in refused} == {"document_parsing_exception"}
    assert all("price" in letter["reason"] and letter["format"] == "bulk" for letter in refused)
    assert agent.metric("hinomi_dead_letters_bytes") == len(agent.dead_letters())
    listed = replay(agent, "--list")
    assert '10 of sink "search", route "all": document_parsing_exception' in listed and "of shop/web-1/" in listed
    ids = {json.loads(letter["record"].splitlines()[0])["create"]["_id"] for letter in refused}

    assert "0 sent, 10 refused again, 0 left" in replay(agent, status=1)
    assert {letter["time"] for letter in letters(agent)}.isdisjoint({letter["time"] for letter in refused})
    assert [letter["record"] for letter in letters(agent)] == [letter["record"] for letter in refused]

    mend(elasticsearch, index)
    assert "0 sent, 0 refused again, 0 left" in replay(agent, "--pod", "other")
    assert "10 sent, 0 refused again, 0 left\n" in replay(agent, "--pod", "web-*", "--since", "1h")
    assert elasticsearch.count(index, "line") == 10
    assert {document["_id"] for document in elasticsearch.documents(index) if document.get("price") == "dear"} == ids
    assert not list((agent.state / "dead_letters").iterdir())
    eventually(lambda: agent.metric("hinomi_dead_letters_bytes") == 0, 20, "the agent does not notice")


def test_a_server_that_is_down_leaves_them_and_says_so(agent, conflict, elasticsearch, index):
    conflict(3)
    before = agent.dead_letters()
    agent.configure({"endpoints": [f"http://127.0.0.1:{free_ports()}"], "index": index})
    said = replay(agent, status=1)
    assert "Connection refused; is Elasticsearch running there?" in said
    assert "0 sent, 0 refused again, 3 left\n" in said
    assert agent.dead_letters() == before


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_one_that_is_ended_in_the_middle_loses_nothing(agent, conflict, elasticsearch, index, ending):
    conflict(LETTERS)
    agent.stop()
    mend(elasticsearch, index)
    agent.configure({"endpoints": [elasticsearch.url], "index": index, "batch_bytes": "16KiB"})  # it is long at it
    running = subprocess.Popen([BINARY, "replay", "--config", str(agent.config)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)
    try:
        eventually(lambda: elasticsearch.count(index, "line") > 100, 20, "nothing is sent")
        running.send_signal(ending)
        said, _ = running.communicate(timeout=20)
    finally:
        running.kill()
    left = len(letters(agent))
    assert left > 0, "it was not ended in the middle"
    if ending == signal.SIGINT:
        assert left < LETTERS  # after a kill there may also be what it was just writing
        assert running.returncode == 1
        assert f"{LETTERS - left} sent, 0 refused again, {left} left" in said
    sent = int(re.search(r"(\d+) sent, 0 refused again, 0 left", replay(agent))[1])
    assert sent == left if ending == signal.SIGINT else 0 < sent <= left
    assert elasticsearch.count(index, "line") == LETTERS
    assert not agent.dead_letters()


def test_what_was_too_large_for_a_topic_arrives_once_it_takes_more(agent, log_of, kafka_broker, kafka, topic):
    kafka.create(topic, max_message_bytes=50000)
    sink = {"type": "kafka", "brokers": [kafka_broker.address], "topic": topic, "compression": "none"}
    agent.configure({}, sinks={"stream": sink}, routes=[{"name": "all", "sink": "stream"}])
    log = log_of("cart-0", namespace="shop")
    log.line("small 0")
    log.line("large " + "y" * 60000)
    agent.start()
    eventually(lambda: letters(agent), 20, agent.log)
    (letter,) = letters(agent)
    assert letter["type"] == "message_too_large" and letter["format"] == "json" and letter["pod_uid"] == log.uid
    assert "0 sent, 1 refused again, 0 left" in replay(agent, status=1)
    kafka.configure(topic, max_message_bytes=200000)
    assert "1 sent, 0 refused again, 0 left" in replay(agent)
    small, large = kafka.records(topic)
    assert (small.key, small.partition) == (large.key, large.partition) == (log.uid, large.partition)
    assert json.loads(large.text)["message"].startswith("large yyy")
    assert not agent.dead_letters()


def test_a_record_of_otlp_arrives_with_its_resource(agent, log_of, kafka_broker, kafka, topic):
    kafka.create(topic, max_message_bytes=50000)
    sink = {"type": "kafka", "brokers": [kafka_broker.address], "topic": topic, "format": "otlp", "compression": "none"}
    agent.configure({}, sinks={"stream": sink}, routes=[{"name": "all", "sink": "stream"}])
    log = log_of("cart-0", namespace="shop")
    log.line("small 0")
    log.line("large " + "y" * 60000)
    agent.start()
    eventually(lambda: letters(agent), 20, agent.log)
    (letter,) = letters(agent)
    assert letter["type"] == "message_too_large" and letter["format"] == "otlp_json"
    (shown,) = json.loads(letter["record"])["resourceLogs"]
    assert shown["scopeLogs"][0]["logRecords"][0]["body"]["stringValue"].startswith("large yyy")
    assert "0 sent, 1 refused again, 0 left" in replay(agent, status=1)
    kafka.configure(topic, max_message_bytes=200000)
    assert "1 sent, 0 refused again, 0 left" in replay(agent)
    content = kafka.content(topic)
    assert content.count(b"small 0") == content.count(b"large yyy") == 1
    assert content.count(b"k8s.pod.uid") == 2 and not agent.dead_letters()
