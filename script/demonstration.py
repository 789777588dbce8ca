"""Shows the agent at work, until Ctrl-C: starts what it ships to, a small shop that writes logs if this machine has none,
and the agent; then says every few seconds what flows. Everything lies in build/demo, which each start makes anew.

    demonstration.py AGENT PODS_DIR [SERVER...]

Called by script/server. PODS_DIR is empty for the shop's logs. Without a server the logs go to an archive."""
import fcntl
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
DEMO = ROOT / "build/demo"
SERVICES = ROOT / "tests/services"
FLOW_SECONDS = 3
AGENT_PORT = 9797
AGENT_START_SECONDS, AGENT_STOP_SECONDS, SERVER_START_SECONDS = 30, 15, 600
SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.MULTILINE)
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# For each server: the port that people expect, its sink, and how to look at what has arrived.
SERVERS = {
    "elasticsearch": (9200, '{{ type: elasticsearch, endpoints: ["http://127.0.0.1:{port}"] }}',
                      "curl 'http://127.0.0.1:{port}/logs-*/_search?pretty&size=3'"),
    "opensearch": (9210, '{{ type: elasticsearch, endpoints: ["http://127.0.0.1:{port}"] }}',
                   "curl 'http://127.0.0.1:{port}/logs-*/_search?pretty&size=3'"),
    "kafka": (9092, '{{ type: kafka, brokers: ["127.0.0.1:{port}"], topic: "logs-{{namespace}}" }}',
              "kcat -C -b 127.0.0.1:{port} -t logs-{namespace} -o -3 -c 3"),
}


class Failure(Exception):
    pass


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def take_ports(wanted, count=1):
    """`wanted`, or the next above it from which on `count` neighbours are free."""
    for first in range(wanted, wanted + 2000):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise Failure(f"cannot find a free port above {wanted}")


def size(count):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024


class Server:
    """One of tests/services, started in the background."""

    def __init__(self, name):
        self.name, self.directory = name, DEMO / name
        wanted, self.sink, self.look = SERVERS[name]
        self.port = take_ports(wanted, 2)
        self.starting = subprocess.Popen([SERVICES / name / "start.sh", str(self.port), str(self.directory)],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)

    def ready(self):
        try:
            status = self.starting.wait(SERVER_START_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} has not started within {SERVER_START_SECONDS} s") from None
        if status != 0:
            raise Failure(f"cannot start {self.name}: its words are above")

    def stop(self):
        if self.starting.poll() is None:
            os.killpg(self.starting.pid, signal.SIGTERM)
            self.starting.wait()
        subprocess.run([SERVICES / "common/stop.sh", str(self.directory)], timeout=60, check=False)


class Demonstration:
    def __init__(self, agent, pods_dir, servers):
        self.binary, self.pods_dir, self.wanted = agent, pods_dir, servers
        self.namespace = "NAMESPACE" if pods_dir else "shop-demo"
        self.servers, self.agent, self.shop = [], None, None
        self.address = f"127.0.0.1:{take_ports(AGENT_PORT)}"

    def run(self):
        try:
            self.start()
            self.watch()
        finally:
            # A second Ctrl-C must not leave anything behind.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self.stop()

    def start(self):
        for server in self.wanted:
            self.servers.append(Server(server))
        if self.servers:
            say(f"start {', '.join(self.wanted)}; the first time they are downloaded")
        for server in self.servers:
            server.ready()
        if not self.pods_dir:
            self.pods_dir = DEMO / "pods"
            self.pods_dir.mkdir()
            self.shop = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/emulator/shop.py", self.pods_dir],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                         start_new_session=True)
        (DEMO / "config.yaml").write_text(self.config())
        with (DEMO / "agent.log").open("wb") as log:
            self.agent = subprocess.Popen([self.binary, "run", "--config", DEMO / "config.yaml"],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + AGENT_START_SECONDS
        while self.get("/readyz") is None:
            self.check()
            if time.monotonic() > end:
                raise Failure(f"the agent is not ready after {AGENT_START_SECONDS} s\n{self.agent_log()}")
            time.sleep(0.1)
        self.introduce()

    def config(self):
        sinks = {server.name: server.sink.format(port=server.port) for server in self.servers}
        if not sinks:
            sinks["archive"] = f'{{ type: archive, directory: "{DEMO / "archive"}", sync_every: 1s }}'
        lines = ["cluster: demo", f'state_dir: "{DEMO / "state"}"',
                 f'escrow: {{ directory: "{DEMO / "escrow"}", free_percent_min: 0 }}',
                 f'http: {{ listen: "{self.address}" }}', "sources:",
                 f'  kubernetes: {{ pods_dir: "{self.pods_dir}" }}', "sinks:",
                 *[f"  {name}: {sink}" for name, sink in sinks.items()], "routes:",
                 *[f"  - {{ name: {name}, sink: {name}, events: exclude }}" for name in sinks]]
        return "\n".join(lines) + "\n"

    def introduce(self):
        here = pathlib.Path.cwd()
        show = lambda path: os.path.relpath(path, here)
        if self.shop:
            say(f"logs     {show(self.pods_dir)}: a small shop, written for this demonstration")
        else:
            say(f"logs     {self.pods_dir}")
        say(f"page     http://{self.address}/")
        say(f"metrics  http://{self.address}/metrics")
        for server in self.servers:
            look = server.look.format(port=server.port, namespace=self.namespace)
            say(f"look     {look}")
        if not self.servers:
            say(f"look     {show(self.binary)} cat {show(DEMO / 'archive')}")
        say(f"settings {show(DEMO / 'config.yaml')}, the agent's own log {show(DEMO / 'agent.log')}")
        say("Ctrl-C ends all of it")

    def get(self, path):
        try:
            with HTTP.open(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def agent_log(self):
        return (DEMO / "agent.log").read_text(errors="replace")[-4000:]

    def check(self):
        if self.agent.poll() is not None:
            raise Failure(f"the agent has ended with {self.agent.returncode}:\n{self.agent_log()}")
        if self.shop and self.shop.poll() is not None:
            raise Failure(f"the shop has ended with {self.shop.returncode}")

    def sums(self):
        """The sum over all samples of each metric, and each sink's state."""
        sums, sinks = {}, {}
        for name, labels, value in SAMPLE.findall(self.get("/metrics") or ""):
            sums[name] = sums.get(name, 0) + float(value)
            if name == "hinomi_sink_up":
                sinks[re.search(r'sink="([^"]*)"', labels)[1]] = value != "0"
        return sums, sinks

    def watch(self):
        before, since = {}, time.monotonic()
        while True:
            self.check()
            sums, sinks = self.sums()
            now = time.monotonic()
            rate = lambda name: (sums.get(name, 0) - before.get(name, 0)) / (now - since)
            if before and sums:
                state = ", ".join(f"{name} {'ok' if up else 'takes nothing'}" for name, up in sinks.items())
                print(f"{time.strftime('%H:%M:%S')}  {rate('hinomi_log_lines_total'):8,.0f} records/s"
                      f"  {size(rate('hinomi_log_bytes_total')):>9}/s  {sums.get('hinomi_logs', 0):4.0f} logs"
                      f"  {sums.get('hinomi_log_lines_total', 0):12,.0f} records delivered"
                      f"  {size(sums.get('hinomi_route_pending_bytes', 0)):>9} pending  {state}", flush=True)
            before, since = sums, now
            time.sleep(FLOW_SECONDS)

    def stop(self):
        say("stopping")
        written = None
        if self.shop:
            self.shop.terminate()
            written = self.shop.communicate(timeout=10)[0].strip()
        if self.agent and self.agent.poll() is None:
            self.agent.terminate()
            try:
                self.agent.wait(AGENT_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.agent.kill()
                self.agent.wait()
        for server in self.servers:
            server.stop()
        if written and "drained: " in self.agent_log():
            say(f"{int(written):,} lines were written, and all of them delivered")
        elif written:
            say(f"{int(written):,} lines were written; the agent's log says what became of them")


def interrupted(*_):
    raise KeyboardInterrupt


def main(agent, pods_dir, *servers):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("script/server: another demonstration runs from this directory; end it first")
        shutil.rmtree(DEMO, ignore_errors=True)
        DEMO.mkdir()
        try:
            Demonstration(agent, pods_dir, servers).run()
        except KeyboardInterrupt:
            pass
        except Failure as failure:
            sys.exit(f"script/server: {failure}")


if __name__ == "__main__":
    main(*sys.argv[1:])
