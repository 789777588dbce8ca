"""What an operator asks at a terminal: hinomi ledger, explain, check and purge, against a running agent and without."""
import itertools
import json
import pathlib
import re
import socket
import time

import pytest

import fault_server as fault
from agent import command
from waiting import eventually, free_ports

ROW = re.compile(r"^(\S+) +(\S+) +(\S+) +(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", re.MULTILINE)


@pytest.fixture
def hinomi(agent):
    """Runs a subcommand with the agent's configuration, and returns its output."""
    def run(*words, status=0):
        result = command(*words, "--config", str(agent.config))
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout + result.stderr
    return run


@pytest.fixture
def explain(hinomi):
    """What is said of a pod: sentence and remedy, by kind."""
    def ask(pod):
        answer = json.loads(hinomi("explain", pod, "--json"))
        sentences = answer["notes"] + [sentence for log in answer["logs"] for sentence in log["sentences"]]
        return {sentence["kind"]: f'{sentence["text"]} {sentence["remedy"]}' for sentence in sentences}
    return ask


def become(explain, pod, kind, seconds=15):
    """The sentence of that kind, once it is said of the pod."""
    return eventually(lambda: explain(pod).get(kind), seconds, lambda: f"no {kind}: {explain(pod)}")


def know(agent, log, labels=None, annotations=None):
    """The agent's next start finds this metadata of the log's pod in its state."""
    directory = agent.state / "metadata"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{log.uid}.json").write_text(json.dumps({
        "uid": log.uid, "namespace": log.namespace, "name": log.pod, "labels": labels or {},
        "annotations": annotations or {}, "owner_kind": "", "owner_name": "", "owner_uid": "", "from_kubelet": 0,
        "containers": [{"name": log.container, "attempt": 0, "id": "5eed" * 16, "image": "", "image_digest": "",
                        "runtime": "containerd", "state": 2, "exit_code": 0, "reason": "", "started": 1,
                        "finished": 0}]}))


def two_sinks(agent, url, dead, **changes):
    """Route `all` takes namespace shop to `search` and ends there; `money` takes billing to `spare`, which is down."""
    agent.configure({}, **{
        "host_root": str(agent.directory), "escrow": {"directory": "/escrow", "free_percent_min": 0},
        "sources": {"kubernetes": {"pods_dir": "/pods", "exclude": [{"namespace": "kube-system"}]}},
        "sinks": {"search": {"type": "elasticsearch", "endpoints": [url]},
                  "spare": {"type": "elasticsearch", "endpoints": [dead]}},
        "routes": [{"name": "all", "sink": "search", "match": {"namespace": "shop"}, "stop": True},
                   {"name": "money", "sink": "spare", "match": {"namespace": "billing"}, "stop": True},
                   {"name": "db", "sink": "spare", "match": {"labels": {"app": "db*"}}}], **changes})


def write(log, count, body="a line of the log"):
    for _ in range(count):
        log.line(body)


def test_explains_each_reason(agent, log_of, fault_server, hinomi, explain):
    fault_server.faults = itertools.repeat(fault.refuse("poison"))
    dead = f"http://127.0.0.1:{free_ports()}"
    two_sinks(agent, fault_server.url, dead)
    web, pay = log_of("web-1", namespace="shop", container="nginx"), log_of("pay-0", namespace="billing")
    hidden, other, system = log_of("hidden", namespace="shop"), log_of("other"), log_of("dns", namespace="kube-system")
    empty, linked = log_of("empty", namespace="shop"), log_of("linked", namespace="shop")
    know(agent, hidden, annotations={"hinomi.io/exclude": "true"})
    know(agent, other, labels={"app": "web"})
    linked.path.unlink()
    linked.path.symlink_to("/etc/hostname")
    for log in (web, pay, hidden, other, system):
        write(log, 20)
    web.line("poison")
    empty.raw(b"2026-01-01T00:00:00Z stdout F no end")
    agent.start()

    assert "wrong" not in hinomi("explain", "web-1")
    refused = become(explain, "shop/web-1/nginx", "refused")
    assert refused.startswith("1 of its container's records was refused for good, the last at 2")
    assert "document_parsing_exception: [1:20] failed to parse field [message]" in refused
    assert f"{agent.state}/dead_letters" in refused
    web_kinds = explain("web-1")
    taken = f'Route "all" (1st) takes it to sink "search" (elasticsearch: {fault_server.url}'
    assert web_kinds["route_taken"].startswith(taken)
    assert "settled" in web_kinds and "behind" not in web_kinds and "lost" not in web_kinds

    failing = become(explain, "pay-0", "sink_failing")
    assert dead in failing and "Connection refused" in failing and "the next attempt is in" in failing
    behind = explain("billing/pay-*")["behind"]
    assert re.match(r"(1.\d KiB) of \1 are still to come; the oldest have waited for \d", behind), behind

    assert list(explain("hidden")) == ["excluded_by_annotation"]
    assert list(explain("dns")) == ["excluded"]
    assert explain("dns")["excluded"].startswith("sources.kubernetes.exclude[0] excludes it.")
    nowhere = hinomi("explain", "other")
    assert 'Route "all" (1st) does not take it: its namespace "default" does not match "shop".' in nowhere
    assert 'Route "db" (3rd) does not take it: its label app "web" does not match "db*".' in nowhere
    assert "no route takes it" in nowhere
    assert "no_line" in explain("empty") or "open_record" in explain("empty")
    assert "0.log" in explain("linked")["path_refused"]
    unknown = explain("nobody")
    assert list(unknown) == ["not_found"]
    assert 'node "node-1"' in unknown["not_found"] and "/pods" in unknown["not_found"]

    # By the id of its container, and what is no name at all.
    assert "other" in hinomi("explain", "containerd://" + "5eed" * 16)
    assert "expected pod, namespace/pod" in hinomi("explain", "a//b", status=2)

    # The agent is gone: the configuration and the disk still say most of it.
    agent.kill()
    offline = hinomi("explain", "web-1")
    assert "No agent has answered" in offline and f"127.0.0.1:{agent.port}" in offline
    assert 'Route "all" (1st) would take it to sink "search"' in offline and "refused for good" in offline
    assert list(explain("hidden")) == ["no_agent", "files", "excluded_by_annotation"]
    assert "excluded" in explain("dns") and "no_route" in explain("other") and "not_found" in explain("nobody")
    assert list(explain("linked")) == ["no_agent", "path_refused"]
    agent.pods.rename(agent.directory / "elsewhere")
    assert "pods" in explain("web-1")["directory_missing"]


def test_says_what_was_lost_and_by_whom(agent, log_of, fault_server, hinomi, explain):
    dead = f"http://127.0.0.1:{free_ports()}"
    two_sinks(agent, dead, dead, escrow={"directory": ""})
    log = log_of("web-1", namespace="shop")
    write(log, 50)
    size = log.size()
    agent.start()
    eventually(lambda: agent.metric("hinomi_ledger_bytes", route="all", state="pending") == size, 10, agent.log)
    held = become(explain, "web-1", "held_by_descriptors")
    assert "1 of its files is held by a descriptor alone" in held and "the escrow is switched off" in held
    assert "escrow: the escrow is switched off" in agent.ready().text and agent.ready().ok
    assert "warning: escrow.directory: it is switched off" in hinomi("check")
    eventually(lambda: agent.metric("hinomi_checkpoint_age_seconds") == 0, 10, agent.log)
    agent.kill()
    log.path.write_bytes(b"")
    log.line("another beginning")
    two_sinks(agent, fault_server.url, dead)
    agent.start()
    lost = become(explain, "web-1", "lost")
    assert "are lost (" in lost
    eventually(lambda: "It balances" in hinomi("ledger") and f"lost: {size} " in hinomi("ledger"), 10,
               lambda: hinomi("ledger"))
    assert "escrow" not in agent.ready().text


def test_says_that_it_waits_for_metadata(agent, log_of, fault_server, explain):
    socket_path = agent.directory / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_path))
        listener.listen(16)
        two_sinks(agent, fault_server.url, fault_server.url,
                  metadata={"cri_socket": "/silent.sock", "wait_max": "4s"})
        agent.start()
        log_of("web-1", namespace="shop").line("first")
        waiting = become(explain, "web-1", "waiting_for_metadata", 4)
        assert "for the container runtime to say who it is; after 4.0 s it goes on without" in waiting
        assert "metadata.cri_socket" in waiting
        become(explain, "web-1", "metadata_missing")
        become(explain, "web-1", "delivered")


def test_says_which_limit_holds_it_up(agent, log_of, fault_server, explain):
    two_sinks(agent, fault_server.url, fault_server.url,
              fairness=[{"namespace": "shop", "per": "pod", "bytes_per_second": "1KiB"}])
    log = log_of("web-1", namespace="shop")
    write(log, 1000, "x" * 1000)  # more than is read at a time
    agent.start()
    limited = become(explain, "web-1", "limited")
    assert re.match(r"Its pod has used up its limit of 1.0 KiB per second; it goes on in \d+ ", limited), limited
    assert "Raise fairness[0].bytes_per_second" in limited


def test_the_ledger_adds_up(agent, log_of, fault_server, hinomi):
    dead = f"http://127.0.0.1:{free_ports()}"
    two_sinks(agent, fault_server.url, dead)
    logs = [log_of(f"web-{i}", namespace="shop", container="nginx") for i in range(3)]
    pay = log_of("pay-0", namespace="billing")
    for count, log in enumerate([*logs, pay], 10):
        write(log, count)
    agent.start()
    total = sum(log.size() for log in [*logs, pay])
    eventually(lambda: f"It balances: {total} produced = {total - pay.size()} acknowledged + 0 dropped + 0 lost + "
               f"{pay.size()} pending." in hinomi("ledger"), 15, lambda: hinomi("ledger"))
    rows = [list(map(int, row.groups()[5:])) for row in ROW.finditer(hinomi("ledger"))]
    assert len(rows) == 4 and all(produced == sum(rest) for produced, *rest in rows)
    assert sum(row[0] for row in rows) == total

    one = json.loads(hinomi("ledger", "--json", "--pod", "web-1"))
    assert one["balanced"] and [log["pod"] for log in one["logs"]] == ["web-1"]
    assert one["logs"][0]["produced_bytes"] == logs[1].size() == one["routes"][0]["acknowledged_bytes"]
    assert one["logs"][0]["pod_uid"] == logs[1].uid and one["left_out"]["logs"] == 0
    assert one["epoch"]["since"].endswith("Z") and abs(one["epoch"]["id"] - time.time()) < 300
    assert [log["pod"] for log in json.loads(hinomi("ledger", "--json", "--namespace", "bill*"))["logs"]] == ["pay-0"]
    few = agent.get("/api/v1/ledger?limit=1").json()
    assert [log["pod"] for log in few["logs"]] == ["pay-0"]  # what waits comes first
    assert few["left_out"]["logs"] == 3 and few["left_out"]["produced_bytes"] == total - pay.size()
    assert agent.get("/api/v1/ledger?limit=x").status_code == 400

    # A log that is gone still counts, over a restart too.
    size = logs[0].size()
    logs[0].path.unlink()
    logs[0].path.parent.rmdir()
    eventually(lambda: re.search(rf"^all +shop +\(gone\) +{size} ", hinomi("ledger"), re.MULTILINE), 15,
               lambda: hinomi("ledger"))
    epoch = one["epoch"]
    eventually(lambda: agent.metric("hinomi_checkpoint_age_seconds") == 0, 10, agent.log)
    agent.kill()
    assert "Start it with hinomi run" in hinomi("ledger", status=1)
    agent.start()
    eventually(lambda: f"It balances: {total} produced" in hinomi("ledger"), 15, lambda: hinomi("ledger"))
    assert agent.get("/api/v1/ledger").json()["epoch"] == epoch
    assert "It balances" in hinomi("ledger", "--address", f"127.0.0.1:{agent.port}")


def test_asks_with_the_token(agent, log_of, fault_server, hinomi):
    token = agent.directory / "token"
    token.write_text("open sesame\n")
    agent.configure({"endpoints": [fault_server.url]},
                    http={"listen": f"127.0.0.1:{agent.port}", "token_file": str(token)})
    log_of("web-1").line("first")
    agent.start()
    assert agent.get("/api/v1/ledger").status_code == agent.get("/api/v1/explain?pod=web-1").status_code == 401
    assert "It balances" in hinomi("ledger")
    assert "web-1" in hinomi("explain", "web-1")
    agent.configure({"endpoints": [fault_server.url]})
    refused = hinomi("ledger", status=1)
    assert "answered 401" in refused and "http.token_file" in refused
    assert "answered 401" in hinomi("explain", "web-1", status=1)


def test_purge_removes_what_the_agent_has_written_and_nothing_else(agent, log_of, fault_server, hinomi):
    fault_server.faults = itertools.repeat(fault.refuse("poison"))
    archive = agent.directory / "archive"
    dead = f"http://127.0.0.1:{free_ports()}"
    two_sinks(agent, fault_server.url, dead, sinks={
        "search": {"type": "elasticsearch", "endpoints": [fault_server.url]},
        "spare": {"type": "elasticsearch", "endpoints": [dead]},
        "keep": {"type": "archive", "directory": str(archive), "sync_every": "1s"}}, routes=[
        {"name": "all", "sink": "search", "match": {"namespace": "shop"}},
        {"name": "money", "sink": "spare", "match": {"namespace": "billing"}}, {"name": "archive", "sink": "keep"}])
    web, pay = log_of("web-1", namespace="shop"), log_of("pay-0", namespace="billing")
    know(agent, web)
    write(web, 5)
    web.line("poison")
    write(pay, 20)
    agent.start()
    escrow = agent.directory / "escrow"
    escrow_of = lambda: [path for path in escrow.rglob("*") if path.is_file()]
    eventually(agent.dead_letters, 15, agent.log)
    eventually(lambda: list(archive.rglob("*.zst*")) and escrow_of(), 15, agent.log)
    # Its pod is gone and only the escrow has it.
    size = pay.size()
    pay.path.unlink()
    eventually(lambda: agent.metric("hinomi_checkpoint_age_seconds") == 0, 10, agent.log)
    refused = hinomi("purge", "--yes", status=1)
    assert "stop it first" in refused
    agent.kill()
    (agent.state / "notes.txt").write_text("mine")
    archived = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}

    shown = hinomi("purge", status=1)  # nobody at a terminal to agree
    assert "Nothing was removed; say --yes" in shown
    assert f"NOT DELIVERED yet: {size / 1024:.1f} KiB in 1 file of these" in shown
    for what in ("cursors and ledger", "metadata of pods", "dead letters", "files of logs that are held"):
        assert re.search(rf'{what} in "/.*": \d+ files?, ', shown), shown
    assert f'not the agent\'s: "{agent.state}/notes.txt"' in shown and f'the archive "keep" in "{archive}"' in shown
    assert agent.dead_letters() and escrow_of()

    assert "All of it is removed." in hinomi("purge", "--yes")
    assert [path.name for path in agent.state.rglob("*")] == ["notes.txt"]
    assert not escrow.exists()
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == archived
    assert web.path.read_bytes()
    again = hinomi("purge")
    assert "There is nothing of the agent's on this node." in again and "notes.txt" in again


def test_check_tries_the_escrow(agent, log_of, fault_server, hinomi):
    log_of("web-1", namespace="shop").line("first")
    two_sinks(agent, fault_server.url, fault_server.url)
    assert hinomi("check").splitlines()[-1] == "the configuration is valid"
    assert "escrow" not in hinomi("check") and not pathlib.Path(agent.directory, "escrow").exists()
    agent.start()
    assert "escrow" not in hinomi("check")  # its own agent has it
    two_sinks(agent, fault_server.url, fault_server.url, state_dir=str(agent.directory / "other"))
    assert "another agent has it" in hinomi("check")
