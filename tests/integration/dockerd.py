"""Containers as docker knows them. Docker is a real dockerd; Container only writes files as dockerd 20.10 does: the
driver json-file splits lines at 16 KiB and renames its whole chain of files at max-size."""
import json
import os
import pathlib
import secrets
import subprocess
import time

PART_BYTES = 16 << 10
IMAGE = "hinomi.test/busybox:1"
PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"


def go_time(nanoseconds):
    """RFC 3339 with the trailing zeros of the fraction cut, as Go prints it."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return text + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"


def go_string(data):
    """JSON as Go writes it: bytes that are no UTF-8 replaced, and <, > and & escaped."""
    text = json.dumps(data.decode(errors="replace"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class Container:
    """A container's directory below a data directory, and its log."""

    def __init__(self, root, name, labels=None, max_size=None, max_file=1):
        self.id, self.name, self.max_size, self.max_file = secrets.token_hex(32), name, max_size, max_file
        self.directory = pathlib.Path(root, "containers", self.id)
        self.directory.mkdir(parents=True)
        self.log = self.directory / f"{self.id}-json.log"
        self.config = self.directory / "config.v2.json"
        self.write_config(json.dumps({
            "State": {"Running": True}, "ID": self.id, "Name": "/" + name, "LogPath": str(self.log),
            "Config": {"Image": IMAGE, "Env": ["SECRET=hush-hush"], "Labels": labels or {}}}))
        self.file, self.rotations = None, 0
        self._open(os.O_APPEND)

    def write_config(self, text):
        temporary = self.directory / ".tmp-config.v2.json"
        temporary.write_text(text)
        temporary.rename(self.config)

    def _open(self, how):
        self.file = os.open(self.log, os.O_WRONLY | os.O_CREAT | how, 0o640)

    def raw(self, data):
        while data:
            data = data[os.write(self.file, data):]

    def line(self, body, stream="stdout"):
        """One line of the container: as many lines of JSON as it takes."""
        data = (body.encode() if isinstance(body, str) else body) + b"\n"
        stamp = go_time(time.time_ns())
        for at in range(0, len(data), PART_BYTES):
            if self.max_size and os.fstat(self.file).st_size >= self.max_size:
                self.rotate()
            log = go_string(data[at:at + PART_BYTES])
            self.raw(f'{{"log":{log},"stream":"{stream}","time":"{stamp}"}}\n'.encode())

    def rotated(self, number):
        return self.log.with_name(f"{self.log.name}.{number}")

    def rotate(self):
        """loggerutils.rotate: the oldest goes, each other file takes the next number, the current one is made anew."""
        os.close(self.file)
        if self.max_file > 1:
            self.rotated(self.max_file - 1).unlink(missing_ok=True)
            for number in range(self.max_file - 1, 1, -1):
                if self.rotated(number - 1).exists():
                    self.rotated(number - 1).rename(self.rotated(number))
            self.log.rename(self.rotated(1))
        self._open(os.O_TRUNC)
        self.rotations += 1

    def close(self):
        os.close(self.file)


class Docker:
    """The command line of a dockerd of services.ContainerRuntime."""

    def __init__(self, state):
        self.root = state / "root"
        self.command = ["docker", "--host", f"unix://{state}/docker.sock"]

    def ask(self, *words):
        done = subprocess.run([*self.command, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, name, script, *options):
        """Runs `script` by a shell in a container, and returns the container's id."""
        return self.ask("run", "--detach", "--network", "host", "--name", name, *options, IMAGE, "sh", "-c", script)

    def wait(self, name):
        """Its exit status."""
        return int(self.ask("wait", name))
