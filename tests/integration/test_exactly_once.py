"""A hundred thousand lines of fifty pods, through rotation, a killed agent and a server that goes away: each arrives
exactly once."""
import subprocess
import sys
import time

import kubelet
from search import Search
from waiting import eventually

PODS, LINES, SECONDS = 50, 2000, 24


def test_every_line_arrives_exactly_once(agent, elasticsearch_server, index):
    search = Search(elasticsearch_server.url)
    hold, held = agent.directory / "hold", agent.directory / "held"
    agent.configure({"endpoints": [search.url], "index": index})
    agent.start()
    node = subprocess.Popen([sys.executable, kubelet.__file__, agent.pods, str(PODS), str(LINES), str(SECONDS)],
                            stdout=subprocess.PIPE, text=True)
    try:
        eventually(lambda: search.count(index) > 15000, 20, lambda: f"only {search.count(index)} documents at first")

        # Killed in the middle. What the kubelet compresses unread is out of reach, so it does not meanwhile.
        hold.touch()
        eventually(held.exists, 5, "the kubelet does not hold")
        written = int(held.read_text())
        eventually(lambda: search.count(index) >= written, 20, lambda: f"{search.count(index)} of {written} documents")
        assert node.poll() is None, "nothing was being written when the agent was killed"
        agent.kill()
        time.sleep(2.5)
        agent.start()
        hold.unlink()

        # The server goes away while logs rotate and are compressed.
        behind = search.count(index)
        eventually(lambda: search.count(index) > behind + 5000, 20, "the agent does not go on after its restart")
        elasticsearch_server.stop()
        time.sleep(3)
        assert agent.ready().ok, "a dead sink must not make the agent unready"
        assert node.poll() is None, "nothing was being written while the server was away"
    finally:
        elasticsearch_server.start()
        elasticsearch_server.ready()
        rotations, _ = node.communicate(timeout=60)
    assert node.returncode == 0
    assert int(rotations) > 4 * PODS

    total = PODS * LINES
    eventually(lambda: search.count(index) >= total, 60, lambda: f"{search.count(index)} of {total} documents")
    documents = [(document["kubernetes.pod.name"], *document["message"].split()[:2])
                 for document in search.documents(index)]
    assert all(pod == claimed for pod, claimed, _ in documents)
    assert len(set(documents)) == total
    assert len(documents) == total
