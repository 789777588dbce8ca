"""The agent under test: a process with a configuration, logs to read and a state of its own."""
import os
import pathlib
import re
import signal
import subprocess

import requests
import yaml

from networks import inside
from waiting import eventually, free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("HINOMI_BINARY", str(ROOT / "build/dev/hinomi"))
SAMPLE = re.compile(r'^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$', re.MULTILINE)
# The agent takes HINOMI_* for its own.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("HINOMI_")}
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# The memory is: nothing that was freed is kept by the sanitizer, nor by whom it was used.
OF_THE_AGENT_ALONE = ("quarantine_size_mb=0:thread_local_quarantine_size_kb=0:malloc_context_size=0:"
                      "allocator_release_to_os_interval_ms=100")


def command(*words):
    """Runs the binary to its end, as an operator at a terminal."""
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=30, env=ENVIRONMENT)


class Agent:
    def __init__(self, directory):
        self.directory = directory
        self.pods, self.state = directory / "pods", directory / "state"
        self.config, self.output = directory / "config.yaml", directory / "output"
        self.pods.mkdir()
        self.output.touch()
        self.port = free_ports()
        self.command = [BINARY, "run"]
        self.network = None  # the pid of a process in whose network it runs
        self.process = None

    def configure(self, sink, **changes):
        """Writes the configuration: one sink, one route. `changes` replace whole top-level keys. Routes leave out the
        agent's own events unless they say otherwise: tests count documents."""
        config = {
            "cluster": "demo", "node": "node-1", "state_dir": str(self.state),
            "escrow": {"directory": str(self.directory / "escrow"), "free_percent_min": 0},  # however full this disk is
            "http": {"listen": f"127.0.0.1:{self.port}"},
            "sources": {"kubernetes": {"pods_dir": str(self.pods)}},
            "sinks": {"search": {"type": "elasticsearch", **sink}},
            "routes": [{"name": "all", "sink": "search"}],
        }
        config.update(changes)
        config["routes"] = [{"events": "exclude", **route} for route in config["routes"]]
        self.config.write_text(yaml.safe_dump(config, sort_keys=False))

    def spare_memory(self):
        """Before it is started, for a test that measures what it has."""
        self.command = ["env", f"ASAN_OPTIONS={OF_THE_AGENT_ALONE}", *self.command]

    def start(self):
        """Starts it and waits until it reads its sources."""
        self.launch()
        eventually(lambda: self.ready().ok, 30, lambda: f"the agent is not ready\n{self.log()}")

    def spawn(self):
        """Starts it and waits for nothing."""
        where = ["nsenter", "-t", str(self.network), "-n"] if self.network else []
        with self.output.open("ab") as output:
            self.process = subprocess.Popen([*where, *self.command, "--config", str(self.config)],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT,
                                            env=ENVIRONMENT)

    def launch(self):
        """Starts it and waits until it answers at all."""
        self.spawn()

        def answers():
            assert self.process.poll() is None, f"the agent ended with {self.process.returncode}\n{self.log()}"
            try:
                return self.get("/healthz").ok
            except requests.ConnectionError:
                return False

        eventually(answers, 30, lambda: f"the agent does not answer\n{self.log()}")

    def stop(self, seconds=15):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent still runs {seconds} s after SIGTERM\n{self.log()}") from None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        """The end of a test: what the agent said is shown if the test failed, and fails it if it is a bug."""
        self.kill()
        print(f"--- the end of the agent's output\n{self.log()[-20000:]}")
        assert not re.search(r"ERROR: \w+Sanitizer|runtime error: |BUG: ", self.log())

    def get(self, path, seconds=5):
        session = requests.Session()
        session.trust_env = False

        def ask():
            return session.get(f"http://127.0.0.1:{self.port}{path}", timeout=seconds)
        return inside(self.network, ask) if self.network else ask()

    def ready(self):
        return self.get("/readyz")

    def metric(self, name, **labels):
        """The sum of that metric's samples that have these labels; None when there is none."""
        values = [float(sample["value"]) for sample in SAMPLE.finditer(self.get("/metrics").text)
                  if sample["name"] == name and labels.items() <= dict(LABEL.findall(sample["labels"] or "")).items()]
        return sum(values) if values else None

    def log(self):
        return self.output.read_text(errors="replace")

    def dead_letters(self):
        """All bytes below dead_letters/."""
        return b"".join(file.read_bytes() for file in (self.state / "dead_letters").rglob("*") if file.is_file())

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
