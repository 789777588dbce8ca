"""The rules that users of kubernetes-mixin and node-mixin have, in a Prometheus that scrapes this agent as
docs/metrics.md says, and of Kubernetes only what kube-state-metrics tells."""
import os
import pathlib
import re
import tempfile
import time

import pytest
import yaml

import cluster
from waiting import eventually

RECORDS = [rule["record"] for group in yaml.safe_load(cluster.RULES.read_text())["groups"] for rule in group["rules"]]
CONTAINER = "node_namespace_pod_container:container_"
PAGES = {"/metrics": "monitoring/hinomi", "/metrics/cadvisor": "kubelet", "/metrics/node": "node-exporter",
         "/metrics/resource": "kubelet"}
SETTLING_SECONDS_MAX = 30  # it finds its targets after 5, and a window is full after 10
SECONDS_MAX = 5  # what comes later than that

# By record; all that is no rate is exact.
OF_THE_CONTAINER = {f"{CONTAINER}cpu_usage_seconds_total:sum_rate5m": 0.25,
                    f"{CONTAINER}cpu_usage_seconds_total:sum_irate": 0.25,
                    f"{CONTAINER}memory_working_set_bytes": 700000, f"{CONTAINER}memory_rss": 250000,
                    f"{CONTAINER}memory_cache": 600000, f"{CONTAINER}memory_swap": 8192}
OF_THE_INSTANCE = {"instance:node_num_cpu:sum": 2, "instance:node_cpu_utilisation:rate5m": 0.2,
                   "instance:node_load1_per_cpu:ratio": 0.25, "instance:node_memory_utilisation:ratio": 0.75,
                   "instance:node_vmstat_pgmajfault:rate5m": 20,
                   "instance_device:node_disk_io_time_seconds:rate5m": 0.4,
                   "instance_device:node_disk_io_time_weighted_seconds:rate5m": 0.8,
                   "instance:node_network_receive_bytes_excluding_lo:rate5m": 2500,
                   "instance:node_network_transmit_bytes_excluding_lo:rate5m": 4000,
                   "instance:node_network_receive_drop_excluding_lo:rate5m": 25,
                   "instance:node_network_transmit_drop_excluding_lo:rate5m": 40}


@pytest.fixture(scope="module")
def prometheus():
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory, cluster.running(pathlib.Path(directory)) as server:
        server.settles_at = time.monotonic() + SETTLING_SECONDS_MAX
        yield server


def soon(prometheus, condition, what):
    """Waits for it, as long as Prometheus may not have seen enough yet: a test that fails does not hold up the next."""
    return eventually(condition, max(SECONDS_MAX, prometheus.settles_at - time.monotonic()), what)


def rows(prometheus, expression):
    """[(labels without the name, value)]"""
    return [({name: text for name, text in row["metric"].items() if name != "__name__"}, float(row["value"][1]))
            for row in prometheus.query(expression)]


def named(record, **labels):
    return "{%s}" % ",".join(f'{name}="{text}"' for name, text in {"__name__": record, **labels}.items())


def becomes(prometheus, expression, value):
    """Its one row has that value, or soon has; the row's labels."""
    # The last two samples, of a file that is rewritten ten times a second, say less than ten.
    tolerance = 0.3 if "irate" in expression else 0.1 if "rate" in expression else 1e-9

    def there():
        found = rows(prometheus, expression)
        return found if len(found) == 1 and found[0][1] == pytest.approx(value, rel=tolerance) else None
    return soon(prometheus, there, lambda: f"{expression} is not {value}: {rows(prometheus, expression)}")[0][0]


@pytest.mark.parametrize("record", RECORDS)
def test_a_rule_gives_rows(prometheus, record):
    """Of the nodes, one for each."""
    wanted = set(cluster.AGENTS) if record.startswith("instance") else set()

    def there():
        found = rows(prometheus, named(record))
        return found and {labels.get("instance") for labels, _ in found} >= wanted
    soon(prometheus, there, lambda: f"not the rows of {record}: {rows(prometheus, named(record))}")


@pytest.mark.parametrize("record", OF_THE_CONTAINER)
def test_what_a_container_has(prometheus, record):
    labels = becomes(prometheus, named(record, container="main"), OF_THE_CONTAINER[record])
    assert {name: labels.get(name) for name in ("namespace", "pod", "node")} == {
        "namespace": "default", "pod": "hello", "node": "node-1"}


@pytest.mark.parametrize("record", OF_THE_INSTANCE)
def test_what_a_node_has(prometheus, record):
    labels = becomes(prometheus, named(record, instance="node-1"), OF_THE_INSTANCE[record])
    # What the rule for processors joins on is the agent's own pod.
    assert (labels["namespace"], labels["pod"], labels["job"]) == ("monitoring", "hinomi-1", "node-exporter")


def test_what_all_nodes_have(prometheus):
    processors = len(re.findall(r"^cpu\d", pathlib.Path("/proc/stat").read_text(), re.MULTILINE))
    becomes(prometheus, named("node:node_num_cpu:sum", node="node-1"), 2)
    becomes(prometheus, named("node:node_num_cpu:sum", node="node-2"), processors)
    (_, share), = rows(prometheus, named("cluster:node_cpu:ratio_rate5m"))
    assert 0 < share < 1
    page = os.sysconf("SC_PAGE_SIZE")
    (_, available), = rows(prometheus, named(":node_memory_MemAvailable_bytes:sum"))
    assert 500000 * 1024 < available < 500000 * 1024 + os.sysconf("SC_PHYS_PAGES") * page


def test_a_pod_is_counted_once(prometheus):
    """By the sums of the dashboards of pods; slices, sandboxes and the other page would make them more."""
    working_set = 'sum by (namespace, pod, container) (container_memory_working_set_bytes{%s})'
    labels = becomes(prometheus, working_set % 'image!="",container!=""', 700000)
    assert labels == {"namespace": "default", "pod": "hello", "container": "main"}
    becomes(prometheus, 'sum(rate(container_cpu_usage_seconds_total{job="kubelet",metrics_path="/metrics/cadvisor",'
                        'namespace="default",image!=""}[10s]))', 0.3)
    becomes(prometheus, 'sum by (namespace, pod) (rate(container_network_receive_bytes_total{job="kubelet",'
                        'metrics_path="/metrics/cadvisor",namespace="default"}[10s]))', 300)


def test_rows_of_the_node_are_nobodys(prometheus):
    """Rows whose labels are empty do not get those of the agent."""
    labels = becomes(prometheus, 'count by (namespace, pod, container, node) '
                                 '(container_cpu_usage_seconds_total{id="/",node="node-1"})', 1)
    assert labels == {"node": "node-1"}
    assert not rows(prometheus, 'container_memory_working_set_bytes{namespace="monitoring"}')


def test_every_page_is_scraped_without_a_complaint(prometheus):
    def up():
        return {(labels["job"], labels.get("pod"), labels.get("metrics_path", "")): value
                for labels, value in rows(prometheus, "up")}
    wanted = {(job, pod, path if job == "kubelet" else ""): 1
              for path, job in PAGES.items() for pod in cluster.AGENTS.values()}
    wanted["kube-state-metrics", None, ""] = 1
    soon(prometheus, lambda: up() == wanted, lambda: f"{up()}")
    becomes(prometheus, "min(count_over_time(up[6s])) > bool 4", 1)
    # Of a series that comes twice in a scrape it keeps one, and not every version says so.
    becomes(prometheus, 'sum_over_time(abs(sum(scrape_samples_scraped) - '
                        'count({__name__=~"[a-zA-Z0-9_]+",__name__!~"up|scrape_.*"}))[2s:1s])', 0)
    targets = prometheus.ask("targets")["activeTargets"]
    assert len(targets) == len(wanted)
    assert not [(target["scrapeUrl"], target["lastError"]) for target in targets if target["lastError"]]
    soon(prometheus, lambda: all(rows(prometheus, named(record)) for record in RECORDS), "a rule gives no rows")
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(RECORDS)
    assert not [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"]
    # Samples that come twice or out of order, rules that match twice, values that cannot be read.
    log = (prometheus.directory / "out").read_text()
    assert "Server is ready" in log
    assert not re.findall(r"^.*(?:level=(?:warn|error)|Error on ingesting).*$", log, re.MULTILINE)
