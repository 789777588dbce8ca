"""Ids are unique within one backing index of a data stream. What was stored there without the agent's knowing it, and
is sent again after a rollover, is looked up first."""
import collections

import pytest

from middleman import Middleman
from waiting import eventually

LINES = 1200  # more than are looked up in one request


@pytest.fixture
def middleman(elasticsearch, opensearch, which):
    middleman = Middleman({"elasticsearch": elasticsearch, "opensearch": opensearch}[which].url)
    yield middleman
    middleman.close()


@pytest.fixture
def search(elasticsearch, opensearch, which):
    return {"elasticsearch": elasticsearch, "opensearch": opensearch}[which]


def lose_an_answer(agent, log_of, middleman, search, index):
    """All lines are stored, which the agent does not know, and then the stream rolls over."""
    log = log_of("pod")
    for number in range(LINES):
        log.line(f"line {number}")
    agent.configure({"endpoints": [middleman.url], "index": index, "requests_max": 1})
    middleman.swallow.set()
    agent.start()
    eventually(middleman.away.is_set, 20, agent.log)
    rolled = search.ask("POST", f"/{index}/_rollover").json()
    assert rolled["rolled_over"], rolled
    return rolled["old_index"]


def copies(search, index):
    """{how often a document is stored: how many are}"""
    identities = collections.Counter(document["_id"] for document in search.documents(index))
    return collections.Counter(identities.values())


def settled(agent):
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 30, agent.log)


@pytest.mark.parametrize("which", ["elasticsearch", "opensearch"])
@pytest.mark.parametrize("killed", [False, True], ids=["", "killed"])
def test_each_document_is_stored_once(agent, log_of, middleman, search, index, killed):
    old = lose_an_answer(agent, log_of, middleman, search, index)
    if killed:
        agent.kill()
    middleman.away.clear()
    if killed:
        agent.start()
    settled(agent)
    assert copies(search, index) == {1: LINES}, agent.log()
    assert f'{LINES} of {LINES} documents in doubt are stored in "{index}" already' in agent.log()
    assert {document["_index"] for document in search.documents(index)} == {old}

    log_of("later").line("and one more")
    eventually(lambda: search.count(index) == LINES + 1, 10, agent.log)
    assert copies(search, index) == {1: LINES + 1}


@pytest.mark.parametrize("which", ["elasticsearch"])
def test_without_looking_them_up_they_are_stored_twice(agent, log_of, middleman, search, index):
    """As for an agent that may not read, which says so once."""
    middleman.forbidden = "/_search"
    lose_an_answer(agent, log_of, middleman, search, index)
    middleman.away.clear()
    settled(agent)
    assert copies(search, index) == {2: LINES}, agent.log()
    log_of("later").line("and one more")
    eventually(lambda: search.count(index) == 2 * LINES + 1, 10, agent.log)
    assert agent.log().count("cannot look up what is stored") == 1
    assert "403, security_exception: unauthorized for" in agent.log() and "grant `read`" in agent.log()
