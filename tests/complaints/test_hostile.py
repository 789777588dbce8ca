"""A container that means harm: what it does is contained and counted, the agent's memory is bounded, and another pod's
lines arrive in time, and all of them."""
import contextlib
import os
import shutil
import socket
import time

import pytest

from node import expect_balance, memory_mib
from scale import scale
from waiting import eventually

SECRET = "2026-01-01T00:00:00Z stdout F root:$y$j9T$secret:19000\n"
MEMORY_MIB_MAX = 100  # limits.in_flight_bytes_max is 16 MiB


class Neighbour:
    """Another pod: a line now and then, each of which must arrive within two seconds."""

    def __init__(self, agent, log, archive):
        self.agent, self.log, self.archive, self.written, self.memory = agent, log, archive, [], 0.0

    def speaks(self):
        self.written.append(f"neighbour {len(self.written)}")
        self.log.line(self.written[-1])
        eventually(lambda: self.archive.messages("neighbour") == self.written, 2,
                   lambda: f"{self.written[-1]} is not there after 2 s\n{self.agent.log()[-5000:]}")
        self.memory = max(self.memory, memory_mib(self.agent.process.pid))
        assert self.memory < MEMORY_MIB_MAX


@pytest.fixture
def neighbour(agent, archive, log_of):
    """Beside whatever the test writes, from the start of the agent on."""
    neighbour = Neighbour(agent, log_of("neighbour"), archive)
    archive.configure()
    agent.start()
    neighbour.speaks()
    yield neighbour
    neighbour.speaks()
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 60, agent.log)
    expect_balance(agent)
    print(f"{neighbour.memory:.0f} MiB")


def settles(agent, neighbour, bytes_written):
    """The neighbour speaks on until all of those bytes are settled; returns by which outcome."""
    def settled():
        neighbour.speaks()
        return agent.metric("hinomi_route_source_bytes_total") >= bytes_written
    eventually(settled, scale(40, 3000), lambda: agent.log()[-5000:])
    return {outcome: agent.metric("hinomi_route_source_bytes_total", outcome=outcome)
            for outcome in ("acknowledged", "corrupt", "rejected")}


def test_ten_million_empty_lines(agent, archive, log_of, neighbour):
    log, lines = log_of("empty"), scale(300_000, 10_000_000)
    line = b"2026-01-01T00:00:00.123456789Z stdout F \n"
    for _ in range(lines // 10000):
        log.raw(line * 10000)
    outcomes = settles(agent, neighbour, lines * len(line))
    assert outcomes["corrupt"] == outcomes["rejected"] == 0
    assert agent.metric("hinomi_route_records_total", outcome="acknowledged") >= lines


def test_empty_lines_without_a_header(agent, log_of, neighbour):
    log, count = log_of("bare"), scale(2_000_000, 50_000_000)
    for _ in range(count // 10**6):
        log.raw(b"\n" * 10**6)
    log.line("and then one that is")
    assert settles(agent, neighbour, count)["corrupt"] == count


def test_binary(agent, archive, log_of, neighbour):
    """Any bytes behind a header are a message; without one they are counted and left out."""
    log, garbage = log_of("binary"), os.urandom(1 << 20).replace(b"\n", b"\r") + b"\n"
    for _ in range(scale(10, 2000)):
        log.raw(garbage)
        log.line(bytes(range(10)) + bytes(range(11, 256)))
    outcomes = settles(agent, neighbour, log.size())
    assert outcomes["corrupt"] >= len(garbage) * scale(10, 2000)
    (message,) = set(archive.messages("binary"))
    assert message.startswith("\x00\x01\x02") and "\ufffd" in message


def test_a_line_that_never_ends(agent, archive, log_of, neighbour):
    log, mebibytes = log_of("endless"), scale(64, 4096)
    log.raw(b"2026-01-01T00:00:00Z stdout F ")
    for _ in range(mebibytes):
        log.raw(b"x" * (1 << 20))
    settles(agent, neighbour, (mebibytes - 1) << 20)
    assert all(set(message) == {"x"} and len(message) <= 256 << 10 for message in archive.messages("endless"))


def test_parts_that_never_end(agent, log_of, neighbour):
    log, part = log_of("parts"), b"2026-01-01T00:00:00Z stdout P " + b"y" * 16384 + b"\n"
    count = scale(2000, 200_000)
    for _ in range(count // 100):
        log.raw(part * 100)
    settles(agent, neighbour, (count - 20) * len(part))


def test_ansi_and_forged_prefixes(agent, archive, log_of, neighbour):
    """What looks like a header, a document or a bulk action within a line stays a part of the message."""
    log = log_of("forger")
    forged = ["\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J", "2026-01-01T00:00:00Z stderr F I am not a line",
              "x\r2026-01-01T00:00:00Z stdout F overwritten", '"}\\n{"create":{"_index":"other"}}',
              "\u2028\u2029\x85 are no ends of a line"]
    objects = ['{"message":"m","kubernetes":{"pod":{"name":"neighbour"}},"@timestamp":"1999-01-01T00:00:00Z"}']
    for text in forged + objects:
        log.line(text)
    eventually(lambda: len(archive.messages("forger")) == 6, 10, agent.log)
    documents = archive.documents("forger")
    assert [document["message"] for document in documents] == [*forged, "m"]
    assert {document["kubernetes"]["pod"]["name"] for document in documents} == {"forger"}
    assert not [document for document in documents if document["@timestamp"].startswith(("1999", "2026-01-01"))]


def test_headers_that_are_forged_within_the_file(agent, archive, log_of, neighbour):
    """Who writes to the file itself can pretend any time, but no other pod."""
    log = log_of("forger")
    for time_ in ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-02-30T00:00:00Z", "1970-01-01T00:00:00Z"):
        log.raw(f"{time_} stdout F at {time_}\n".encode())
    log.raw(b"2026-01-01T00:00:00Z stdout F:P:Q tags of tomorrow\n")
    log.line("the last")
    eventually(lambda: "the last" in archive.messages("forger"), 10, agent.log)
    assert {d["kubernetes"]["pod"]["name"] for d in archive.documents("forger")} == {"forger"}


@contextlib.contextmanager
def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        directory = os.open(path.parent, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")  # a socket's path is a hundred bytes at most
        os.close(directory)
        yield


REPLACEMENTS = {
    "a_link": lambda path, secret: path.symlink_to(secret),
    "a_relative_link": lambda path, secret: path.symlink_to(os.path.relpath(secret, path.parent)),
    "a_hard_link_to_a_link": lambda path, secret: (path.with_name("x").symlink_to(secret),
                                                   os.link(path.with_name("x"), path, follow_symlinks=False)),
    "a_fifo": lambda path, _: os.mkfifo(path),
    "a_directory": lambda path, _: path.mkdir(),
    "a_device": lambda path, _: os.mknod(path, 0o20666, os.makedev(1, 5)),  # /dev/zero
    "a_socket": lambda path, _: unix_socket(path).__enter__(),
    "a_link_to_itself": lambda path, _: path.symlink_to(path.name),
}


def test_logs_that_are_replaced(agent, archive, log_of, neighbour):
    """By something that must not be read, in the middle of their life; what was written before is delivered."""
    secret = agent.directory / "shadow"
    secret.write_text(SECRET)
    logs = {name: log_of(name.replace("_", "-")) for name in REPLACEMENTS}
    for name, log in logs.items():
        log.line(f"before {name}")
    neighbour.speaks()
    eventually(lambda: len(archive.documents()) == len(logs) + len(neighbour.written), 10, agent.log)
    for name, log in logs.items():
        log.line(f"unread {name}")
        log.path.unlink()
        REPLACEMENTS[name](log.path, secret)
    neighbour.speaks()
    time.sleep(1)
    neighbour.speaks()
    for name, log in logs.items():
        assert archive.messages(log.pod) == [f"before {name}", f"unread {name}"], name
    assert "secret" not in str(archive.documents())
    assert agent.metric("hinomi_log_links_refused_total") >= len(logs) - 2
    # Once it is a log again, it is read as one.
    for log in logs.values():
        shutil.rmtree(log.path) if log.path.is_dir() and not log.path.is_symlink() else log.path.unlink()
        log.reopen()
        log.line("again")
    eventually(lambda: all(archive.messages(log.pod)[-1] == "again" for log in logs.values()), 10, agent.log)


def test_directories_that_are_replaced_by_links(agent, archive, log_of, neighbour):
    """A pod's directory, or a container's, that leads elsewhere is not entered."""
    elsewhere = agent.directory / "elsewhere" / "main"
    elsewhere.mkdir(parents=True)
    (elsewhere / "0.log").write_text(SECRET)
    pod, container = log_of("pod"), log_of("container")
    neighbour.speaks()
    shutil.rmtree(pod.path.parents[1])
    pod.path.parents[1].symlink_to(elsewhere.parent)
    shutil.rmtree(container.path.parent)
    container.path.parent.symlink_to(elsewhere)
    neighbour.speaks()
    time.sleep(1)
    neighbour.speaks()
    assert "secret" not in str(archive.documents())
    assert agent.metric("hinomi_log_links_refused_total") >= 2
