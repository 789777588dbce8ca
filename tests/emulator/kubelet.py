#!/usr/bin/python3
"""Container logs as containerd writes them and the kubelet rotates them.

As a program it is a node full of chatty pods:

    kubelet.py PODS_DIR PODS LINES SECONDS

writes LINES numbered lines to each of PODS pods within SECONDS, and rotates each log about every four seconds: it
keeps five files and compresses all but the newest rotated one. While PODS_DIR/../hold exists it rotates a log once
at most and compresses nothing; it answers with PODS_DIR/../held, which says how many lines had been written then."""
import gzip
import json
import os
import pathlib
import sys
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
        self.rotations = 0
        self._open()

    def _open(self):
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

    def rotate(self, compress=True):
        """As the kubelet does it: the oldest file is removed, all rotated ones but the newest are compressed, then
        the current one is renamed and the runtime opens a new one."""
        rotated = sorted(self.path.parent.glob(self.path.name + ".*"))
        if compress:
            for old in rotated[: -(FILES_MAX - 2)]:
                old.unlink()
            for plain in rotated[-(FILES_MAX - 2):-1]:
                if plain.suffix != ".gz":
                    self._compress(plain)
        self.rotations += 1
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        target = self.path.with_name(f"{self.path.name}.{stamp}")
        assert not target.exists(), "two rotations within a second"
        self.path.rename(target)
        os.close(self.file)
        self._open()

    def _compress(self, plain):
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


def run(pods_dir, pods, lines, seconds):
    hold, held = pods_dir.parent / "hold", pods_dir.parent / "held"
    logs = [Log(pods_dir, f"chatty-{i}", namespace=f"team-{i % 5}") for i in range(pods)]
    rotate_at = [time.monotonic() + 2 + 4 * i / pods for i in range(pods)]
    rotated_when_held = None
    began, written = time.monotonic(), 0
    while written < lines:
        due = min(lines, int(lines * (time.monotonic() - began) / seconds))
        for log in logs:
            for sequence in range(written, due):
                log.line(body(log.pod, sequence), stream="stderr" if sequence % 7 == 0 else "stdout")
        written = due
        if not hold.exists():
            rotated_when_held = None
        elif rotated_when_held is None:
            rotated_when_held = [log.rotations for log in logs]
            held.with_suffix(".new").write_text(str(written * pods))
            held.with_suffix(".new").rename(held)
        for i, log in enumerate(logs):
            if time.monotonic() < rotate_at[i]:
                continue
            if rotated_when_held is None or log.rotations == rotated_when_held[i]:
                log.rotate(compress=rotated_when_held is None)
                rotate_at[i] += 4
        time.sleep(0.05)
    print(sum(log.rotations for log in logs))


if __name__ == "__main__":
    run(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))
