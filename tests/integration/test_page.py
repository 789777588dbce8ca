"""The status page, its API and who may see them: a real agent, a sink that takes records and one that is not there,
and a headless browser. With HINOMI_SCREENSHOTS=DIR the pictures are kept there for a person to look at."""
import base64
import itertools
import json
import os
import pathlib
import time

import pytest
import requests

from browser import Browser
from waiting import eventually, free_ports

PAGE = ["/", "/style.css", "/script.js", "/mark.svg"]
API = ["/api/v1/status", "/api/v1/status/stream"]
QUESTIONS = ["/api/v1/ledger?limit=0", "/api/v1/explain?pod=billing%2Fpay-0%2Fworker"]
CLUSTER = "東京 <img src=x onerror=alert(1)>"
FOR_MACHINES = ["/metrics", "/healthz", "/readyz"]
LOOKS = [("light", 1280, 900), ("dark", 1280, 900), ("light", 390, 844), ("dark", 390, 844)]


@pytest.fixture
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def two_sinks(agent, fault_server):
    """The agent's configuration: `search` takes everything; `copy` takes namespace shop once more; `spare`, which is not
    there, is to get namespace billing."""
    dead = f"http://127.0.0.1:{free_ports()}"
    agent.configure({}, node="node-1", cluster=CLUSTER, sinks={
        "search": {"type": "elasticsearch", "endpoints": [fault_server.url]},
        "spare": {"type": "elasticsearch", "endpoints": [dead]},
        "copy": {"type": "stdout"},
    }, routes=[{"name": "all", "sink": "search"},
               {"name": "again", "sink": "copy", "match": {"namespace": "shop"}},
               {"name": "money", "sink": "spare", "match": {"namespace": "billing"}}])
    return dead


def ask(agent, path="/api/v1/status", **headers):
    session = requests.Session()
    session.trust_env = False
    return session.get(f"http://127.0.0.1:{agent.port}{path}", headers=headers, timeout=5, stream=path.endswith("stream"))


def status_when(agent, condition, seconds=15):
    """The first status that `condition` holds for."""
    seen = []

    def look():
        seen[:] = [agent.get("/api/v1/status").json()]
        return condition(seen[0])
    eventually(look, seconds, lambda: json.dumps(seen, indent=1))
    return seen[0]


def by_pod(status):
    return {log["pod"]: log for log in status["logs"]}


def failing(status):
    return [sink["name"] for sink in status["sinks"] if sink["state"] != "ok"]


def events(response):
    """The objects of a stream, one after another."""
    for line in response.iter_lines(chunk_size=1):  # more would wait for more
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def write(log, count, body="a line of the log"):
    for _ in range(count):
        log.line(body)


def test_the_api_says_what_was_written_and_what_became_of_it(agent, log_of, two_sinks):
    web, pay = log_of("web-7d9f8c6b5d-x2v4q", namespace="shop", container="nginx"), log_of("pay-0", namespace="billing")
    write(web, 300)
    write(pay, 20)
    agent.start()
    status = status_when(agent, lambda s: [sink["records"] for sink in s["sinks"]] == [320, 0, 300] and failing(s))
    assert (status["node"], status["cluster"], status["not_ready"]) == ("node-1", CLUSTER, "")
    assert status["sources"] == [{"name": "kubernetes", "path": str(agent.pods), "ready": True, "why": ""}]
    logs = by_pod(status)
    shop, billing = logs["web-7d9f8c6b5d-x2v4q"], logs["pay-0"]
    assert (shop["namespace"], shop["container"], shop["restart"], shop["pod_uid"]) == ("shop", "nginx", 0, web.uid)
    assert (shop["lines"], shop["bytes"], shop["pending_bytes"]) == (300, web.size(), 0)
    assert shop["oldest_unsettled_seconds"] == 0
    # Delivered by one route and not by the other.
    assert (billing["lines"], billing["bytes"], billing["pending_bytes"]) == (20, pay.size(), pay.size())
    assert 0 < billing["oldest_unsettled_seconds"] < 60
    assert status["totals"]["pending_bytes"] == pay.size()
    assert status["totals"]["lines_per_second"] > 0
    search, spare, copy = status["sinks"]
    assert (search["name"], search["type"], search["state"], search["error"]) == ("search", "elasticsearch", "ok", "")
    assert (search["records"], spare["records"], copy["records"]) == (320, 0, 300)
    assert search["batches"] > 0 and spare["in_flight_bytes"] > 0
    assert spare["state"] == "failing" and "Connection refused" in spare["error"] and two_sinks in spare["target"]
    assert not any(status["totals"]["lost_bytes"].values()) and not any(status["totals"]["dropped_bytes"].values())
    assert status["process"]["resident_bytes"] > 1 << 20 and status["process"]["cpu_seconds"] > 0

    # What grows behind a dead sink is seen, and a pod's log that is gone still counts.
    write(pay, 1000)
    status_when(agent, lambda s: by_pod(s)["pay-0"]["pending_bytes"] == pay.size())
    pathlib.Path(web.path).unlink()
    web.path.parent.rmdir()
    status = status_when(agent, lambda s: s["logs_total"] == 1)
    assert status["totals"]["lines"] == 1320


def test_a_stream_follows_and_ends_with_the_agent(agent, log_of, two_sinks):
    log = log_of("web", namespace="shop")
    write(log, 10)
    agent.start()
    answer = ask(agent, "/api/v1/status/stream")
    assert answer.headers["Content-Type"] == "text/event-stream"
    stream, began = events(answer), time.monotonic()
    first = next(stream)
    assert time.monotonic() - began < 1
    assert first.keys() == agent.get("/api/v1/status").json().keys()
    write(log, 7)
    assert any(event["totals"]["lines"] == 17 for event, _ in zip(stream, range(5)))
    assert time.monotonic() - began < 12
    assert agent.metric("hinomi_http_streams") == 1
    assert agent.stop(seconds=13) == 0
    list(stream)


def test_without_a_token_only_this_machine_sees_the_page(agent, two_sinks):
    agent.start()
    for path in PAGE + API:
        assert ask(agent, path).status_code == 200, path
        refused = ask(agent, path, Host="evil.example")
        assert refused.status_code == 403 and "token" in refused.text, path
        assert ask(agent, path, Host=f"localhost:{agent.port}").status_code == 200, path
    for path in FOR_MACHINES:
        assert ask(agent, path, Host="evil.example").status_code == 200, path
    headers = ask(agent, "/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"] and "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def basic(password):
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


def test_the_token_opens_the_page_and_a_new_one_counts_at_once(agent, directory, two_sinks):
    token = directory / "token"
    token.write_text("first\n")
    agent.config.write_text(agent.config.read_text().replace("http:\n", f"http:\n  token_file: {token}\n"))
    agent.start()
    for path in PAGE + API:
        refused = ask(agent, path)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Basic "), path
        assert ask(agent, path, Authorization="Bearer wrong").status_code == 401, path
        assert ask(agent, path, Authorization=basic("wrong")).status_code == 401, path
        assert ask(agent, path, Authorization="Bearer first").status_code == 200, path
        assert ask(agent, path, Authorization=basic("first"), Host="node-1.example").status_code == 200, path
    for path in FOR_MACHINES:
        assert ask(agent, path).status_code == 200, path
    stream = events(ask(agent, "/api/v1/status/stream", Authorization="Bearer first"))
    next(stream)
    token.write_text("second")
    assert ask(agent, Authorization="Bearer first").status_code == 401
    assert ask(agent, Authorization="Bearer second").status_code == 200
    assert len(list(itertools.islice(stream, 3))) <= 1  # it ends: its token opens nothing any more
    token.write_text("\n")
    refused = ask(agent, Authorization="Bearer ")
    assert refused.status_code == 403 and "token_file" in refused.text
    assert "cannot use the token" in agent.log()
    assert "second" not in agent.log()


def test_the_page_in_a_browser(agent, log_of, two_sinks, browser, directory):
    web = log_of("web-7d9f8c6b5d-x2v4q", namespace="shop", container="nginx")
    pay = log_of("pay-0", namespace="billing", container="worker")
    write(web, 1234)
    write(pay, 20)
    agent.start()
    status_when(agent, lambda s: s["totals"]["lines"] == 1254 and failing(s))
    url = f"http://127.0.0.1:{agent.port}/"
    browser.look()
    browser.open(url)
    eventually(lambda: "does not take records" in browser.text("#headline"), 10, browser.text)
    assert "node-1" in browser.text("header") and CLUSTER in browser.text("header")
    assert browser.text("#headline") == "spare does not take records"
    assert "Connection refused" in browser.text("#detail") and "Nothing is lost" in browser.text("#detail")
    assert f"{pay.size() / 1024:.1f} KiB wait in their files" in browser.text("#detail")
    rows = browser.evaluate("[...document.querySelectorAll('#logs tr')].map(row => row.innerText.split('\\t'))")
    assert [row[1].split("\n")[0] for row in rows] == ["pay-0", "web-7d9f8c6b5d-x2v4q"]
    assert (rows[1][0], rows[1][2], rows[1][6], rows[1][7]) == ("shop", "nginx", "1,234", "0 B")
    sinks = browser.text("#sinks")
    assert "failing" in sinks and two_sinks in sinks and "1,254" in sinks

    eventually(lambda: "it balances" in browser.text("#ledger-verdict"), 10, browser.text)
    ledger = browser.evaluate("[...document.querySelectorAll('#ledger tr')].map(row => row.innerText.split('\\t'))")
    waiting = f"{pay.size() / 1024:.1f} KiB"
    assert [row[0] for row in ledger] == ["again", "all", "money"]
    assert [ledger[2][1], *ledger[2][4:]] == [waiting, "0 B", waiting]
    browser.evaluate("document.querySelector('#logs button').click()")
    eventually(lambda: "has been failing" in browser.text("#explanation"), 10, lambda: browser.text("#explanation"))
    explanation = browser.text("#explanation")
    assert "billing/pay-0/worker" in explanation and "Connection refused" in explanation
    assert 'Route "money" (3rd) takes it to sink "spare"' in explanation

    pictures = set()
    keep = pathlib.Path(os.environ.get("HINOMI_SCREENSHOTS", directory))
    for scheme, width, height in LOOKS:
        browser.look(width, height, scheme)
        browser.listen(0.3)
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"too wide for {width}"
        browser.screenshot(keep / f"page-{scheme}-{width}.png")
        pictures.add((keep / f"page-{scheme}-{width}.png").read_bytes())
    assert len(pictures) == len(LOOKS) and min(map(len, pictures)) > 10000
    browser.look()

    browser.evaluate("document.querySelector('#filter').value = 'SHOP ngi'")
    browser.evaluate("document.querySelector('#filter').dispatchEvent(new Event('input'))")
    assert browser.evaluate("document.querySelectorAll('#logs tr').length") == 1
    assert "1 of 2" in browser.text("#logs-count")
    browser.evaluate("document.querySelector('#filter').value = ''")
    browser.evaluate("document.querySelectorAll('#columns button')[1].click()")
    pods = "[...document.querySelectorAll('#logs tr')].map(row => row.cells[1].firstChild.innerText)"
    assert browser.evaluate(pods) == ["pay-0", "web-7d9f8c6b5d-x2v4q"]
    assert browser.evaluate("document.querySelector('th[aria-sort=ascending]').innerText").strip() == "Pod"
    assert browser.console == []
    assert {request for request in browser.requests if not request.startswith(url)} == set()
    assert {url + path.lstrip("/") for path in PAGE + API[1:] + QUESTIONS} <= set(browser.requests)
    browser.evaluate("document.querySelector('#explanation button').click()")
    assert browser.evaluate("document.querySelector('#explanation').hidden")

    # It says so when the agent is gone, and goes on by itself when it is back.
    agent.kill()
    eventually(lambda: browser.text("#headline") == "Connection lost, trying again", 15, browser.text)
    agent.start()
    eventually(lambda: browser.text("#headline") == "spare does not take records", 25, browser.text)


def test_the_page_of_an_agent_that_has_nothing_to_do(agent, fault_server, browser):
    agent.configure({"endpoints": [fault_server.url]})
    agent.start()
    browser.look()
    browser.open(f"http://127.0.0.1:{agent.port}/")
    eventually(lambda: browser.text("#headline") == "Waiting for the first log", 10, browser.text)
    assert str(agent.pods) in browser.text("#empty")
    assert browser.text("#logs") == ""
    assert browser.console == []
