"""The measuring tools are honest: what arrived is counted, and what was taken away, doubled or cut is seen."""
import gzip
import json
import pathlib
import subprocess
import sys
import time

import pytest
import requests

import agent as agent_module
from agent import ROOT
from waiting import eventually

sys.path.insert(0, str(ROOT / "bench/race"))
from processes import Sink  # noqa: E402  (the race is no package)

TOOLS = pathlib.Path(agent_module.BINARY).parent


@pytest.fixture
def sink(directory):
    with Sink(TOOLS / "hinomi_counting_sink", directory / "sink.log") as sink:
        yield sink


def generate(directory, *options):
    """Writes logs as the race does; returns their files, and the summary."""
    summary = directory / "summary"
    subprocess.run([TOOLS / "hinomi_race_generator", "--pods-dir", directory / "pods", "--summary", summary, *options],
                   check=True, timeout=30)
    return sorted((directory / "pods").glob("*/*/*.log")), summary.read_bytes()


def ship(agent, sink, documents):
    agent.configure({"endpoints": [f"http://127.0.0.1:{sink.port}"]})
    agent.start()
    eventually(lambda: sink.stats()["documents"] >= documents, 20, lambda: f"{sink.stats()}\n{agent.log()}")
    assert agent.stop() == 0
    stats = sink.stats()
    return {name: stats[name] for name in ("distinct", "lost", "duplicated", "broken")}


@pytest.mark.parametrize("scenario, shippers, lines", [
    ("backlog", ["hinomi", "rsyslog"], 20000), ("rotation", ["hinomi"], 30000), ("kill", ["hinomi"], 20000)])
def test_a_race_loses_nothing(directory, scenario, shippers, lines):
    command = [ROOT / "bench/race/race.py", "--tools", TOOLS, "--shippers", ",".join(shippers), "--scenarios", scenario,
               "--lines", "20000", "--pods", "7", "--kind", "mixed", "--rate", "6000", "--seconds", "5",
               "--settle-seconds", "1", "--work-dir", directory, "--results", directory / "results"]
    race = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert race.returncode == 0, race.stderr + race.stdout
    (facts,) = (json.loads(path.read_text()) for path in (directory / "results").glob("*-race.json"))
    assert [run["shipper"] for run in facts["runs"]] == shippers
    for run in facts["runs"]:
        assert run["scenario"] == scenario and run["distinct"] == run["lines"] == lines
        assert (run["lost"], run["duplicated"], run["broken"]) == (0, 0, 0), run
        assert run["repeated"] == 0 or scenario == "kill", run
        assert run["peak_mib"] > 1 and 0.05 < run["wire_bytes_per_raw_byte"] < 5
        assert (run["cpu_seconds_per_million"] is None) == (scenario == "kill")
        assert (run["p99_ms"] is None) == (scenario != "rotation")
    assert list(directory.glob("hinomi-race-*")) == []
    (table,) = (directory / "results").glob("*-race.md")
    assert ("omelasticsearch" in table.read_text()) == ("rsyslog" in shippers)  # the configurations are in it


def test_planted_faults_are_three_numbers(agent, directory, sink):
    logs, summary = generate(directory, "--lines", "300", "--pods", "3", "--kind", "mixed")
    lines = [log.read_bytes().splitlines(keepends=True) for log in logs]
    del lines[0][99]                                       # lost: the last of its pod
    del lines[0][10]
    lines[1].append(lines[1][50])                          # doubled
    lines[2][70] = lines[2][70][:150] + b"\n"              # broken: cut
    lines[2][80] = lines[2][80][:-1] + lines[2].pop(81)    # two lines glued together
    for log, those in zip(logs, lines):
        log.write_bytes(b"".join(those))
    sink.set_written(summary)
    assert ship(agent, sink, 298) == {"distinct": 295, "lost": 5, "duplicated": 1, "broken": 2}


def test_the_summary_says_what_was_written(directory):
    logs, summary = generate(directory, "--lines", "1000", "--pods", "3", "--seed", "7")
    wanted = [f"{pod} {log.read_bytes().count(10)} {log.stat().st_size}" for pod, log in enumerate(
        sorted(logs, key=lambda log: log.parent.parent.name.rpartition("_")[2]))]
    assert summary.decode().splitlines() == wanted
    assert sum(log.read_bytes().count(10) for log in logs) == 1000


def test_live_lines_keep_their_rate_and_rotate(directory):
    began = time.monotonic()
    _, summary = generate(directory, "--lines", "6000", "--pods", "2", "--rate", "2000", "--rotate-bytes", "100000",
                          "--check-seconds", "1")
    assert 2.9 < time.monotonic() - began < 6
    assert [line.split()[1] for line in summary.decode().splitlines()] == ["3000", "3000"]
    for pod in (directory / "pods").glob("*/app"):
        rotated = sorted(pod.glob("0.log.*"))
        assert [path.suffix == ".gz" for path in rotated] == [True] * (len(rotated) - 1) + [False], rotated
        assert len(rotated) in (2, 3)
        text = b"".join(gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
                        for path in [*rotated, pod / "0.log"])
        assert [int(line.split(b"~race:")[1].split(b":")[1]) for line in text.splitlines()] == list(range(3000))


def test_the_sink_answers_what_shippers_ask(sink):
    session = requests.Session()
    session.trust_env = False

    def ask(method, path, **options):
        return session.request(method, f"http://127.0.0.1:{sink.port}{path}", timeout=5, **options)
    home = ask("GET", "/")
    assert home.json()["version"]["number"].startswith("8.") and home.headers["X-Elastic-Product"] == "Elasticsearch"
    assert ask("GET", "/_license").json()["license"]["status"] == "active"
    assert ask("PUT", "/_index_template/x", json={}).json()["acknowledged"]
    head = ask("HEAD", "/_cat/indices/x")
    assert head.ok and not head.content
    body = b'{"create":{}}\n{"log":"~race:0:%d:1 ~ecar:0:%d"}\n'
    for number, encoding in enumerate(("identity", "gzip")):
        data = body % (number, number)
        answer = ask("POST", "/_bulk?filter_path=x", data=gzip.compress(data) if encoding == "gzip" else data,
                     headers={"Content-Encoding": encoding, "Expect": "100-continue"})
        assert answer.json() == {"took": 1, "errors": False, "items": [{"create": {"status": 201}}]}
    named = b'{"create":{"_id":"x"}}\n{"log":"~race:0:3:1 ~ecar:0:3"}\n'
    twice = ask("POST", "/logs/_bulk", data=named + named).json()
    assert twice["errors"] and [item["create"]["status"] for item in twice["items"]] == [201, 409]
    assert ask("POST", "/insert/jsonline", data=body.splitlines()[1] % (2, 2)).ok
    assert ask("POST", "/_bulk", data=b"x", headers={"Content-Encoding": "br"}).status_code == 415
    assert ask("POST", "/written", data=b"x").status_code == 400
    stats = sink.stats()
    assert (stats["distinct"], stats["broken"], stats["repeated"], stats["requests"]) == (4, 0, 1, 4)
