"""Lines of all kinds reach a real server as the documents that Elastic's Kubernetes integration would make."""
import re
import shutil

import pytest

from kubelet import cri_time
from waiting import eventually


@pytest.fixture(params=["elasticsearch", "opensearch"])
def search(request, elasticsearch, opensearch):
    return {"elasticsearch": elasticsearch, "opensearch": opensearch}[request.param]


def write_one_of_each(log):
    """Lines and what their documents must hold."""
    wanted = []

    def record(body, expected, stream="stdout"):
        time, offset = log.line(body, stream)
        wanted.append({"nanoseconds": cri_time(time), "log.offset": offset, "stream": stream, **expected})

    record("plain text", {"message": "plain text"})
    record("to the other stream", {"message": "to the other stream"}, "stderr")
    record("火の見櫓から見張る", {"message": "火の見櫓から見張る"})
    record('quotes " and \\ and \t tab', {"message": 'quotes " and \\ and \t tab'})
    record('{"message": "from JSON", "user": {"name": "鈴木"}, "level": 3}',
           {"message": "from JSON", "user.name": "鈴木", "level": 3})
    # What the agent itself says of a record is not for the body to change.
    record('{"message": "impostor", "@timestamp": "1999-01-01T00:00:00Z", "kubernetes": {"namespace": "other"}}',
           {"message": "impostor", "kubernetes.namespace": log.namespace})
    record('["JSON", "but no object"]', {"message": '["JSON", "but no object"]'})
    record('{"cut": "off', {"message": '{"cut": "off'})
    record("", {"message": ""})
    record(b"a\x00b", {"message": "a\x00b"})
    record(b"Gr\xfc\xdfe aus Latin-1", {"message": "Gr\ufffd\ufffde aus Latin-1"})

    time, offset = log.line("x" * 16384, tag="P")
    log.line("another stream in between", stream="stderr")
    wanted.append({"message": "another stream in between", "stream": "stderr"})
    log.line("y" * 16384, tag="P")
    log.line("the end")
    wanted.append({"message": "x" * 16384 + "y" * 16384 + "the end", "nanoseconds": cri_time(time),
                   "log.offset": offset, "stream": "stdout"})
    return wanted


def test_lines_become_ecs_documents(agent, log_of, search, index):
    log = log_of("web-7d4b9c6f5d-x2x7q", namespace="prod-shop", container="app")
    wanted = write_one_of_each(log)
    other = log_of("store-0", namespace="team", container="db", restart=3)
    other.line("another pod")
    agent.configure({"endpoints": [search.url], "index": index})
    agent.start()

    def missing():
        arrived = {document["message"] for document in search.documents(index)} if search.count(index) else set()
        bodies = {"another pod", *(expected["message"] for expected in wanted)}
        return sorted(body[:60] for body in bodies - arrived)
    eventually(lambda: not missing(), 20, lambda: f"missing: {missing()}\n{agent.log()}")

    documents = list(search.documents(index))
    assert len(documents) == len(wanted) + 1
    shop = {document["message"]: document for document in documents if document["kubernetes.pod.name"] == log.pod}
    for expected in wanted:
        document = shop[expected["message"]]
        assert {key: document[key] for key in expected} == expected
        assert {key: document.get(key) for key in (
            "kubernetes.namespace", "kubernetes.pod.uid", "kubernetes.container.name", "kubernetes.node.name",
            "kubernetes.deployment.name", "orchestrator.cluster.name", "log.file.path",
            "data_stream.type", "data_stream.dataset", "data_stream.namespace"
        )} == {
            "kubernetes.namespace": "prod-shop", "kubernetes.pod.uid": log.uid, "kubernetes.container.name": "app",
            "kubernetes.node.name": "node-1", "kubernetes.deployment.name": "web",
            "orchestrator.cluster.name": "demo", "log.file.path": str(log.path),
            "data_stream.type": "logs", "data_stream.dataset": index.split("-")[1], "data_stream.namespace": "default"}
    (document,) = [document for document in documents if document["kubernetes.pod.name"] == other.pod]
    assert document["message"] == "another pod"
    assert document["kubernetes.statefulset.name"] == "store"

    assert all(document["_index"].startswith(".ds-" + index) for document in documents)
    mapping = search.mapping(index)
    assert mapping["@timestamp"] == "date_nanos"
    assert mapping["message"] == "text"
    assert mapping["log.offset"] == "long"
    assert mapping["kubernetes.pod.name"] == "keyword"
    strings = {field: type_ for field, type_ in mapping.items()
               if field.startswith(("kubernetes.", "orchestrator.", "log.file.")) or field == "stream"}
    assert set(strings.values()) == {"keyword"}, strings


def test_a_lost_state_directory_makes_no_second_copy(agent, log_of, elasticsearch, index):
    logs = [log_of(f"pod-{i}") for i in range(5)]
    for log in logs:
        for i in range(200):
            log.line(f"{i} before")
        log.rotate()
        for i in range(200):
            log.line(f"{i} after")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    eventually(lambda: elasticsearch.count(index) == 2000, 20, lambda: f"{elasticsearch.count(index)} of 2000")
    identities = {document["_id"] for document in elasticsearch.documents(index)}
    assert agent.stop() == 0

    shutil.rmtree(agent.state)
    agent.start()
    logs[0].line("the last")
    eventually(lambda: any(document["message"] == "the last" for document in elasticsearch.documents(index)), 20,
               "the line written after the restart did not arrive")
    assert agent.stop() == 0  # drains: all of the second copy has been refused by now
    documents = list(elasticsearch.documents(index))
    assert len(documents) == 2001
    assert identities < {document["_id"] for document in documents}


def test_without_setup_it_waits_for_a_template(agent, log_of, elasticsearch, index):
    """An unprepared server would silently make a plain index, with a mapping that somebody has to live with."""
    log_of("pod").line("patient")
    agent.configure({"endpoints": [elasticsearch.url], "index": index, "setup": False})
    agent.start()
    eventually(lambda: re.search(f'cannot .*"{index}".*data_stream', agent.log()), 15, lambda: agent.log())
    assert not elasticsearch.ask("GET", f"/{index}").ok

    template = {"index_patterns": [index], "priority": 300, "data_stream": {},
                "template": {"mappings": {"properties": {"@timestamp": {"type": "date_nanos"}}}}}
    elasticsearch.ask("PUT", f"/_index_template/{index}", json=template).raise_for_status()
    eventually(lambda: elasticsearch.count(index) == 1, 30, lambda: agent.log())
    (document,) = elasticsearch.documents(index)
    assert document["_index"].startswith(".ds-" + index)


def test_host_root_is_a_prefix_that_documents_do_not_show(agent, log_of, elasticsearch, index):
    log = log_of("pod")
    log.line("seen through a mount")
    agent.configure({"endpoints": [elasticsearch.url], "index": index}, host_root=str(agent.directory),
                    sources={"kubernetes": {"pods_dir": "/pods"}})
    agent.start()
    eventually(lambda: elasticsearch.count(index) == 1, 15, lambda: agent.log())
    (document,) = elasticsearch.documents(index)
    assert document["log.file.path"] == f"/{log.path.relative_to(agent.directory)}"
