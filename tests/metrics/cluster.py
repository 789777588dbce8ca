"""Two nodes as Prometheus sees them in a cluster that runs this agent and kube-state-metrics, and nothing else: one
made of files whose counters grow by known rates, and the machine that the tests run on."""
import contextlib
import http.server
import pathlib
import re
import threading
import time

import yaml

import runtime_stub
from agent import ROOT, Agent
from hosts import HOSTS, write
from pod_monitor import scrape_configs
from services import Prometheus

RULES = pathlib.Path(__file__).with_name("rules.yaml")
UID = "81f899a9-5b67-4f70-b5e5-ecfa3c7cba2a"
MAIN, SANDBOX = ("823ea2207300809a5ea518ed8978677c9c9aa2b447f0dcadb97aea5969bb28ce",
                 "865eb9dcdd0cb425e4a8df2c58e8a9b543bf27e3cc32bfef3f87a1b649fa6973")
IMAGE = "registry.test/hello:1"
POD = f"/sys/fs/cgroup/kubepods/burstable/pod{UID}"

# What the container has: the working set is 700000.
MEMORY = {"memory.current": "1000000\n", "memory.stat": "anon 250000\nfile 600000\ninactive_file 300000\n",
          "memory.swap.current": "8192\n"}
NODE = {"/proc/loadavg": "0.50 0.40 0.30 1/100 1000\n",
        "/proc/meminfo": "MemTotal: 2000000 kB\nMemFree: 100000 kB\nMemAvailable: 500000 kB\nBuffers: 1000 kB\n"
                         "Cached: 300000 kB\nSwapTotal: 524288 kB\nSlab: 1000 kB\n"}
AGENTS = {"node-1": "hinomi-1", "node-2": "hinomi-2"}  # the pod of the agent by the node that it runs on


def cpu_stat(cores):
    return lambda t: f"usage_usec {int(1e7 + cores * t * 1e6)}\nuser_usec {int(1e7 + cores * t * 1e6)}\nsystem_usec 0\n"


def proc_stat(t):
    """Two processors, 30 % and 10 % busy; a tenth of the rest is time in which they wait or are stolen."""
    lines = [f"cpu{n} {int(1000 + busy * t)} 0 0 {int(1000 + idle * t)} {int(100 + 5 * t)} 0 0 {int(100 + 5 * t)} 0 0\n"
             for n, busy, idle in ((0, 30, 60), (1, 10, 80))]
    return "cpu  1 2 3 4 5 6 7 8 0 0\n" + "".join(lines) + "btime 1795228218\n"


def net_dev(**rates):
    """Bytes received and sent by interface; one in a hundred packets of a byte is dropped."""
    header = ("Inter-|   Receive                                                |  Transmit\n"
              " face |bytes    packets errs drop fifo frame compressed multicast|"
              "bytes    packets errs drop fifo colls carrier compressed\n")

    def direction(rate, t):
        return f"{int(rate * t)} {int(rate * t)} 0 {int(rate * t / 100)} 0 0 0 0"
    return lambda t: header + "".join(f"{name}: {direction(received, t)} {direction(sent, t)}\n"
                                      for name, (received, sent) in rates.items())


# By seconds since the beginning; the pod has what its containers have.
GROWING = {
    f"{POD}/{MAIN}/cpu.stat": cpu_stat(0.25), f"{POD}/{SANDBOX}/cpu.stat": cpu_stat(0.05),
    f"{POD}/cpu.stat": cpu_stat(0.3), "/proc/stat": proc_stat,
    # Of lo more than of all others; that of the pod is seen by the processes of both its containers.
    "/proc/1/net/dev": net_dev(lo=(90000, 90000), eth0=(2000, 3000), cni0=(500, 1000)),
    "/proc/1376/net/dev": net_dev(lo=(500, 500), eth0=(300, 100)),
    "/proc/1548/net/dev": net_dev(lo=(500, 500), eth0=(300, 100)),
    "/proc/vmstat": lambda t: f"pgfault {int(1000 * t)}\npgmajfault {int(100 + 20 * t)}\n",
    "/proc/diskstats": lambda t: f"8 0 sda 1 0 8 1 1 0 8 1 0 {int(1000 + 400 * t)} {int(1000 + 800 * t)} 0 0 0 0 0 0\n",
}


@contextlib.contextmanager
def growing(root):
    """Rewrites those files below `root`, in place: readers may keep them open."""
    begin, over = time.monotonic(), threading.Event()

    def grow():
        while not over.wait(0.1):
            for path, text_at in GROWING.items():
                with open(root / path.lstrip("/"), "r+", encoding="utf-8") as file:
                    file.write(text_at(time.monotonic() - begin))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def runtime(socket, generated):
    """It has that pod: without one nobody tells images, and the rules look for containers that have one."""
    return runtime_stub.runtime(socket, generated, uid=UID, sandbox=SANDBOX, container=MAIN, image=IMAGE)


def pod_infos():
    pods = [("default", "hello", "node-1"), *(("monitoring", pod, node) for node, pod in AGENTS.items())]
    rows = [f'kube_pod_info{{namespace="{namespace}",pod="{pod}",node="{node}",uid="{UID}",host_ip="10.0.0.1",'
            f'pod_ip="10.1.0.1",created_by_kind="ReplicaSet",created_by_name="{pod}",host_network="false"}} 1\n'
            for namespace, pod, node in pods]
    return "# TYPE kube_pod_info gauge\n" + "".join(rows)


@contextlib.contextmanager
def kube_state_metrics():
    """Its port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pod_infos().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def pod_monitor():
    """The one that docs/metrics.md tells people to apply."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE | re.DOTALL)
    (monitor,) = [block for block in map(yaml.safe_load, blocks) if block.get("kind") == "PodMonitor"]
    return monitor


def configuration(ports, stub):
    monitor = pod_monitor()
    # It is for metrics-server, but the stack scrapes a kubelet's as well: its rows may not be counted twice.
    monitor["spec"]["podMetricsEndpoints"].append({
        "port": "http", "path": "/metrics/resource", "honorLabels": True,
        "relabelings": [{"targetLabel": "job", "replacement": "kubelet"},
                        {"targetLabel": "metrics_path", "replacement": "/metrics/resource"}]})
    pods = [(f"127.0.0.1:{port}", AGENTS[node], node) for node, port in ports.items()]
    state = {"job_name": "kube-state-metrics", "honor_labels": True,
             "static_configs": [{"targets": [f"127.0.0.1:{stub}"]}]}
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)], "scrape_configs": [*scrape_configs(monitor, pods), state]}


@contextlib.contextmanager
def agent_on(directory, host_root, metadata):
    directory.mkdir()
    agent = Agent(directory)
    agent.configure({}, host_root=str(host_root), metadata={"enabled": metadata}, escrow={"directory": ""},
                    sources={"kubernetes": {"pods_dir": "/var/log/pods" if metadata else str(agent.pods)}},
                    sinks={"files": {"type": "archive", "directory": str(directory / "archive")}},
                    routes=[{"name": "all", "sink": "files"}])
    try:
        agent.launch()
        yield agent
    finally:
        agent.finish()


@contextlib.contextmanager
def running(directory):
    """A Prometheus that scrapes both nodes and evaluates the rules."""
    root = directory / "host"
    files = {**HOSTS["kubernetes_v2"](), **NODE, **{f"{POD}/{MAIN}/{name}": text for name, text in MEMORY.items()}}
    write({**files, **{path: text_at(0) for path, text_at in GROWING.items()}}, root)
    # A pod's processes share its network: one inode.
    (root / "proc/1548/ns/net").unlink()
    (root / "proc/1548/ns/net").hardlink_to(root / "proc/1376/ns/net")
    with contextlib.ExitStack() as stack:
        stack.enter_context(growing(root))
        stack.enter_context(runtime(root / "run/containerd/containerd.sock", directory / "generated"))
        agents = {"node-1": stack.enter_context(agent_on(directory / "node-1", root, True)),
                  "node-2": stack.enter_context(agent_on(directory / "node-2", "/", False))}
        ports = {node: agent.port for node, agent in agents.items()}
        stub = stack.enter_context(kube_state_metrics())
        prometheus = Prometheus(directory / "prometheus", configuration(ports, stub))
        stack.callback(prometheus.stop)
        yield prometheus.ready()
