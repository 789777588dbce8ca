"""Who is behind a log: what a real containerd and a kubelet over TLS tell finds its way into documents."""
import base64
import copy
import hashlib
import http.server
import json
import pathlib
import socket
import ssl
import subprocess
import threading
import time

import pytest

from containers import IMAGE, Runtime
from waiting import eventually

CAPTURED = pathlib.Path(__file__).resolve().parents[1] / "fixtures/kubelet/pods.json"
TOKEN = "a-token-of-the-cluster"


def documents(agent):
    """What the agent has written to its standard output so far."""
    lines = agent.log().splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"@timestamp"')]


def arrived(agent, count, seconds=20):
    return eventually(lambda: documents(agent) if len(documents(agent)) >= count else None, seconds,
                      lambda: f"{len(documents(agent))} of {count}\n{agent.log()}")


def uid_of(found, pod):
    return next(d["kubernetes"]["pod"]["uid"] for d in found if d["kubernetes"]["pod"]["name"] == pod)


def configure(agent, metadata, **changes):
    agent.configure({}, **{"sinks": {"screen": {"type": "stdout"}}, "routes": [{"sink": "screen"}],
                           "metadata": metadata, **changes})


@pytest.fixture
def runtime(container_runtime, directory):
    runtime = Runtime(container_runtime.state / "containerd.sock", directory / "generated")
    yield runtime
    runtime.close()


def test_each_record_of_real_containers_knows_its_pod(agent, container_runtime, runtime):
    agent.pods = container_runtime.state / "var/log/metadata-pods"
    agent.pods.mkdir(parents=True)
    socket_path = str(container_runtime.state / "containerd.sock")
    configure(agent, {"cri_socket": socket_path, "annotations": ["team"]},
              routes=[{"name": "db", "sink": "screen", "match": {"labels": {"app": "db*"}}, "stop": True},
                      {"name": "rest", "sink": "screen", "match": {"pod": "job-*"}}])
    agent.start()
    secret = {"kubectl.kubernetes.io/last-applied-configuration": "PASSWORD=hush", "team": "x"}
    jobs = {f"job-{i}": runtime.run(agent.pods, f"job-{i}", f"echo born {i}; usleep 300000; echo died {i}",
                                    labels={"app": "job", "app.kubernetes.io/name": f"j{i}", "pod-template-hash": "h"},
                                    annotations=secret) for i in range(5)}
    jobs["by-label"] = runtime.run(agent.pods, "by-label", "echo a; exit 3", labels={"app": "db-1"})
    runtime.run(agent.pods, "other", "echo nowhere", labels={"app": "web"})
    runtime.run(agent.pods, "job-excluded", "echo hidden", annotations={"hinomi.io/exclude": "true"})
    found = arrived(agent, 11)
    for document in found:
        pod = document["kubernetes"]["pod"]["name"]
        assert document["container"]["id"] == jobs[pod], document
        assert document["container"]["runtime"] == "containerd"
        assert document["container"]["image"]["name"] == IMAGE
        assert document["container"]["image"]["hash"]["all"][0].startswith("sha256:")
        assert "hinomi" not in document
        if pod == "by-label":
            assert document["kubernetes"]["labels"] == {"app": "db-1"}
        else:
            assert document["kubernetes"]["labels"] == {"app": "job", "app_kubernetes_io/name": f"j{pod[-1]}"}
            assert document["kubernetes"]["annotations"] == {"team": "x"}
    assert agent.metric("hinomi_metadata_source_up", source="runtime") == 1
    stored = agent.state / "metadata" / f"{uid_of(found, 'by-label')}.json"
    eventually(lambda: json.loads(stored.read_text())["containers"][0]["exit_code"] == 3, 15, stored.read_text)
    container = json.loads(stored.read_text())["containers"][0]
    # containerd may notice the end of so short a life before it writes down its beginning.
    assert container["reason"] == "Error" and container["finished"] > 0 and container["started"] > 0
    assert not [path for path in stored.parent.iterdir() if "hush" in path.read_text()]
    assert "hush" not in agent.log()

    # While the agent is down, more is written and then the pod is gone: what it was is still known.
    assert agent.stop() == 0
    pod = "job-0"
    with open(agent.pods / f"default_{pod}_{uid_of(found, pod)}/main/0.log", "a", encoding="utf-8") as log:
        log.write("2026-01-02T03:04:05Z stdout F last words\n")
    configure(agent, {"cri_socket": "/nonexistent.sock"}, routes=[{"name": "rest", "sink": "screen"}])
    agent.start()
    late = eventually(lambda: [d for d in documents(agent) if d["message"] == "last words"], 20, agent.log)
    assert late[0]["kubernetes"]["labels"]["app"] == "job" and late[0]["container"]["id"] == jobs[pod]
    assert agent.stop() == 0
    assert "hidden" not in {document["message"] for document in documents(agent)}


@pytest.fixture
def silent_socket(directory):
    """Takes connections and says nothing."""
    path = directory / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield path


def test_a_runtime_that_hangs_holds_a_log_up_for_a_set_time(agent, log_of, silent_socket):
    configure(agent, {"cri_socket": str(silent_socket), "wait_max": "1s"})
    agent.start()
    begin = time.monotonic()
    log_of("early").line("first")
    assert arrived(agent, 1, 10)[0]["hinomi"] == {"metadata": "missing"}
    assert 0.9 < time.monotonic() - begin < 4
    # By now it is known to hang, and nobody waits for it any more.
    eventually(lambda: "cannot reach the container runtime" in agent.log(), 10, agent.log)
    begin = time.monotonic()
    log_of("later").line("second")
    arrived(agent, 2, 10)
    assert time.monotonic() - begin < 1.5
    assert agent.log().count("cannot reach the container runtime") == 1
    assert agent.stop() == 0


def test_without_a_runtime_nothing_is_missing(agent, log_of, directory):
    log_of("pod").line("first")
    configure(agent, {}, host_root=str(directory), sources={"kubernetes": {"pods_dir": "/pods"}})
    agent.start()
    assert "hinomi" not in arrived(agent, 1, 10)[0]
    assert "cannot find the socket of a container runtime" in agent.log()
    assert agent.stop() == 0


class Kubelet:
    """Answers /pods over TLS with a certificate that nobody has signed but itself."""
    def __init__(self, directory):
        self.pods, self.requests = json.loads(CAPTURED.read_text()), []
        key, certificate = directory / "kubelet.key", directory / "kubelet.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=node-1", "-days", "1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=30)
        der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                             capture_output=True, timeout=30).stdout
        self.public_key_sha256 = base64.b64encode(hashlib.sha256(der).digest()).decode()
        kubelet = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                kubelet.requests.append(self.path)
                allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
                body = json.dumps(kubelet.pods).encode() if allowed else b"Unauthorized"
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def kubelet(directory):
    kubelet = Kubelet(directory)
    yield kubelet
    kubelet.close()


def test_the_kubelet_tells_owners_and_labels_that_change(agent, log_of, kubelet, directory):
    token = directory / "token"
    token.write_text(TOKEN + "\n")
    pod = next(p for p in kubelet.pods["items"] if p["metadata"]["name"] == "agent-49ghz")
    metadata = {"kubelet": {"url": kubelet.url, "token_file": str(token),
                            "public_key_sha256": kubelet.public_key_sha256}}
    configure(agent, metadata, host_root=str(directory), sources={"kubernetes": {"pods_dir": "/pods"}})
    agent.start()
    log = log_of("agent-49ghz")
    pod["metadata"]["uid"] = log.uid
    log.line("first")
    first = arrived(agent, 1)[0]
    assert first["kubernetes"]["workload"] == {"name": "agent", "kind": "DaemonSet"}
    assert first["kubernetes"]["daemonset"] == {"name": "agent"}
    assert first["kubernetes"]["labels"] == {"app": "agent"}

    changed = copy.deepcopy(kubelet.pods)
    for item in changed["items"]:
        item["metadata"].setdefault("labels", {})["app"] = "renamed"
    kubelet.pods, begin = changed, time.monotonic()
    for number in range(200):
        log.line(f"line {number}")
        if documents(agent)[-1]["kubernetes"]["labels"]["app"] == "renamed":
            break
        time.sleep(0.1)
    assert documents(agent)[-1]["kubernetes"]["labels"]["app"] == "renamed"
    assert time.monotonic() - begin < 10
    assert set(kubelet.requests) == {"/pods"} and TOKEN not in agent.log()
    assert agent.stop() == 0


def test_a_kubelet_with_another_key_is_not_told_the_token(agent, log_of, kubelet, directory):
    token = directory / "token"
    token.write_text(TOKEN)
    for name, pin in (("pinned", {"public_key_sha256": base64.b64encode(b"x" * 32).decode()}), ("authority", {})):
        configure(agent, {"kubelet": {"url": kubelet.url, "token_file": str(token), **pin}}, host_root=str(directory),
                  sources={"kubernetes": {"pods_dir": "/pods"}})
        agent.start()
        log_of(name).line(name)
        eventually(lambda n=name: [d for d in documents(agent) if d["message"] == n], 10, agent.log)
        assert agent.metric("hinomi_metadata_source_up", source="kubelet") == 0
        assert agent.stop() == 0
    assert not kubelet.requests
