"""What the agent serves while those it asks about pods do not answer, or answer nonsense: all of it, and soon. The
kubelet is a fake, and so is the runtime: real ones cannot be asked for these faults."""
import concurrent.futures
import contextlib
import http.server
import re
import socket
import threading
import time

import pytest

from agent import LABEL, SAMPLE
from cluster import IMAGE, runtime
from hosts import HOSTS, write
from waiting import eventually

PAGES = ("cadvisor", "resource", "node")
SECONDS_MAX = 2


def answer(status, body):
    def fault(request):
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
    return fault


def never(request):
    request.server.closing.wait(60)


FAULTS = {"unauthorized": answer(401, b"Unauthorized"), "error": answer(500, b"oops"),
          "no JSON": answer(200, b"<html>"), "half": answer(200, b'{"items": [{"meta'),
          "no HTTP": lambda request: request.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n"),
          "large": answer(200, b'{"items": [' + b"x" * (10 << 20))}


@pytest.fixture
def kubelet_that():
    """Starts one with that fault; its URL."""
    with contextlib.ExitStack() as stack:
        def start(fault):
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    with contextlib.suppress(OSError):  # who does not wait for the end
                        fault(self)

                def log_message(self, *_):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.closing = threading.Event()
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            for end in (thread.join, server.server_close, server.shutdown, server.closing.set):
                stack.callback(end)
            return f"http://127.0.0.1:{server.server_port}"
        yield start


@pytest.fixture
def socket_that_hangs(agent):
    """Takes connections and says nothing."""
    path = agent.directory / "host/run/containerd/containerd.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield path


def start(agent, metadata, **changes):
    root = agent.directory / "host"
    agent.kill()
    agent.configure({}, host_root=str(root), escrow={"directory": ""}, metadata=metadata,
                    sources={"kubernetes": {"pods_dir": "/var/log/pods"}},
                    sinks={"files": {"type": "archive", "directory": str(agent.directory / "archive")}},
                    routes=[{"name": "all", "sink": "files"}], **changes)
    agent.launch()


def series(agent):
    """Of all pages, each of which is there in time. Nobody tells images here."""
    found = set()
    for page in PAGES:
        began = time.monotonic()
        got = agent.get(f"/metrics/{page}")
        assert got.ok and time.monotonic() - began < SECONDS_MAX, page
        found |= {(page, name, frozenset(pair for pair in LABEL.findall(labels) if pair[0] != "image"))
                  for name, labels, _ in SAMPLE.findall(got.text)}
    return found


def all_series(agent):
    """With nobody to ask."""
    write(HOSTS["kubernetes_v2"](), agent.directory / "host")
    start(agent, {"enabled": False})
    return series(agent)


def volumes(agent):
    """The one page that waits for the kubelet."""
    got = agent.get("/metrics/volumes", seconds=10)
    assert got.ok
    return got.text


def failures(agent, source):
    return agent.metric("hinomi_metadata_errors_total", source=source)


def serves_all_until(agent, wanted, condition):
    def once():
        assert series(agent) == wanted
        return condition()
    eventually(once, 20, agent.log)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_kubelet_that_fails_costs_no_row(agent, kubelet_that, fault):
    wanted = all_series(agent)
    assert len(wanted) > 100
    start(agent, {"kubelet": {"url": kubelet_that(FAULTS[fault])}}, metrics={"volumes": True})
    serves_all_until(agent, wanted, lambda: failures(agent, "kubelet") >= 1)
    assert agent.metric("hinomi_metadata_source_up", source="kubelet") == 0
    assert "kubelet_volume" not in volumes(agent)
    assert agent.metric("hinomi_collector_errors_total", collector="volumes") == 1


def test_neither_the_runtime_nor_the_kubelet_answers(agent, socket_that_hangs, kubelet_that):
    wanted = all_series(agent)
    start(agent, {"kubelet": {"url": kubelet_that(never)}}, metrics={"volumes": True})
    with concurrent.futures.ThreadPoolExecutor() as beside:
        page = beside.submit(volumes, agent)
        serves_all_until(agent, wanted, lambda: failures(agent, "runtime") >= 1 and failures(agent, "kubelet") >= 1)
        assert "kubelet_volume" not in page.result(15)
    assert agent.metric("hinomi_collector_errors_total", collector="volumes") == 1


def test_a_runtime_that_vanishes_takes_no_row_with_it(agent):
    """Nor what it has told: the image."""
    wanted = all_series(agent)
    with runtime(agent.directory / "host/run/containerd/containerd.sock", agent.directory / "generated"):
        start(agent, {})
        named = f'container="main",id="[^"]*",image="{re.escape(IMAGE)}"'
        eventually(lambda: re.search(named, agent.get("/metrics/cadvisor").text), 10, agent.log)
    serves_all_until(agent, wanted, lambda: agent.metric("hinomi_metadata_source_up", source="runtime") == 0)
    assert series(agent) == wanted
    assert re.search(named, agent.get("/metrics/cadvisor").text)
