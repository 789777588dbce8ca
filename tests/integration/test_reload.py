"""Another configuration while the agent runs: a signal, a file that is replaced, and what becomes of the lines."""
import collections
import itertools
import json
import os
import pathlib
import signal
import threading
import time

import pytest
import yaml

import archives
from agent import command
from waiting import eventually, free_ports

pytestmark = pytest.mark.sinks

RELOADS = 1000 if os.environ.get("HINOMI_TORTURE") else 50
PODS = 5


class Reloaded:
    """An agent whose configuration is a file behind links, as in a volume of Kubernetes."""

    def __init__(self, agent):
        self.agent, self.files = agent, itertools.count()
        agent.configure({})
        self.rest = yaml.safe_load(agent.config.read_text())
        self.volume = agent.directory / "volume"
        self.volume.mkdir()
        agent.config.unlink()
        agent.config.symlink_to("volume/..data/config.yaml")

    def write(self, sinks, routes, **changes):
        version = self.volume / f"..{next(self.files)}"
        version.mkdir()
        routes = [{"name": name, "sink": sink, "events": "exclude", **more} for name, sink, more in routes]
        (version / "config.yaml").write_text(yaml.safe_dump({**self.rest, "sinks": sinks, "routes": routes, **changes}))
        link = self.volume / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.volume / "..data")

    def archive(self, name, **changes):
        return {"type": "archive", "directory": str(self.agent.directory / name), "sync_every": "20ms", **changes}

    def outcomes(self):
        return {outcome: self.agent.metric("hinomi_config_reload_total", result=outcome)
                for outcome in ("applied", "unchanged", "refused")}

    def reload(self, by_signal=True):
        """Waits until it has taken effect, or was refused."""
        before = self.outcomes()
        if by_signal:
            self.agent.signal(signal.SIGHUP)
        eventually(lambda: self.outcomes() != before, 20, self.agent.log)

    def holds(self):
        """Its threads by name, and its descriptors by what they are, but for connections, which come and go."""
        process = pathlib.Path(f"/proc/{self.agent.process.pid}")
        files = collections.Counter()
        for entry in os.listdir(process / "fd"):
            try:
                target = os.readlink(process / "fd" / entry)
            except FileNotFoundError:
                continue
            if not target.startswith("socket:"):
                files[target] += 1
        return collections.Counter(path.read_text() for path in process.glob("task/*/comm")), files


@pytest.fixture
def reloaded(agent):
    return Reloaded(agent)


@pytest.fixture
def load(log_of):
    """Five pods that write until it is asked to end; gives the lines of each."""
    logs, stop = [log_of(f"pod-{number}") for number in range(PODS)], threading.Event()
    written = collections.defaultdict(list)

    def write():
        for number in itertools.count():
            for log in logs:
                log.line(f"line {number}")
                written[log.pod].append(f"line {number}")
            if stop.wait(0.002):
                return

    def end():
        stop.set()
        thread.join()
        return written
    thread = threading.Thread(target=write)
    thread.start()
    yield end
    end()


def ledger(agent):
    done = command("ledger", "--config", str(agent.config), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {entry["route"]: entry for entry in json.loads(done.stdout)["routes"]}


def test_fifty_reloads_lose_nothing_and_leave_nothing_behind(agent, reloaded, load):
    """Routes are removed, renamed, moved and put into another order, sinks come and go, one of them never answers; the
    route that stays has each line once."""
    dead = {"type": "elasticsearch", "endpoints": [f"http://127.0.0.1:{free_ports()}"]}
    keep, other = reloaded.archive("keep"), reloaded.archive("other")
    first = {"keep": keep, "dead": dead}, [("all", "keep", {}), ("down", "dead", {})]
    variants = [
        first,
        ({"keep": keep, "dead": dead}, [("down", "dead", {}), ("all", "keep", {})]),
        ({"keep": keep, "dead": dead, "other": other},
         [("some", "other", {"match": {"pod": "pod-[01]"}}), ("down", "dead", {}), ("all", "keep", {})]),
        ({"keep": keep, "other": other}, [("all", "keep", {}), ("renamed", "other", {"start": "now"})]),
        ({"keep": keep, "dead": {**dead, "batch_bytes": "1MiB"}}, [("all", "keep", {}), ("down", "dead", {})]),
        ({"keep": {**keep, "level": 3}, "dead": dead}, [("all", "keep", {}), ("down", "dead", {})]),
    ]
    reloaded.write(*first)
    agent.start()
    reloaded.reload()
    eventually(lambda: "lines stay" in agent.log() or "nothing is lost" in agent.log(), 20, agent.log)
    before = None
    for number in range(1, RELOADS + 1):
        reloaded.write(*variants[number % len(variants)])
        # The second way takes two seconds.
        reloaded.reload(by_signal=number % 25 != 0)
        if number == len(variants):
            before = reloaded.holds()
    reloaded.write(*first)
    reloaded.reload()
    written = load()
    eventually(lambda: archives.count(agent.directory / "keep") >= sum(map(len, written.values())), 30, agent.log)
    assert archives.messages(agent.directory / "keep") == written

    def settles():
        threads, files = reloaded.holds()
        return threads == before[0] and not files - before[1]
    eventually(settles, 20, lambda: f"{before}\nthen\n{reloaded.holds()}")

    routes = ledger(agent)
    assert not any(entry["imbalance_bytes"] for entry in routes.values()), routes
    assert routes["all"]["acknowledged_bytes"] == routes["all"]["produced_bytes"]
    assert routes["down"]["dropped_bytes"]["route_removed"] > 0, "it was removed and had delivered nothing"
    assert agent.metric("hinomi_sink_up", sink="other") is None and agent.metric("hinomi_sink_up", sink="dead") == 0
    assert agent.stop() == 0


def test_what_is_wrong_is_said_and_what_was_there_goes_on(agent, reloaded, log_of):
    keep = {"keep": reloaded.archive("keep")}
    reloaded.write(keep, [("all", "keep", {})])
    agent.start()
    log = log_of("web-1")
    reloaded.write({"keep": {**keep["keep"], "sync_evry": "1s"}}, [("all", "keep", {})])
    reloaded.reload(by_signal=False)
    assert agent.metric("hinomi_config_reload_failed") == 1
    assert "sync_evry" in agent.log() and "the one before goes on" in agent.log()
    log.line("still there")
    eventually(lambda: archives.count(agent.directory / "keep") == 1, 20, agent.log)
    reloaded.write(keep, [("all", "keep", {})], cluster="other", limits={"namespaces_max": 7})
    reloaded.reload()
    assert agent.metric("hinomi_config_reload_failed") == 0
    assert "what it says of cluster, limits takes effect at the next start" in agent.log()
    log.line("and again")
    eventually(lambda: archives.count(agent.directory / "keep") == 2, 20, agent.log)


def test_a_stream_goes_on_in_another_index(agent, reloaded, load, elasticsearch, index):
    """A real server: what changes is the sink, and each line is in one of both data streams, once."""
    sinks = [{"search": {"type": "elasticsearch", "endpoints": [elasticsearch.url], "index": name}}
             for name in (index, f"{index}.more")]
    reloaded.write(sinks[0], [("all", "search", {})])
    agent.start()
    eventually(lambda: elasticsearch.count(index) > 100, 20, agent.log)
    reloaded.write(sinks[1], [("all", "search", {})])
    reloaded.reload()
    eventually(lambda: elasticsearch.count(f"{index}.more") > 100, 20, agent.log)
    written = load()
    total = sum(map(len, written.values()))
    eventually(lambda: elasticsearch.count(index) + elasticsearch.count(f"{index}.more") >= total, 30, agent.log)
    time.sleep(1)
    found = collections.defaultdict(list)
    for name in (index, f"{index}.more"):
        for document in elasticsearch.documents(name):
            found[document["kubernetes.pod.name"]].append(document["message"])
    assert {pod: sorted(lines) for pod, lines in found.items()} == {pod: sorted(lines) for pod, lines in written.items()}
