#!/usr/bin/python3
"""Container logs as containerd writes them and the kubelet rotates them.

As a program it is a node full of chatty pods:

    kubelet.py PODS_DIR PODS LINES SECONDS [--rotate-bytes N] [--tick-seconds S] [--late SHARE] [--reopen-seconds S]

writes LINES numbered lines to each of PODS pods within SECONDS, and rotates each log about every four seconds: it
keeps five files and compresses all but the newest rotated one. With --rotate-bytes it looks at the sizes every tick, as
the kubelet does, and rotates what is larger; a file grows far beyond that where the tick is slow, or where a SHARE of
what is due is passed over until the next. Writers go on in the renamed file for --reopen-seconds. SIGTERM ends it early.
When it ends, PODS_DIR/../written holds the number of lines of each pod, and its output is the number of rotations.

While PODS_DIR/../hold exists it rotates a log once at most and compresses nothing; it answers with PODS_DIR/../held,
which says how many lines had been written then."""
import argparse
import gzip
import json
import os
import pathlib
import random
import signal
import time
import uuid

FILES_MAX = 5


def cri_time(nanoseconds):
    """RFC 3339 with the trailing zeros of the fraction cut, as Go prints it."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return text + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"


class Log:
    """One container's log: <pods_dir>/<namespace>_<pod>_<uid>/<container>/<restart>.log."""

    def __init__(self, pods_dir, pod, namespace="default", container="main", restart=0):
        self.namespace, self.pod, self.container, self.uid = namespace, pod, container, str(uuid.uuid4())
        self.path = pathlib.Path(pods_dir, f"{namespace}_{pod}_{self.uid}", container, f"{restart}.log")
        self.path.parent.mkdir(parents=True)
        self.rotations, self.stamp = 0, 0
        self.file = None
        self.reopen()

    def reopen(self):
        """What the runtime does when the kubelet asks it to: writes to the file that has the log's name."""
        if self.file is not None:
            os.close(self.file)
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def raw(self, data):
        """Appends bytes as they are."""
        while data:
            data = data[os.write(self.file, data):]

    def line(self, body, stream="stdout", tag="F"):
        """Appends one CRI line, and returns its time (nanoseconds) and its offset in the current file."""
        now, offset = time.time_ns(), self.size()
        body = body.encode() if isinstance(body, str) else body
        self.raw(f"{cri_time(now)} {stream} {tag} ".encode() + body + b"\n")
        return now, offset

    def size(self):
        return os.fstat(self.file).st_size

    def rotate(self, compress=True, reopen=True):
        """As the kubelet does it: the oldest file is removed, all rotated ones but the newest are compressed, then
        the current one is renamed and the runtime opens a new one. Names differ however often that happens."""
        rotated = sorted(self.path.parent.glob(self.path.name + ".*"))
        if compress:
            for old in rotated[: -(FILES_MAX - 2)]:
                old.unlink()
            for plain in rotated[-(FILES_MAX - 2):-1]:
                if plain.suffix != ".gz":
                    self.compress(plain)
        self.rotations += 1
        self.stamp = max(self.stamp + 1, int(time.time()))
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self.stamp))
        self.path.rename(self.path.with_name(f"{self.path.name}.{stamp}"))
        if reopen:
            self.reopen()

    def compress(self, plain):
        temporary = plain.with_name(plain.name + ".tmp")
        with gzip.open(temporary, "wb", compresslevel=1) as out:
            out.write(plain.read_bytes())
        temporary.rename(plain.with_name(plain.name + ".gz"))
        plain.unlink()

    def close(self):
        os.close(self.file)


def body(pod, sequence):
    """Every second line is JSON; the `message` of all of them says who wrote it and its number."""
    message = f"{pod} {sequence} " + "the quick brown fox jumps over the lazy dog " * (sequence % 3)
    if sequence % 2:
        return json.dumps({"message": message, "log.level": "info", "event": {"duration": sequence * 1000}})
    return message


class ByTime:
    """Rotates each log about every four seconds."""

    def __init__(self, logs):
        self.logs = logs
        self.due = [time.monotonic() + 2 + 4 * i / len(logs) for i in range(len(logs))]

    def look(self, rotated_when_held):
        for i, log in enumerate(self.logs):
            if time.monotonic() < self.due[i]:
                continue
            if rotated_when_held is None or log.rotations == rotated_when_held[i]:
                log.rotate(compress=rotated_when_held is None)
                self.due[i] += 4


class BySize:
    """The kubelet's own way: a look at all sizes every tick."""

    def __init__(self, logs, options):
        self.logs, self.options, self.dice = logs, options, random.Random(options.seed)
        self.next_tick = time.monotonic() + options.tick_seconds
        self.renamed = []  # (when its writer learns of it, log)

    def look(self, _rotated_when_held):
        now = time.monotonic()
        while self.renamed and self.renamed[0][0] <= now:
            self.renamed.pop(0)[1].reopen()
        if now < self.next_tick:
            return
        self.next_tick = now + self.options.tick_seconds
        waiting = [log for _, log in self.renamed]
        for log in self.logs:
            if log.size() < self.options.rotate_bytes or log in waiting or self.dice.random() < self.options.late:
                continue
            log.rotate(reopen=False)
            self.renamed.append((time.monotonic() + self.options.reopen_seconds, log))


def run(options):
    pods_dir, total = options.pods_dir, options.lines
    hold, held = pods_dir.parent / "hold", pods_dir.parent / "held"
    logs = [Log(pods_dir, f"chatty-{i}", namespace=f"team-{i % 5}") for i in range(options.pods)]
    rotation = BySize(logs, options) if options.rotate_bytes else ByTime(logs)
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    rotated_when_held = None
    began, written = time.monotonic(), 0
    while written < total and not ending:
        due = min(total, int(total * (time.monotonic() - began) / options.seconds))
        for log in logs:
            for sequence in range(written, due):
                log.line(body(log.pod, sequence), stream="stderr" if sequence % 7 == 0 else "stdout")
        written = due
        if not hold.exists():
            rotated_when_held = None
        elif rotated_when_held is None:
            rotated_when_held = [log.rotations for log in logs]
            held.with_suffix(".new").write_text(str(written * options.pods))
            held.with_suffix(".new").rename(held)
        rotation.look(rotated_when_held)
        time.sleep(0.05)
    (pods_dir.parent / "written").write_text(str(written))
    print(sum(log.rotations for log in logs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pods_dir", type=pathlib.Path)
    for name in ("pods", "lines", "seconds"):
        parser.add_argument(name, type=int)
    parser.add_argument("--rotate-bytes", type=int)
    parser.add_argument("--tick-seconds", type=float, default=10)
    parser.add_argument("--late", type=float, default=0)
    parser.add_argument("--reopen-seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    run(parser.parse_args())
