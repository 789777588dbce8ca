"""What the agent itself notices: it is shipped by the routes of the container that it is about, and hinomi timeline
tells it when everything else is dead."""
import json
import shutil
import itertools
import signal

import pytest

import fault_server as fault
from agent import command
from containers import Runtime
from waiting import eventually

SCREEN = {"type": "stdout"}


def events(agent, action=None):
    """What the agent has written to its standard output of events so far; what a kill made it send twice, once."""
    written = [json.loads(line) for line in agent.log().splitlines() if line.startswith('{"@timestamp"')]
    found = {(document["log"]["file"]["path"], document["log"]["offset"]): document for document in written}.values()
    assert all("event" in document["hinomi"] for document in found), "a route for events alone has lines"
    return [document for document in found if action in (None, document["hinomi"]["event"]["action"])]


def arrived(agent, action, count=1, seconds=20):
    return eventually(lambda: events(agent, action) if len(events(agent, action)) >= count else None, seconds,
                      lambda: f"{len(events(agent, action))} of {count} {action}\n{agent.log()}")


def configure(agent, server, **changes):
    """Lines go to the server, events to the screen."""
    agent.configure({}, **{
        "sinks": {"search": {"type": "elasticsearch", "endpoints": [server.url], "batch_bytes": "64KiB"},
                  "screen": {**SCREEN, "batch_bytes": "64KiB"}},
        "routes": [{"name": "lines", "sink": "search"}, {"name": "events", "sink": "screen", "events": "only"}],
        "metadata": {"enabled": False}, "limits": {"in_flight_bytes_max": "1MiB"}, **changes})


def timeline(agent, *words):
    result = command("timeline", "--config", str(agent.config), *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def hold_up(agent, server, log, mebibytes=4):
    """Writes more than a sink that takes nothing lets the agent read."""
    server.faults = itertools.repeat(fault.answer(503))
    agent.start()
    log.line("first")
    eventually(lambda: agent.metric("hinomi_sink_in_flight_bytes", sink="search"), 10, agent.log)
    for _ in range(mebibytes << 10):
        log.line("x" * 1000)
    eventually(lambda: (agent.metric("hinomi_log_bytes_produced_total", route="lines") or 0) >= log.size(), 20, agent.log)


def expect_gap_records(agent, log, reason):
    record = arrived(agent, "bytes-lost", seconds=60)[0]
    lost = agent.metric("hinomi_log_bytes_lost_total", route="lines", reason=reason)
    event = record["hinomi"]["event"]
    assert event["bytes"] == event["end"] - event["begin"] == lost > 0
    assert event["reason"] == reason and event["route"] == "lines" and event["log"] == str(log.path)
    pod = record["kubernetes"]
    assert (pod["namespace"], pod["pod"]["name"], pod["pod"]["uid"]) == (log.namespace, log.pod, log.uid)
    assert pod["container"]["name"] == log.container
    assert "x" * 100 not in agent.log()
    assert f"{log.namespace}/{log.pod}/{log.container}: {lost:.0f} bytes of the log are lost" in timeline(agent)
    assert agent.metric("hinomi_ledger_imbalance_bytes") == 0
    assert agent.metric("hinomi_gap_records_missing_total") == 0


def test_a_truncation_leaves_a_gap_record(agent, log_of, fault_server):
    log = log_of("cut-off")
    configure(agent, fault_server)
    hold_up(agent, fault_server, log)
    # The first line stays, so that what is cut off is cut off one and the same file.
    with open(log.path, "r+b") as file:
        file.truncate(0)
    log.line("after")
    fault_server.faults = iter(())
    expect_gap_records(agent, log, "truncated")


def test_a_full_escrow_leaves_a_gap_record(agent, log_of, fault_server, directory):
    log = log_of("given-up")
    configure(agent, fault_server,
              escrow={"directory": str(directory / "escrow"), "bytes_max": "1MiB", "free_percent_min": 0})
    hold_up(agent, fault_server, log)
    shutil.rmtree(log.path.parents[1])
    given_up = arrived(agent, "escrow-full", seconds=60)
    fault_server.faults = iter(())
    expect_gap_records(agent, log, "escrow_full")
    assert given_up[0]["hinomi"]["event"]["bytes"] >= 4 << 20


def test_a_sink_goes_down_and_comes_back(agent, log_of, fault_server):
    log = log_of("pod")
    configure(agent, fault_server)
    fault_server.faults = itertools.repeat(fault.answer(503, b"no room"))
    agent.start()
    log.line("waits")
    down = arrived(agent, "sink-down")[0]["hinomi"]["event"]
    assert down["sink"] == "search" and "503" in down["reason"]
    fault_server.faults = iter(())
    up = arrived(agent, "sink-up", seconds=30)[0]["hinomi"]["event"]
    assert up["sink"] == "search" and 5000 <= up["down_milliseconds"] < 40000
    assert len(events(agent, "sink-down")) == len(events(agent, "sink-up")) == 1
    text = timeline(agent, "--since", "10m")
    assert text.index("sink-down") < text.index("sink-up")


def test_each_start_tells_how_the_last_run_ended(agent, fault_server):
    configure(agent, fault_server)
    agent.start()
    assert agent.stop() == 0
    agent.start()
    agent.kill()
    configure(agent, fault_server, cluster="another")
    agent.start()
    ends = [document["hinomi"]["event"]["last_end"] for document in arrived(agent, "agent-started", 3)]
    assert ends == ["none", "clean", "unclean"]
    changed = arrived(agent, "configuration-changed")
    assert len(changed) == 1 and changed[0]["orchestrator"]["cluster"]["name"] == "another"
    stopped = arrived(agent, "agent-stopped")
    assert len(stopped) == 1 and stopped[0]["hinomi"]["event"]["reason"] == "Terminated"
    assert agent.stop() == 0
    # Nothing of it comes twice, and the timeline knows the rest too.
    told = [json.loads(line) for line in timeline(agent, "--json").splitlines()]
    actions = [entry["event"]["hinomi"]["event"]["action"] for entry in told]
    assert actions == ["agent-started", "agent-stopped", "agent-started", "agent-started", "configuration-changed",
                       "agent-stopped"]
    assert [entry["time"] for entry in told] == [document["@timestamp"] for document in events(agent)]


@pytest.mark.parametrize("words, wanted", [
    (["--since", "soon"], "expected a time such as"),
    (["--set", "state_dir=/nonexistent"], "/nonexistent/events"),
    (["--sinse", "1h"], "--sinse"),
])
def test_a_timeline_that_cannot_be_told_says_why(words, wanted):
    result = command("timeline", *words)
    assert result.returncode != 0 and wanted in result.stderr


def test_the_last_words_of_a_container(agent, container_runtime, directory):
    runtime = Runtime(container_runtime.state / "containerd.sock", directory / "generated")
    agent.pods = container_runtime.state / "var/log/event-pods"
    agent.pods.mkdir(parents=True)
    agent.configure({}, sinks={"lines": {"type": "archive", "directory": str(directory / "archive")}, "screen": SCREEN},
                    routes=[{"name": "lines", "sink": "lines"}, {"name": "events", "sink": "screen", "events": "only"}],
                    metadata={"cri_socket": str(container_runtime.state / "containerd.sock")})
    agent.start()

    def told(action):
        """Of these containers: the runtime may remember those of others."""
        return [document for document in events(agent, action)
                if document["kubernetes"]["pod"]["name"] in ("dying", "done", "hidden")]
    try:
        identity = runtime.run(agent.pods, "dying", "for i in $(seq 30); do echo word $i; done; exit 3",
                               labels={"app": "poet"})
        runtime.run(agent.pods, "done", "echo fine")
        runtime.run(agent.pods, "hidden", "echo secret; exit 4", annotations={"hinomi.io/exclude": "true"})
        died = eventually(lambda: told("container-died"), 20, agent.log)[0]
        completed = eventually(lambda: told("container-completed"), 20, agent.log)[0]
    finally:
        runtime.close()
    event = died["hinomi"]["event"]
    assert event["exit_code"] == 3 and event["reason"] == "Error" and event["restart"] == 0
    assert event["last_lines"] == [f"word {i}" for i in range(11, 31)]
    assert died["kubernetes"]["labels"] == {"app": "poet"} and died["container"]["id"] == identity
    assert completed["kubernetes"]["pod"]["name"] == "done"
    # No more of it after a restart, and what asked not to be shipped is not.
    agent.signal(signal.SIGKILL)
    agent.process.wait()
    agent.start()
    eventually(lambda: agent.metric("hinomi_metadata_source_up", source="runtime") == 1, 15, agent.log)
    arrived(agent, "agent-started", 2)
    assert {document["kubernetes"]["pod"]["name"] for document in told(None)
            if document["hinomi"]["event"]["action"].startswith("container-")} == {"dying", "done"}
    assert len(told("container-died")) == 1
    assert "secret" not in agent.log()
    text = timeline(agent, "--pod", "dying")
    assert "default/dying/main: ended with exit code 3 (Error)" in text and "    | word 30\n" in text
    assert "word 10\n" not in text and "agent-started" not in text
