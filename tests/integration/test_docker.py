"""docker's json-file logs outside Kubernetes: of a real dockerd, and of an emulated one where a test must say when
what is written."""
import os
import shutil
import threading
import time

import pytest

import kubelet
from dockerd import PROJECT, SERVICE, Container, Docker
from waiting import eventually

LABELS = {PROJECT: "shop", SERVICE: "web", "app": "shop", "app.kind": "frontend"}
STDOUT = {"sinks": {"out": {"type": "stdout"}}, "routes": [{"name": "all", "sink": "out"}]}


@pytest.fixture
def root(agent):
    root = agent.directory / "docker"
    (root / "containers").mkdir(parents=True)
    return root


@pytest.fixture
def container_of(root):
    containers = []

    def make(name, **options):
        containers.append(Container(root, name, **options))
        return containers[-1]
    yield make
    for container in containers:
        container.close()


def sources(root, **others):
    return {"docker": {"roots": [str(root)]}, **others}


def test_each_line_of_a_real_dockerd_arrives_once(agent, elasticsearch, index, docker_runtime):
    docker = Docker(docker_runtime.state)
    options = ["--env", "SECRET=hush-hush", "--log-opt", "max-size=30k", "--log-opt", "max-file=9"]
    options += [word for label, value in LABELS.items() for word in ("--label", f"{label}={value}")]
    agent.configure({"endpoints": [elasticsearch.url], "index": index}, sources=sources(docker.root))
    agent.start()
    # Six files, the last with the end of a line that began in the one before.
    docker.run("web-1", 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo "out $i"; echo "err <$i>" >&2; done; '
                        "head -c 40000 /dev/zero | tr '\\0' x; echo; echo 'say \"hi\" \\ & é'; sleep 1; echo late",
               *options)
    brief = docker.run("brief", "echo born; echo died", "--rm")
    docker.run("open", 'printf "{\\"n\\":1,\\"host\\":\\"x\\"}\\nno newline"')
    assert docker.wait("web-1") == 0
    web = docker.ask("inspect", "--format", "{{.Id}}", "web-1")
    wanted = [f"out {i}" for i in range(1, 1001)] + [f"err <{i}>" for i in range(1, 1001)]
    wanted += ["x" * 40000, 'say "hi" \\ & é', "late"]
    eventually(lambda: elasticsearch.count(index) >= len(wanted) + 4, 30,
               lambda: f"{elasticsearch.count(index)} of {len(wanted) + 4}\n{agent.log()}")
    assert len(list((docker.root / "containers" / web).glob("*-json.log*"))) > 3, "dockerd did not rotate"

    documents = list(elasticsearch.documents(index))
    of_web = [document for document in documents if document["container.id"] == web]
    assert sorted(document["message"] for document in of_web) == sorted(wanted)
    by_time = sorted(of_web, key=lambda document: document["nanoseconds"].rstrip("Z"))  # its zeros are left out
    assert [d["message"] for d in by_time if d["stream"] == "stderr"] == [f"err <{i}>" for i in range(1, 1001)]
    one = of_web[0]
    assert one["container.name"] == "web-1"
    assert one["container.image.name"] == "hinomi.test/busybox:1"
    assert {label: one[f"container.labels.{label}"] for label in LABELS} == LABELS
    assert (one["docker.compose.project"], one["docker.compose.service"]) == ("shop", "web")
    assert (one["host.name"], one["orchestrator.cluster.name"]) == ("node-1", "demo")
    assert not [field for field in one if field.startswith("kubernetes")]
    assert {d["message"] for d in documents if d["container.id"] == brief} == {"born", "died"}
    of_open = [d for d in documents if d["container.name"] == "open"]
    assert sorted(d.get("message", "") for d in of_open) == ["", "no newline"]
    assert [d["json.host"] for d in of_open if "json.host" in d] == ["x"]
    # The server has a document a moment before the agent has the answer.
    eventually(lambda: agent.metric("hinomi_log_lines_total", namespace="shop") == len(wanted), 5, agent.log)
    eventually(lambda: agent.metric("hinomi_log_lines_total", namespace="docker") == 4, 5, agent.log)

    # What a container is told in its environment stays there.
    assert agent.stop() == 0
    assert not [d for d in documents if "hush" in str(d)]
    kept = b"".join(path.read_bytes() for path in agent.state.rglob("*") if path.is_file())
    assert b"hush" not in kept + agent.log().encode()


def test_every_line_arrives_exactly_once_through_rotations_and_a_kill(agent, root, container_of, elasticsearch, index):
    containers = [container_of(f"chatty-{i}", labels=LABELS, max_size=30000, max_file=40) for i in range(5)]
    lines, stop = 3000, threading.Event()

    def write():
        for sequence in range(lines):
            for container in containers:
                padding = "y" * (20000 if sequence % 500 == 77 else 60)
                container.line(f"{container.name} {sequence} {padding}", "stderr" if sequence % 7 == 0 else "stdout")
            time.sleep(0.003)
            if stop.is_set():
                return

    agent.configure({"endpoints": [elasticsearch.url], "index": index}, sources=sources(root))
    agent.start()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for already in (2000, 6000):
            eventually(lambda n=already: elasticsearch.count(index) > n, 20, lambda: agent.log())
            rotations = containers[0].rotations
            agent.kill()
            eventually(lambda n=rotations: containers[0].rotations > n + 1, 20, "no rotation while the agent is down")
            agent.start()
        assert writer.is_alive(), "nothing was being written when the agent was killed"
        writer.join(60)
        assert not writer.is_alive()
    finally:
        stop.set()
        writer.join()
    total = lines * len(containers)
    eventually(lambda: elasticsearch.count(index) >= total, 40,
               lambda: f"{elasticsearch.count(index)} of {total} documents\n{agent.log()}")
    assert all(10 < container.rotations < 39 for container in containers), [c.rotations for c in containers]
    seen = [tuple(d["message"].split()[:2]) for d in elasticsearch.documents(index)]
    assert len(seen) == total
    assert set(seen) == {(c.name, str(sequence)) for c in containers for sequence in range(lines)}
    assert agent.metric("hinomi_ledger_bytes", state="lost") == 0
    assert agent.metric("hinomi_ledger_imbalance_bytes") == 0


def test_bad_input_is_counted_and_the_rest_flows(agent, root, container_of):
    agent.configure({}, sources=sources(root), **STDOUT)
    good, half, none, nuls = map(container_of, ("good", "half", "none", "nuls"))
    half.write_config(half.config.read_text()[:60])
    none.config.unlink()
    agent.start()
    brief = container_of("brief")
    brief.line("brief 1")
    shutil.rmtree(brief.directory)
    (root / "containers" / ("b" * 64)).symlink_to(agent.directory)
    good.line("good 1")
    good.raw(b"no JSON\n{}\n\n" + os.urandom(3000).replace(b"\n", b"") + b"\n" + b'{"log":"\\x","stream":"stdout"}\n')
    good.line("good 2")
    half.line("half 1")
    none.line("none 1")
    nuls.raw(b'{"log":"torn' + bytes(9000))
    nuls.line("nuls 1")

    def arrived(*messages):
        eventually(lambda: all(f'"message":"{message}"' in agent.log() for message in messages), 10,
                   lambda: f"{messages} did not all arrive\n{agent.log()}")
    arrived("good 1", "good 2", "half 1", "none 1", "nuls 1")
    assert agent.metric("hinomi_docker_configs_unreadable") == 2
    assert agent.metric("hinomi_log_links_refused_total") == 1
    assert agent.metric("hinomi_route_records_total", outcome="corrupt") == 6
    assert agent.metric("hinomi_route_source_bytes_total", outcome="corrupt") > 12000
    assert agent.log().count(str(half.config)) == 1
    assert f'"name":"{half.id}"' in agent.log()

    none.write_config(good.config.read_text().replace(good.id, none.id).replace("/good", "/none"))
    eventually(lambda: agent.metric("hinomi_docker_configs_unreadable") == 1, 10, lambda: agent.log())
    none.line("none 2")
    arrived("none 2")
    assert agent.log().count('"name":"none"') == 1

    shutil.rmtree(root)
    eventually(lambda: agent.ready().status_code == 503, 10, "ready although the data directory is gone")
    assert str(root) in agent.ready().text
    back = container_of("back")
    back.line("back 1")
    arrived("back 1")
    container_of("again").line("again 1")
    arrived("again 1")
    assert agent.ready().ok


def test_links_of_the_kubelet_are_followed_as_they_are_written(agent, root, container_of):
    container = container_of("k8s_main_web", labels={"io.kubernetes.pod.name": "web"}, max_size=5000, max_file=3)
    pod = kubelet.Log(agent.pods, "web")
    pod.close()
    pod.path.unlink()
    pod.path.symlink_to(container.log)
    agent.configure({}, sources=sources(root, kubernetes={"pods_dir": str(agent.pods)}), **STDOUT)
    agent.start()
    for i in range(200):
        container.line(f"linked {i} {'z' * 50}")
        time.sleep(0.01)
    assert container.rotations > 3
    eventually(lambda: '"message":"linked 199 ' in agent.log(), 5, lambda: agent.log())
    for i in range(200):
        assert agent.log().count(f'"message":"linked {i} ') == 1, i
    assert agent.log().count('"pod":{"name":"web"') == 200
    assert agent.metric("hinomi_logs") == 1
    assert agent.metric("hinomi_ledger_bytes", state="lost") == 0
    assert agent.metric("hinomi_ledger_imbalance_bytes") == 0
