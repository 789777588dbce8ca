"""What the agent serves instead of other exporters, read as Prometheus reads it: of a node that is a tree of files, or of
the machine that the tests run on."""
import re

import pytest
import requests

from agent import LABEL
from agent_fixtures import *  # noqa: F401,F403  (fixtures are found by their names here)
from pods import Pods

SAMPLE = re.compile(r"^(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")


class Endpoint:
    """One path of an agent that has no logs to ship."""

    def __init__(self, agent, path):
        self.agent, self.path = agent, path

    def start(self, **metrics):
        self.agent.configure({}, **{
            "sinks": {"files": {"type": "archive", "directory": str(self.agent.directory / "archive")}},
            "routes": [{"name": "all", "sink": "files"}], "metadata": {"enabled": False}, "metrics": metrics})
        self.agent.start()

    def text(self, accept="text/plain"):
        session = requests.Session()
        session.trust_env = False
        answer = session.get(f"http://127.0.0.1:{self.agent.port}{self.path}", timeout=30, headers={"Accept": accept})
        assert answer.ok
        return answer.text

    def scrape(self):
        """Values by name and labels. That none comes twice is checked on the way."""
        values = {}
        for line in self.text().splitlines():
            if not line.startswith("#"):
                sample = SAMPLE.match(line)
                assert sample, line
                series = (sample["name"], frozenset(LABEL.findall(sample["labels"] or "")))
                assert series not in values, line
                values[series] = float(sample["value"])
        return values


@pytest.fixture
def node(agent):
    return Endpoint(agent, "/metrics/node")


@pytest.fixture
def pods(agent, container_runtime, directory):
    pods = Pods(agent, container_runtime, directory)
    yield pods
    pods.close()
