"""An agent whose archive is what it has delivered: no server is needed to see what became of a line."""
import json
import pathlib
import random
import subprocess
import sys

import pytest

from agent import BINARY, ROOT
from agent_fixtures import *  # noqa: F401,F403  (fixtures are found by their names here)
from scale import SEED
from waiting import eventually

sys.path.insert(0, str(ROOT / "bench/race"))
from processes import Sink  # noqa: E402  (the race is no package)

TOOLS = pathlib.Path(BINARY).parent


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


class Race:
    """The race's generator of marked lines, and its server that takes everything and says what it has not seen."""

    def __init__(self, agent, sink):
        self.agent, self.sink, self.summary = agent, sink, agent.directory / "summary"

    def configure(self, **changes):
        self.agent.configure({"endpoints": [f"http://127.0.0.1:{self.sink.port}"]}, metadata={"enabled": False},
                             **changes)

    def write(self, *options, seconds):
        subprocess.run([TOOLS / "hinomi_race_generator", "--pods-dir", self.agent.pods, "--summary", self.summary,
                        *map(str, options)], check=True, timeout=seconds)

    def arrives(self, lines, seconds, meanwhile=lambda: None):
        """Waits until the sink has seen all lines, each whole and once."""
        def all_there():
            meanwhile()
            return self.sink.stats()["distinct"] >= lines
        eventually(all_there, seconds, lambda: f"{self.sink.stats()}\n{self.agent.log()[-5000:]}")
        self.sink.set_written(self.summary.read_bytes())
        stats = self.sink.stats()
        assert (stats["lost"], stats["duplicated"], stats["broken"]) == (0, 0, 0)


@pytest.fixture
def race(agent, directory):
    with Sink(TOOLS / "hinomi_counting_sink", directory / "sink.log") as sink:
        yield Race(agent, sink)
        agent.kill()
