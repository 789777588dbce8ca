"""The chart in a cluster, and the servers that its agents write to and that scrape them."""
import concurrent.futures
import ctypes
import json
import subprocess

import yaml

import chart
from cluster import Cluster
from kibana_stub import Kibana
from page import KIBANA, SERVER, Terminal, commands, operators_kinds
from pod_monitor import scrape_configs
from search import Search
from services import Prometheus, Server
from test_real_kubelet import IMAGE

NODE = "10.88.0.1"  # its address, which its pods can reach
NAMESPACE, NAME = "monitoring", "hinomi"
STREAM = "logs-kubernetes.container_logs-default"
CONFIGURATION = "/etc/hinomi/config/config.yaml"
READY_SECONDS_MAX = 60
CLONE_NEWNET = 0x40000000


class Network:
    """Calls functions on a thread that is in a node's network; what they start is there too."""

    def __init__(self, cluster: Cluster):
        self.node = int((cluster.state / "pid").read_text())
        self.thread = concurrent.futures.ThreadPoolExecutor(1, initializer=self.enter)

    def enter(self):
        with open(f"/proc/{self.node}/ns/net") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot enter the node's network")

    def __call__(self, function, *arguments, **named):
        return self.thread.submit(function, *arguments, **named).result()

    def close(self):
        self.thread.shutdown()


def image():
    """An archive of it, under the name that the chart has by default."""
    version = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"]
    archive = subprocess.run([chart.ROOT / "script/package", "image", version], check=True, stdout=subprocess.PIPE,
                             text=True, timeout=600).stdout.strip()
    return chart.ROOT / archive


def scraping(pod):
    """The configuration of a Prometheus that the operator has told of the chart's PodMonitor, and of this pod."""
    found = chart.objects(*chart.OPERATOR)
    (monitor,) = [one for (kind, _), one in found.items() if kind == "PodMonitor"]
    target = f"{pod['status']['podIP']}:9797", pod["metadata"]["name"], pod["spec"]["nodeName"]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": list(scrape_configs(monitor, [target]))}


class Release:
    """`search` and `prometheus` are to be asked in the node's network."""

    def __init__(self, cluster, directory):
        self.cluster, self.directory, self.network = cluster, directory, Network(cluster)
        self.elasticsearch = self.network(Server, "elasticsearch", directory / "elasticsearch", f"http.host={NODE}")
        self.kibana = self.network(Kibana, NODE)
        self.prometheus = None
        self.installed = False

    def start(self):
        cluster = self.cluster
        cluster.run("ctr", "-n", "k8s.io", "images", "import", image())
        self.network(self.elasticsearch.ready)
        self.url = f"http://{NODE}:{self.elasticsearch.port}"
        self.search = self.network(Search, self.url)
        self.terminal = Terminal(cluster, self.directory / "terminal",
                                 {SERVER: self.url, KIBANA: self.kibana.url, "busybox:1": IMAGE})
        cluster.create(*operators_kinds())
        cluster.run(self.cluster.state / "kube", "kubectl", "wait", "--for=condition=Established", "--timeout=30s",
                    *[f"crd/{kind['metadata']['name']}" for kind in operators_kinds()])
        self.installed = True
        # However full this disk is.
        self.terminal.run(commands()[0], f" --set config.escrow.free_percent_min=0 --wait --timeout {READY_SECONDS_MAX}s")
        self.prometheus = self.network(Prometheus, self.directory / "prometheus", scraping(self.pod()))
        self.network(self.prometheus.ready)
        return self

    def helm(self, *words):
        return self.cluster.run(chart.tools() / "helm", *words, "--namespace", NAMESPACE, seconds=2 * READY_SECONDS_MAX)

    def kubectl(self, *words):
        return self.cluster.kubectl("-n", NAMESPACE, *words)

    def pod(self):
        """The agent's."""
        pods = json.loads(self.kubectl("get", "pods", "-l", f"app.kubernetes.io/name={NAME}", "-o", "json"))["items"]
        (pod,) = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return pod

    def ask(self, *words):
        """The agent, as an operator does; what it printed."""
        return self.kubectl("exec", f"daemonset/{NAME}", "-c", "hinomi", "--", "hinomi", words[0], "--config",
                            CONFIGURATION, *words[1:])

    def documents(self, namespace):
        """All that Elasticsearch has of its pods."""
        if not self.network(self.search.count, STREAM):
            return []
        return [one for one in self.network(lambda: list(self.search.documents(STREAM)))
                if one.get("kubernetes.namespace") == namespace]

    def query(self, expression):
        return self.network(self.prometheus.query, expression)

    def uninstall(self):
        self.terminal.run(commands()[-1], f" --wait --timeout {READY_SECONDS_MAX}s")
        self.installed = False

    def stop(self):
        try:
            if self.installed:
                self.uninstall()
        finally:
            for server in filter(None, (self.prometheus, self.elasticsearch)):
                self.network(server.stop)
            self.kibana.stop()
            self.network.close()
