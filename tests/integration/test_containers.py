"""The main job on real input: logs that a real containerd writes, into a real Elasticsearch, while a real Prometheus
scrapes the agent."""
import pytest

from containers import Runtime
from waiting import eventually

LINES = 500
NUMBERED = f'i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo "out $i"; echo "err $i" >&2; done'
SCRIPTS = {
    "quick-1": NUMBERED,
    "quick-2": NUMBERED + "; exit 3",
    "slow": NUMBERED + "; sleep 2; echo late",
    "brief": "echo born; usleep 100000; echo died",
    "long": "head -c 40000 /dev/zero | tr '\\0' x; echo; echo short",
}
BOTH = [f"{stream} {i}" for i in range(1, LINES + 1) for stream in ("out", "err")]
WANTED = {"quick-1": BOTH, "quick-2": BOTH, "slow": BOTH + ["late"], "brief": ["born", "died"],
          "long": ["x" * 40000, "short"]}


@pytest.fixture
def runtime(container_runtime, directory):
    runtime = Runtime(container_runtime.state / "containerd.sock", directory / "generated")
    yield runtime
    runtime.close()


def test_each_line_of_real_containers_arrives_once(agent, server_script, elasticsearch, index, prometheus,
                                                   container_runtime, runtime):
    agent.pods = container_runtime.state / "var/log/pods"
    agent.pods.mkdir(parents=True)
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.command = [str(server_script)]
    agent.start()
    prometheus.scrape(agent.port)
    identities = {pod: runtime.run(agent.pods, pod, script) for pod, script in SCRIPTS.items()}
    for pod, identity in identities.items():
        exit_code = eventually(lambda i=identity: (runtime.exit_code(i),) if runtime.exit_code(i) is not None else None,
                               20, f"container {pod} does not end")
        assert exit_code == ((3,) if pod == "quick-2" else (0,)), pod

    total = sum(map(len, WANTED.values()))
    eventually(lambda: elasticsearch.count(index) >= total, 20,
               lambda: f"{elasticsearch.count(index)} of {total}\n{agent.log()}")
    assert agent.metric("hinomi_build_info") == 1
    prometheus.wait_until_up(agent.port)
    assert agent.stop() == 0
    documents = list(elasticsearch.documents(index))
    got = {pod: sorted(d["message"] for d in documents if d["kubernetes.pod.name"] == pod) for pod in SCRIPTS}
    for pod, lines in WANTED.items():
        assert got[pod] == sorted(lines), pod
    assert len(documents) == total
    streams = {document["message"]: document["stream"] for document in documents}
    assert streams["out 1"] == "stdout"
    assert streams["err 1"] == "stderr"
