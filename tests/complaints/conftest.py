"""An agent whose archive is what it has delivered: no server is needed to see what became of a line."""
import json
import random
import subprocess

import pytest

from agent import BINARY
from agent_fixtures import *  # noqa: F401,F403  (fixtures are found by their names here)
from scale import SEED
from waiting import eventually


class Archive:
    """The agent's only sink."""

    def __init__(self, agent):
        self.agent, self.directory = agent, agent.directory / "archive"

    def configure(self, sink=(), **changes):
        self.agent.configure({}, **{
            "sinks": {"files": {"type": "archive", "directory": str(self.directory), "sync_every": "200ms",
                                **dict(sink)}},
            "routes": [{"name": "all", "sink": "files"}], "metadata": {"enabled": False}, **changes})

    def documents(self, pod="*"):
        """In the order in which they are stored."""
        printed = subprocess.run([BINARY, "cat", self.directory, "--pod", pod], capture_output=True, timeout=100)
        return [json.loads(line) for line in printed.stdout.splitlines()]

    def messages(self, pod="*"):
        return [document.get("message") for document in self.documents(pod)]

    def arrives(self, pod, wanted, seconds=20):
        """Waits until it holds these messages of that pod, each once and in order."""
        eventually(lambda: len(self.messages(pod)) >= len(wanted), seconds,
                   lambda: f"{len(self.messages(pod))} of {len(wanted)} of {pod}\n{self.agent.log()[-5000:]}")
        found = self.messages(pod)
        first = next((i for i, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), None)
        assert found == wanted, f"{len(found)} instead of {len(wanted)} of {pod}, the first difference at {first}"


@pytest.fixture
def archive(agent):
    return Archive(agent)


@pytest.fixture
def dice():
    print(f"HINOMI_SEED={SEED} makes the same choices")
    return random.Random(SEED)
