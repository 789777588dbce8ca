"""The agent's own metrics, seen by a real Prometheus and by promtool."""
import subprocess

from waiting import eventually


def test_prometheus_scrapes_the_agent_and_promtool_finds_nothing(agent, log_of, elasticsearch, index, prometheus):
    log_of("pod").line("a line, so that no series is missing")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    eventually(lambda: elasticsearch.count(index) == 1, 15, lambda: agent.log())
    prometheus.scrape(agent.port)
    prometheus.wait_until_up(agent.port)
    (build,) = prometheus.query("hinomi_build_info")
    assert build["value"][1] == "1"
    assert build["metric"]["version"]

    text = agent.get("/metrics").text
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stdout + result.stderr) == (0, ""), text
