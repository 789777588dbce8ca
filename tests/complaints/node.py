"""What the tests of complaints share: a node full of chatty pods, what arrived of them, and what the agent costs."""
import collections
import contextlib
import pathlib
import re
import signal
import subprocess
import sys

import kubelet
from waiting import eventually


class Chatty:
    """Pods that write so many lines a second each, below a kubelet that rotates, from `with` on."""

    def __init__(self, agent, pods, lines_per_second, *options):
        self.pods_dir, self.pods = agent.pods, pods
        seconds_max = 10 ** 5
        self.command = [sys.executable, kubelet.__file__, agent.pods, pods, lines_per_second * seconds_max,
                        seconds_max, *options]
        self.rotations = self.lines = None

    def __enter__(self):
        self.process = subprocess.Popen(list(map(str, self.command)), stdout=subprocess.PIPE, text=True)
        return self

    def stop(self):
        """The last lines are written; now `rotations` says how many there were, and `lines` what each pod wrote."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        self.rotations, self.lines = int(output), int((self.pods_dir.parent / "written").read_text())

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Bitmaps:
    """For each chatty pod, which of its lines are there."""

    def __init__(self, documents):
        self.seen = collections.defaultdict(bytearray)
        self.doubled = 0
        for document in documents:
            pod, number = document["message"].split()[:2]
            seen, number = self.seen[pod], int(number)
            seen.extend(bytes(max(0, number + 1 - len(seen))))
            self.doubled += seen[number]
            seen[number] = 1

    def expect_all_of(self, chatty):
        assert len(self.seen) == chatty.pods
        lost = {pod: chatty.lines - sum(seen) for pod, seen in self.seen.items() if sum(seen) != chatty.lines}
        assert not lost, f"lost, by pod: {lost}"
        assert not self.doubled


def memory_mib(pid):
    """What is the process's own; pages of files are not."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) / 1024


def written_bytes(pid):
    """To files, sockets and all else."""
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar:"))


def bytes_below(directory):
    """Of files and directories that hold any."""
    return sum(path.lstat().st_size for path in pathlib.Path(directory).rglob("*") if path.is_file())


def ledger(agent):
    """One look at it, by state."""
    page = agent.get("/metrics").text
    states = dict(re.findall(r'^hinomi_ledger_bytes\{.*state="(\w+)"\} (\S+)$', page, re.MULTILINE))
    imbalance = re.search(r"^hinomi_ledger_imbalance_bytes\{.*\} (\S+)$", page, re.MULTILINE)[1]
    return {state: float(count) for state, count in {**states, "imbalance": imbalance}.items()}


def expect_balance(agent):
    """Every byte is accounted for; returns by what."""
    found = ledger(agent)
    assert found["imbalance"] == 0, found
    assert found["produced"] == sum(found[state] for state in ("acknowledged", "dropped", "lost", "pending")), found
    return found


@contextlib.contextmanager
def stopped(agent):
    """The agent sees nothing of what happens meanwhile, until the end of `with`."""
    agent.signal(signal.SIGSTOP)
    state = pathlib.Path(f"/proc/{agent.process.pid}/stat")
    eventually(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", 5, "the agent does not stand still")
    try:
        yield
    finally:
        agent.signal(signal.SIGCONT)
