"""`helm install` with a cluster's name and an address, on a real Kubernetes: what a team then has. One installation for
all of these tests, in their order."""
import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import chart
import promql
from agent import BINARY
from kibana_queries import queries
from page import commands
from release import NAMESPACE, STREAM, Release
from test_real_kubelet import IMAGE, difference, numbered, pod, template, writes
from waiting import eventually

FRESH = "fresh"
LINE_SECONDS_MAX = 60
NANOSECOND_DIGITS = len("2026-11-22T04:47:00.123456789")


@pytest.fixture(scope="module")
def release(cluster):
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
        release = Release(cluster, pathlib.Path(directory))
        try:
            yield release.start()
        finally:
            release.stop()
            cluster.kubectl("delete", "namespace", FRESH, NAMESPACE, "--ignore-not-found", "--timeout=50s")
            for left in (cluster.lib / "hinomi", cluster.logs / "hinomi"):
                shutil.rmtree(left, ignore_errors=True)


def create(cluster, *objects):
    for one in objects:
        one["metadata"]["namespace"] = FRESH
    cluster.create(*objects)


def messages(release, name):
    """Of the pods whose names begin so, in the order of their logs."""
    def place(one):
        return one["log.file.path"], one["nanoseconds"].rstrip("Z").ljust(NANOSECOND_DIGITS, "0"), one["log.offset"]
    found = [one for one in release.documents(FRESH) if one["kubernetes.pod.name"].startswith(name)
             and "hinomi.event.action" not in one]
    return [one["message"] for one in sorted(found, key=place)]


def test_a_namespace_never_seen_before(cluster, release):
    cluster.kubectl("create", "namespace", FRESH)
    create(cluster, pod("web-5d4f8c7b9-bcdfg", "echo first light; echo an error, to be found; while true; do :; done"))
    (document,) = eventually(lambda: [one for one in release.documents(FRESH) if one.get("message") == "first light"],
                             LINE_SECONDS_MAX, lambda: release.ask("explain", f"{FRESH}/*"))
    wanted = {"kubernetes.namespace": FRESH, "kubernetes.pod.name": "web-5d4f8c7b9-bcdfg",
              "kubernetes.container.name": "main", "kubernetes.deployment.name": "web", "kubernetes.labels.app": "numbers",
              "container.image.name": IMAGE, "orchestrator.cluster.name": "prod", "kubernetes.node.name": "node1",
              "release.commit": "4f2e1d0c9b8a7f6e5d4c3b2a1908f7e6d5c4b3a2"}
    assert {name: document.get(name) for name in wanted} == wanted
    of_it = f'{{namespace="{FRESH}",container="main",cluster="prod",node="node1",job="kubelet"}}'
    for expression in (f"rate(container_cpu_usage_seconds_total{of_it}[10s]) > 0.1",
                       f"container_memory_working_set_bytes{of_it} > 0", 'node_load1{job="node-exporter",instance="node1"}'):
        eventually(lambda: release.query(expression), LINE_SECONDS_MAX, expression)


def test_nothing_is_lost(cluster, release):
    """Of a job of a moment, a crash loop, an OOM kill, the kubelet's own rotation, and a deleted pod."""
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "moment"}, "spec": {
        "ttlSecondsAfterFinished": 0, "template": template(writes(100) + "; sleep 0.1")}}
    create(cluster, job, pod("crashing", writes(50) + "; exit 1", restart="Always"),
           pod("hungry", writes(2000) + "; exec tail /dev/zero", resources={"limits": {"memory": "24Mi"}}),
           pod("chatty", writes(15000, 2000)), pod("deleted", writes(5000) + "; exec sleep 1d"))
    of_all = ("moment", "hungry", "chatty", "deleted")
    eventually(lambda: len(messages(release, "deleted")) > 0, LINE_SECONDS_MAX, lambda: release.ask("explain", f"{FRESH}/*"))
    cluster.kubectl("-n", FRESH, "delete", "pod", "deleted", "--grace-period=1", "--timeout=50s")
    wanted = {"moment": 100, "hungry": 2000, "chatty": 15000, "deleted": 5000}
    eventually(lambda: all(len(messages(release, name)) >= wanted[name] for name in of_all), LINE_SECONDS_MAX,
               lambda: {name: len(messages(release, name)) for name in of_all})
    for name in of_all:
        assert not difference(messages(release, name), numbered(wanted[name])), name

    def crashes():
        return json.loads(cluster.kubectl("-n", FRESH, "get", "pod", "crashing", "-o", "json"))["status"]
    eventually(lambda: crashes()["containerStatuses"][0]["restartCount"] >= 3, LINE_SECONDS_MAX, crashes)
    cluster.kubectl("-n", FRESH, "delete", "pod", "crashing", "--grace-period=1", "--timeout=50s")

    def ledger():
        return json.loads(release.ask("ledger", "--json", "--namespace", FRESH))
    eventually(lambda: not any(log["unread_bytes"] for log in ledger()["logs"]), LINE_SECONDS_MAX, ledger)
    told = ledger()
    assert told["balanced"] and not any(sum(route["lost_bytes"].values()) for route in told["routes"]), told
    found = messages(release, "crashing")
    assert len(found) % 50 == 0 and len(found) >= 4 * 50 and set(found) == set(numbered(50))


def test_every_saved_search_finds_what_there_is(release):
    """As Kibana asks for it; those of incidents find nothing where there was none."""
    def found(query):
        body = {"size": 5, "query": {"query_string": {"query": query, "analyze_wildcard": True}}}
        answer = release.network(release.search.ask, "GET", f"/{STREAM}/_search", json=body)
        assert answer.ok, answer.text
        print(query, answer.json()["hits"]["hits"])
        return answer.json()["hits"]["total"]["value"]
    counts = {title.removeprefix("Hinomi: "): found(query) for title, _, query in queries()}
    assert {title for title, count in counts.items() if not count} == {"losses and gaps", "gap records", "refused documents"}
    assert counts["errors by workload"] == 1 and counts["container exits"] >= 7, counts


def test_every_panel_has_rows(release):
    """But for those that say which incident or setting they need, which tests/chart/test_incidents.py asks for."""
    wanted = [panel for panel in promql.queries(__rate_interval="15s") if not panel.empty_unless]
    missing = list(wanted)

    def answered():
        missing[:] = [panel for panel in missing if not release.query(panel.expression)]
        return not missing
    eventually(answered, LINE_SECONDS_MAX, lambda: [(panel.dashboard, panel.panel) for panel in missing])
    assert len(wanted) > 100


def test_an_upgrade_under_load(cluster, release):
    lines, before = 16000, release.pod()["metadata"]["name"]
    create(cluster, pod("busy", writes(lines, 2000)))
    eventually(lambda: messages(release, "busy"), LINE_SECONDS_MAX, lambda: release.ask("explain", f"{FRESH}/busy"))
    release.helm("upgrade", "hinomi", chart.CHART, "--reuse-values", "--set", "config.log.level=debug", "--wait",
                 "--timeout", "60s")
    assert release.pod()["metadata"]["name"] != before
    eventually(lambda: len(messages(release, "busy")) >= lines, LINE_SECONDS_MAX, lambda: len(messages(release, "busy")))
    assert not difference(messages(release, "busy"), numbered(lines))


def test_the_image_says_what_it_was_built_from(release):
    commit = subprocess.check_output(["git", "rev-parse", "--short=8", "HEAD"], text=True, cwd=chart.ROOT).strip()
    said = release.kubectl("exec", "daemonset/hinomi", "-c", "hinomi", "--", "hinomi", "version")
    assert f"(commit {commit})" in said


def test_helm_test(release):
    assert "Phase:          Succeeded" in release.helm("test", "hinomi", "--timeout", "60s")


def test_every_command_of_the_page_for_teams(cluster, release):
    install, *others, uninstall = commands()
    assert install.startswith("helm install ") and " uninstall " in uninstall and len(others) >= 8
    try:
        for command in others:
            release.terminal.run(command)
        cluster.kubectl("wait", "deployment/storm", "--for=condition=Available", "--timeout=50s")
    finally:
        release.kubectl("delete", "secret", "es", "--ignore-not-found")
        cluster.clear()
    assert {path for path, _ in release.kibana.asked} == {"/api/saved_objects/_import?overwrite=true"}
    rules = json.loads(release.kubectl("get", "prometheusrule", "hinomi", "-o", "json"))["spec"]["groups"]
    (storm,) = [rule for group in rules for rule in group["rules"] if rule.get("alert") == "ContainerStorm"]
    assert storm["expr"].endswith("> 3")
    pages = json.loads(release.kubectl("get", "podmonitor", "hinomi", "-o", "json"))["spec"]["podMetricsEndpoints"]
    assert [page["path"] for page in pages] == ["/metrics"]


def test_what_an_uninstallation_leaves(cluster, release):
    release.uninstall()
    eventually(lambda: not json.loads(release.kubectl("get", "pods", "-o", "json"))["items"], LINE_SECONDS_MAX,
               "its pods stay")
    left = json.loads(release.kubectl("get", "all,configmaps,secrets,serviceaccounts", "-o", "json"))["items"]
    assert {(one["kind"], one["metadata"]["name"]) for one in left} == {("ConfigMap", "kube-root-ca.crt"),
                                                                       ("ServiceAccount", "default")}
    assert (cluster.lib / "hinomi/checkpoint.a").exists() and (cluster.logs / "hinomi/escrow").is_dir()
    told = cluster.run(BINARY, "purge", "--yes", "--set", "cluster=prod")
    assert "All of it is removed." in told and not list((cluster.lib / "hinomi").glob("*"))
    assert not (cluster.logs / "hinomi/escrow").exists()
