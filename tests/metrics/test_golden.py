"""All that the agent serves of containers, for nodes made of files. `HINOMI_GOLDEN=write` writes the answers anew; read the
difference before it is committed."""
import gzip
import os
import pathlib
import subprocess

import pytest
import requests

from hosts import HOSTS, write
from waiting import eventually

GOLDEN = pathlib.Path(__file__).parent / "golden"
ALL = {"include": [".*"], "exclude": ["container_last_seen"]}  # the clock is no file


def start_on(agent, host, metrics=()):
    """The agent on that node, answering scrapes."""
    root = agent.directory / "host"
    write(HOSTS[host](), root)
    agent.configure({}, host_root=str(root), escrow={"directory": ""}, metadata={"enabled": False},
                    metrics=dict(metrics),
                    sources={"kubernetes": {"pods_dir": "/var/log/pods"}},
                    sinks={"files": {"type": "archive", "directory": str(agent.directory / "archive")}},
                    routes=[{"name": "all", "sink": "files"}])
    agent.launch()
    eventually(lambda: agent.get("/metrics/cadvisor").ok, 10, lambda: agent.log())
    return root


def checked(text):
    """It, when promtool finds nothing to say about it."""
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
    return text


@pytest.mark.parametrize("host", HOSTS)
def test_a_node(agent, host):
    root = start_on(agent, host, ALL)
    if any(root.glob("var/log/pods/*/*/*")):  # they are looked at beside the scrapes
        eventually(lambda: "kubelet_container_log_filesystem" in agent.get("/metrics/cadvisor").text, 10, agent.log)
    answers = {name: agent.get(f"/metrics/{name}").text for name in ("cadvisor", "resource")}
    for name, text in answers.items():
        golden = GOLDEN / f"{host}_{name}.txt"
        if os.environ.get("HINOMI_GOLDEN") == "write":
            golden.write_text(text)
        assert text.splitlines() == golden.read_text().splitlines()
    assert "secret" not in answers["cadvisor"]
    assert agent.metric("hinomi_container_rows_unnamed") == 0


def test_the_default_set_is_short(agent):
    start_on(agent, "kubernetes_v2")
    names = {line.split()[2] for line in checked(agent.get("/metrics/cadvisor").text).splitlines()
             if line.startswith("# TYPE ")}
    assert {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_oom_events_total",
            "container_start_time_seconds", "container_spec_memory_limit_bytes", "machine_cpu_cores"} <= names
    assert not {"container_last_seen", "container_memory_usage_bytes", "container_processes"} & names


def test_formats_and_compression(agent):
    start_on(agent, "kubernetes_v2")
    url = f"http://127.0.0.1:{agent.port}/metrics/cadvisor"
    plain = requests.get(url, headers={"Accept-Encoding": "identity"}, timeout=5, stream=True)
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    packed = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=5, stream=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.raw.read()) == plain.raw.read()
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    fresh = requests.get(url, headers={"Accept": accept}, timeout=5)
    assert fresh.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert fresh.text.endswith("# EOF\n")
    assert "# TYPE container_cpu_usage_seconds counter\n" in fresh.text


def test_series_beyond_the_limit_are_counted(agent):
    start_on(agent, "kubernetes_hybrid", {**ALL, "series_max": 1000})
    everything = len([line for line in agent.get("/metrics/cadvisor").text.splitlines() if not line.startswith("#")])
    assert 100 < everything < 1000
    assert agent.metric("hinomi_scrape_series", endpoint="/metrics/cadvisor") == everything
    assert agent.metric("hinomi_scrape_series_truncated_total", endpoint="/metrics/cadvisor") == 0
