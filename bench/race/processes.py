"""Processes of the race: each on its core, measured with all its children, and ended with them."""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SHIPPER_CORE, OTHER_CORE = CORES[0], CORES[-1]


class Process:
    """Pinned to a core, in a process group of its own, gone with us whatever happens."""

    def __init__(self, command, core, output, stdout=None):
        pinned = ["setpriv", "--pdeathsig", "KILL", "taskset", "--cpu-list", str(core), *map(str, command)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with open(output, "ab") as log:
            self.process = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                            env=environment, start_new_session=True)
        self.output = pathlib.Path(output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def tree(self):
        """Its own id and those of all its children's children."""
        found, at = [self.process.pid], 0
        while at < len(found):
            for children in pathlib.Path(f"/proc/{found[at]}/task").glob("*/children"):
                try:
                    found += map(int, children.read_text().split())
                except OSError:
                    pass
            at += 1
        return found

    def cpu_seconds(self):
        """User and system time, with that of children that have ended."""
        ticks = 0
        for pid in self.tree():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
            except OSError:
                pass
        return ticks / TICKS

    def peak_mib(self):
        """The most that was ever resident, file pages included: the sum of VmHWM."""
        kib = 0
        for pid in self.tree():
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            kib += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
        return kib / 1024

    def alive(self):
        return self.process.poll() is None

    def stop(self, seconds):
        """SIGTERM, and SIGKILL if that does not help; false if it had to be killed."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
        return True

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def last_words(self):
        return self.output.read_text(errors="replace")[-2000:].strip()


class Sink(Process):
    """The counting sink, and what it has counted."""

    def __init__(self, binary, output):
        super().__init__([binary], OTHER_CORE, output, stdout=subprocess.PIPE)
        first = self.process.stdout.readline()
        if not first:
            self.kill()
            raise RuntimeError(f"the counting sink does not start: {self.last_words()}")
        self.port = json.loads(first)["port"]
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _ask(self, path, data=None):
        with self.opener.open(f"http://127.0.0.1:{self.port}{path}", data=data, timeout=20) as answer:
            return json.load(answer)

    def stats(self):
        return self._ask("/stats")

    def set_written(self, summary):
        self._ask("/written", summary)

    def wait_for(self, lines, shipper, stall_seconds):
        """Until so many different lines have arrived; false if none came for `stall_seconds`, or nobody sends."""
        seen, progress = -1, time.monotonic()
        while True:
            distinct = self.stats()["distinct"]
            if distinct >= lines:
                return True
            now = time.monotonic()
            if distinct > seen:
                seen, progress = distinct, now
            if now - progress > stall_seconds or not shipper.alive():
                return False
            time.sleep(0.02 if lines - distinct < 200_000 else 0.1)
