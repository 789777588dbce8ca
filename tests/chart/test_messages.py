"""The example for Alertmanager, in a real one: what of many alerts ends as a message in the chat.

Its waits are made shorter, its addresses those of the test; all else is as it is shipped.
"""
import collections
import datetime
import time

import pytest
import requests

from alertmanager import TOKEN, Chat, alertmanager
from test_alerts import ALERTS
from waiting import eventually

NODES = [f"n{number}" for number in range(1, 6)]
SECONDS = {"group_wait": 1, "group_interval": 2, "repeat_interval": 3600}


def alert(name, **labels):
    return {"labels": {"alertname": name, "cluster": "prod", **ALERTS[name]["labels"], **labels}}


def over(one):
    return {**one, "endsAt": (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)).isoformat()}


WEB = {"namespace": "shop", "workload": "web"}
RELEASE = alert("ReleaseChanged", **WEB, branch="master", commit="bbbbbbb")
DOWN = [alert("HinomiDown", node=node) for node in NODES]
FILLING = alert("HinomiEscrowFilling", node="n9")
SAID = [RELEASE, FILLING, *DOWN, alert("ContainerStorm", **WEB), alert("NodePressureMemory", node="n9"),
        alert("HinomiSinkDown", sink="search"), alert("HinomiLagging", node="n9", route="keep", sink="files")]
# What others have said already.
UNSAID = [alert("NodeSilent", node="n1"), alert("HinomiEscrowDegraded", node="n2"),
          alert("NodePressureCpu", node="n9"), alert("NamespaceStorm", namespace="shop"),
          alert("ContainerOomKilled", **WEB), alert("HinomiLagging", node="n9", route="all", sink="search")]


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """After all of these alerts, told four times as Prometheus does, and after some are over."""
    directory, chat = tmp_path_factory.mktemp("alertmanager"), Chat()
    session = requests.Session()
    session.trust_env = False
    with alertmanager(directory, chat, SECONDS) as url:
        def tell(alerts):
            assert session.post(f"{url}/api/v2/alerts", json=alerts, timeout=10).ok
        for _ in range(4):
            tell(SAID + UNSAID)
            time.sleep(SECONDS["group_interval"] / 2)
        eventually(lambda: len(chat.counts()) >= len({one["labels"]["alertname"] for one in SAID}), 20,
                   lambda: f"{chat.messages}\n{(directory / 'out').read_text()}")
        tell([over(one) for one in [RELEASE, FILLING]])
        eventually(lambda: chat.counts("resolved")["HinomiEscrowFilling"], 20, lambda: str(chat.messages))
        time.sleep(2 * SECONDS["group_interval"])
        yield chat
    chat.server.shutdown()


def test_each_alert_is_one_message(chat):
    assert chat.counts() == collections.Counter({one["labels"]["alertname"] for one in SAID})


def test_a_message_is_about_all_nodes(chat):
    (down,) = chat.of("HinomiDown")
    assert sorted(labels["node"] for labels in down) == NODES


def test_a_release_is_one_message_with_its_commit(chat):
    ((release,),) = chat.of("ReleaseChanged")
    assert release["commit"] == "bbbbbbb"


def test_the_end_of_an_alert_is_a_message_and_that_of_a_release_is_none(chat):
    assert chat.counts("resolved") == {"HinomiEscrowFilling": 1}


def test_what_others_have_said_is_not_said(chat):
    said = [labels for _, _, _, labels in chat.messages for labels in labels]
    assert not [one["labels"] for one in UNSAID if one["labels"] in said]
    assert [labels["sink"] for (labels,) in chat.of("HinomiLagging")] == ["files"]


def test_the_token_is_that_of_the_file(chat):
    assert {authorization for _, _, authorization, _ in chat.messages} == {f"Bearer {TOKEN}"}
