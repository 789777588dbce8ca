"""Where documents go in Elasticsearch and OpenSearch, and what the agent sets up there."""
import json
import re

import pytest

from agent import command
from kubelet import cri_time
from waiting import eventually

pytestmark = pytest.mark.sinks
DAY = 24 * 3600 * 10**9
JAPAN = 9 * 3600 * 10**9
SERVERS = ["elasticsearch", "newer_elasticsearch", "opensearch", "newer_opensearch"]
ILM, ISM = "/_ilm/policy/", "/_plugins/_ism/policies/"


@pytest.fixture(params=["opensearch", "newer_opensearch"])
def each_opensearch(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=SERVERS)
def search(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["older_elasticsearch", *SERVERS])
def dated(request):
    """The least that Elasticsearch 7 is published as has no data streams."""
    return request.getfixturevalue(request.param)


def arrived(agent, search, pattern, count):
    eventually(lambda: search.count(pattern) == count, 30, lambda: f"{search.count(pattern)} of {count}\n{agent.log()}")
    return list(search.documents(pattern))


def test_the_day_of_a_record_in_japan_is_its_index(agent, log_of, dated, index):
    log = log_of("clock")
    # The last midnight in Japan; neither day has to be that of now, in Japan or in Greenwich.
    midnight = (log.line("now")[0] + JAPAN) // DAY * DAY - JAPAN
    for offset, body in ((-1, "before"), (0, "midnight")):
        log.raw(f"{cri_time(midnight + offset)} stdout F {body}\n".encode())
    pattern = f"{index}-{{year}}.{{month}}.{{day}}"
    agent.configure({"endpoints": [dated.url], "index": pattern, "time_zone": "Asia/Tokyo"})
    agent.start()
    documents = {document["message"]: document for document in arrived(agent, dated, f"{index}-*", 3)}

    def japanese(nanoseconds):
        return f"{index}-{cri_time(nanoseconds + JAPAN)[:10].replace('-', '.')}"
    assert documents["midnight"]["_index"] == documents["now"]["_index"] == japanese(midnight)
    assert documents["before"]["_index"] == japanese(midnight - DAY) != japanese(midnight)
    assert documents["before"]["nanoseconds"] == cri_time(midnight - 1)
    assert not any("data_stream.dataset" in document for document in documents.values())
    (_, mapping), = dated.ask("GET", f"/{japanese(midnight)}/_mapping").json().items()
    assert mapping["mappings"]["properties"]["@timestamp"]["type"] == "date_nanos"

    assert agent.stop() == 0
    identities = {document["_id"] for document in documents.values()}
    for file in agent.state.glob("checkpoint.*"):
        file.unlink()
    log.line("after")
    agent.start()
    assert identities < {document["_id"] for document in arrived(agent, dated, f"{index}-*", 4)}


def test_each_namespace_has_a_stream_of_its_own(agent, log_of, search, index):
    for namespace in ("bank", "shop"):
        log_of("pod", namespace=namespace).line(f"of {namespace}")
    name = index.split("-")[1]
    agent.configure({"endpoints": [search.url], "index": f"logs-{name}_{{namespace}}-default"})
    agent.start()
    for document in arrived(agent, search, f"logs-{name}_*-default", 2):
        namespace = document["kubernetes.namespace"]
        assert document["_index"].startswith(f".ds-logs-{name}_{namespace}-default-")
        assert document["data_stream.dataset"] == f"{name}_{namespace}"


def test_without_ids_the_server_makes_them(agent, log_of, search, index):
    log = log_of("pod")
    for i in range(3):
        log.line(f"line {i}")
    agent.configure({"endpoints": [search.url], "index": index, "document_id": "none"})
    agent.start()
    documents = arrived(agent, search, index, 3)
    assert all(re.fullmatch(r"[\w-]{20}", document["_id"]) for document in documents)


def test_japanese_words_are_found_within_others(agent, log_of, each_opensearch, index):
    log = log_of("pod")
    log.line("[ERROR] 決済エラーメッセージを送信できません")
    log.line("[INFO] 決済を受け付けました")
    agent.configure({"endpoints": [each_opensearch.url], "index": index})
    agent.start()
    arrived(agent, each_opensearch, index, 2)

    def found(field, words):
        answer = each_opensearch.ask("GET", f"/{index}/_search", json={"query": {"match_phrase": {field: words}}}).json()
        return answer["hits"]["total"]["value"]
    assert found("message.cjk", "エラー") == 1
    assert found("message.cjk", "決済") == 2
    assert found("message.cjk", "済決") == 0
    assert found("message", "エラー") == 0  # within a longer word of katakana: what the sub-field is for
    assert found("message", "ERROR") == found("message.cjk", "error") == 1
    assert "cjk" not in agent.log()


def test_a_server_without_the_analyzer_gets_the_template_without_it(agent, log_of, elasticsearch, index):
    """As this one: the least that Elasticsearch is published as."""
    log_of("pod").line("決済エラー")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    arrived(agent, elasticsearch, index, 1)
    assert agent.log().count("no analyzer called cjk") == 1
    assert elasticsearch.mapping(index)["message"] == "text"
    template = elasticsearch.ask("GET", f"/_component_template/hinomi-{index}-mappings").json()
    assert "cjk" not in json.dumps(template)


def test_a_server_without_policies_gets_the_template_without_one(agent, log_of, search, index):
    """As these are: the least that both are published as."""
    log_of("pod").line("kept")
    agent.configure({"endpoints": [search.url], "index": index, "lifecycle": {"delete_after": "30d"}})
    agent.start()
    arrived(agent, search, index, 1)
    assert agent.log().count("neither ILM nor ISM") == 1


@pytest.mark.parametrize("api", [ILM, ISM])
def test_the_policy_is_one_of_the_kind_that_the_server_has(agent, log_of, fault_server, index, api):
    """By a server that fakes both APIs: the real ones that a test can have are without."""
    fault_server.policies = api
    log = log_of("pod")
    log.line("first")
    agent.configure({"endpoints": [fault_server.url], "index": index, "lifecycle": {"delete_after": "30d"}})
    for messages in (["first"], ["first", "second"]):  # a second start replaces what is there
        agent.start()
        eventually(lambda wanted=messages: fault_server.messages() == wanted, 20, lambda: agent.log())
        assert agent.stop() == 0
        log.line("second")
    objects = fault_server.objects
    policy = objects[f"{api}hinomi-{index}"]["policy"]
    settings = objects[f"/_component_template/hinomi-{index}-settings"]["template"]["settings"]
    if api == ILM:
        assert policy["phases"]["delete"]["min_age"] == "720h"
        assert settings == {"index.lifecycle.name": f"hinomi-{index}"}
    else:
        assert policy["states"][0]["transitions"][0]["conditions"] == {"min_rollover_age": "720h"}
        assert policy["ism_template"][0]["index_patterns"] == [index] and not settings
    assert objects[f"/_index_template/hinomi-{index}"]["composed_of"] == \
        [f"hinomi-{index}-mappings", f"hinomi-{index}-settings"]
    assert "neither" not in agent.log() and "not Hinomi's" not in agent.log()


def test_what_somebody_else_has_prepared_by_that_name_stays(agent, log_of, search, index):
    theirs = {"index_patterns": [index], "priority": 321, "data_stream": {}}
    path = f"/_index_template/hinomi-{index}"
    search.ask("PUT", path, json=theirs).raise_for_status()
    log_of("pod").line("into theirs")
    agent.configure({"endpoints": [search.url], "index": index})
    agent.start()
    arrived(agent, search, index, 1)
    (entry,) = search.ask("GET", path).json()["index_templates"]
    assert entry["index_template"]["priority"] == 321
    assert agent.log().count("is not Hinomi's") == 1


def test_what_is_printed_can_be_set_up_by_hand(agent, log_of, each_opensearch, index):
    log_of("pod", namespace="shop").line("by hand")
    pattern = f"{index}-{{namespace}}-{{year}}"
    sink = {"endpoints": [each_opensearch.url], "index": pattern, "setup": False}
    agent.configure(sink)
    done = command("config", "--elasticsearch-template", "--config", str(agent.config))
    assert done.returncode == 0, done.stderr
    requests = re.findall(r"^PUT (\S+)\n(\{.*?^\S*\})$", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(requests) == 3
    for path, body in requests:
        each_opensearch.ask("PUT", path, json=json.loads(body)).raise_for_status()
    agent.start()
    (document,) = arrived(agent, each_opensearch, f"{index}-*", 1)
    assert re.fullmatch(f"{index}-shop-\\d{{4}}", document["_index"])
    mapping = each_opensearch.ask("GET", f"/{document['_index']}/_mapping").json()
    assert '"cjk"' in json.dumps(mapping)
