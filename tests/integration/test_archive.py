"""The archive sink on a real disk: what is in it, and what happens when the disk does not do its part."""
import collections
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

import archives
import kubelet
from agent import BINARY, command
from scale import scale
from waiting import eventually

PODS, LINES, SECONDS = 50, 2000, 20


@pytest.fixture
def archive(agent):
    """The agent with an archive sink; its directory."""
    directory = agent.directory / "archive"

    def configure(**changes):
        sink = {"type": "archive", "directory": str(directory), "sync_every": "200ms", **changes.pop("sink", {})}
        agent.configure({}, sinks={"files": sink, **changes.pop("sinks", {})},
                        routes=changes.pop("routes", [{"name": "all", "sink": "files"}]), **changes)
        return directory
    return configure


def arrives(directory, lines, agent):
    """Waits until the archive holds these lines of pod "pod", once and in order."""
    eventually(lambda: archives.messages(directory)["pod"] == lines, 20,
               lambda: f"{archives.messages(directory)} instead of {lines}\n{agent.log()}")


def test_every_line_is_archived_exactly_once(agent, archive):
    """A hundred thousand lines of fifty pods, through rotation, a killed agent and a lost checkpoint."""
    directory = archive()
    hold, held = agent.directory / "hold", agent.directory / "held"
    agent.start()
    node = subprocess.Popen([sys.executable, kubelet.__file__, agent.pods, str(PODS), str(LINES), str(SECONDS)],
                            stdout=subprocess.PIPE, text=True)
    try:
        # In the middle of everything, the second time without its checkpoint.
        for without_checkpoint in (False, True):
            before = agent.metric("hinomi_log_lines_total") or 0
            eventually(lambda: (agent.metric("hinomi_log_lines_total") or 0) > before + 9000,
                       20, "nothing is archived")
            # What the kubelet compresses unread is out of reach, so it does not meanwhile.
            hold.touch()
            eventually(held.exists, 5, "the kubelet does not hold")
            time.sleep(1.5)
            assert node.poll() is None, "nothing was being written when the agent was killed"
            agent.kill()
            if without_checkpoint:
                for checkpoint in agent.state.glob("checkpoint.*"):
                    checkpoint.unlink()
            agent.start()
            held.unlink()
            hold.unlink()
        node.communicate(timeout=60)
    finally:
        node.kill()
        node.wait()
    assert node.returncode == 0
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 30, lambda: agent.log())
    assert agent.stop() == 0

    assert all(map(archives.whole, archives.files(directory)))
    found = archives.messages(directory)
    assert len(found) == PODS
    for pod, messages in found.items():
        numbers = [int(message.split()[1]) for message in messages]
        assert all(message.split()[0] == pod for message in messages)
        assert collections.Counter(numbers) == collections.Counter(range(LINES)), "lost or doubled"
        assert numbers == list(range(LINES)), "out of order"
    printed = subprocess.run([BINARY, "cat", directory, "--pod", "chatty-7"], capture_output=True, timeout=30)
    assert printed.returncode == 0 and printed.stdout.count(b"\n") == LINES


def test_a_full_disk_is_waited_for(agent, archive, log_of):
    directory = archive()
    directory.mkdir()
    # In a mount namespace of its own, so that nothing is left behind.
    agent.command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                     f'mount -t tmpfs -o size=256k tmpfs "{directory}" && exec "$@"', "sh", *agent.command]
    log = log_of("pod")
    agent.start()
    inside = pathlib.Path(f"/proc/{agent.process.pid}/root{directory}")
    log.line("first")
    arrives(inside, ["first"], agent)
    filler = inside / "filler"
    with pytest.raises(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    lines = [f"line {i} {os.urandom(2000).hex()}" for i in range(20)]
    for line in lines:
        log.line(line)
    eventually(lambda: "No space left on device; remove old files or make room" in agent.ready().text, 10,
               lambda: agent.log())
    assert agent.ready().ok
    assert agent.metric("hinomi_sink_up", sink="files") == 0
    assert agent.metric("hinomi_sink_errors_total", sink="files", code="full") > 0
    filler.unlink()
    arrives(inside, ["first", *lines], agent)
    assert all(map(archives.whole, archives.files(inside)))
    assert agent.stop() == 0


def test_a_read_only_directory_is_waited_for(agent, archive, log_of):
    directory = archive()
    directory.mkdir()
    agent.command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                     f'mount -t tmpfs -o ro tmpfs "{directory}" && exec "$@"', "sh", *agent.command]
    log_of("pod").line("first")
    agent.start()
    eventually(lambda: "Read-only file system; mount it writable" in agent.ready().text, 10, lambda: agent.log())
    assert agent.metric("hinomi_sink_errors_total", sink="files", code="read_only") > 0
    subprocess.run(["nsenter", f"--mount=/proc/{agent.process.pid}/ns/mnt", "mount", "-o", "remount,rw", directory],
                   check=True, timeout=10)
    arrives(pathlib.Path(f"/proc/{agent.process.pid}/root{directory}"), ["first"], agent)


def test_a_directory_that_vanishes_is_made_anew(agent, archive, log_of):
    directory = archive()
    log = log_of("pod")
    agent.start()
    log.line("first")
    arrives(directory, ["first"], agent)
    shutil.rmtree(directory)
    log.line("second")
    arrives(directory, ["second"], agent)
    # What is not acknowledged yet would come again.
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 10, lambda: agent.log())
    shutil.rmtree(directory)
    directory.write_text("in the way")
    log.line("third")
    eventually(lambda: agent.metric("hinomi_sink_up", sink="files") == 0, 10, lambda: agent.log())
    assert "sink files: cannot " in agent.ready().text
    directory.unlink()
    arrives(directory, ["third"], agent)


def test_a_directory_that_hangs_delays_nothing_else(agent, archive, log_of, hanging, fault_server):
    """Not other sinks, not the answers of the agent, not its end."""
    directory, mirror = hanging
    archive(sinks={"files": {"type": "archive", "directory": str(directory / "archive"), "sync_every": "200ms"},
                   "search": {"type": "elasticsearch", "endpoints": [fault_server.url]}},
            routes=[{"name": "files", "sink": "files"}, {"name": "search", "sink": "search"}])
    log = log_of("pod")
    agent.start()
    log.line("line 000")
    arrives(directory / "archive", ["line 000"], agent)

    mirror.send_signal(signal.SIGSTOP)
    written = ["line 000"]
    end = time.monotonic() + 14
    while time.monotonic() < end:
        written.append(f"line {len(written):03}")
        log.line(written[-1])
        began = time.monotonic()
        eventually(lambda: fault_server.messages() == written, 3, lambda: f"{fault_server.messages()}\n{agent.log()}")
        assert agent.ready().ok
        assert time.monotonic() - began < 3
        time.sleep(0.2)
    assert agent.metric("hinomi_sink_up", sink="files") == 0
    assert agent.metric("hinomi_sink_up", sink="search") == 1
    assert "sink files: has not answered for 1" in agent.ready().text

    # It goes on where it was.
    mirror.send_signal(signal.SIGCONT)
    arrives(directory / "archive", written, agent)
    eventually(lambda: agent.metric("hinomi_sink_up", sink="files") == 1, 10, lambda: agent.log())
    assert "sink files" not in agent.ready().text

    # And it does not keep the process, nor what the process knows.
    mirror.send_signal(signal.SIGSTOP)
    written.append("line last")
    log.line(written[-1])
    time.sleep(1)
    began = time.monotonic()
    assert agent.stop(11) == 0
    assert time.monotonic() - began < 11
    assert "a sink hangs; leaving without it" in agent.log()
    mirror.send_signal(signal.SIGCONT)
    agent.start()
    arrives(directory / "archive", written, agent)
    assert fault_server.messages() == written, "the checkpoint was not written"
    assert agent.stop() == 0


def test_cat_ends_when_its_reader_does(agent, archive, log_of):
    directory = archive()
    log = log_of("pod")
    agent.start()
    for i in range(5000):
        log.line(f"line {i} " + "x" * 200)
    eventually(lambda: archives.count(directory) == 5000, 20, lambda: agent.log())
    script = f"'{BINARY}' cat '{directory}' | head -n 1; echo ${{PIPESTATUS[0]}}"
    printed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30)
    assert "line 0 " in printed.stdout.splitlines()[0]
    assert printed.stdout.splitlines()[1] == "0" and printed.stderr == ""
    assert command("cat", str(directory), "--since", "1h", "--grep", "line 17 ").stdout.count("\n") == 1
    assert command("cat", str(directory), "--since", "soon").returncode == 2
    assert command("cat", str(agent.pods)).returncode == 1


def test_plain_lines_are_what_the_container_wrote(agent, archive, log_of):
    """JSON too, byte for byte, through a kill; and `hinomi cat` prints them."""
    directory = archive(sink={"format": "lines"})
    written = [b'{"b" :1,  "a": "\\u00e9", "kubernetes": "mine", "a": 2}', b"  indented\t", b"\xff\xfe raw", b"",
               b' {"kubernetes": "mine",  "n" :1.0}', b"plain"]
    log = log_of("pod")
    for line in written:
        log.line(line)
    agent.start()

    def text():
        return b"".join(subprocess.run(["zstd", "-dc", path], capture_output=True, timeout=30).stdout
                        for path in archives.files(directory))
    eventually(lambda: text() == b"\n".join(written) + b"\n", 20, lambda: f"{text()}\n{agent.log()}")
    agent.kill()
    for checkpoint in agent.state.glob("checkpoint.*"):
        checkpoint.unlink()
    log.line("behind the kill")
    agent.start()
    expected = b"\n".join([*written, b"behind the kill"]) + b"\n"
    eventually(lambda: text() == expected, 20, lambda: f"{text()}\n{agent.log()}")
    assert all(path.name.endswith(".log.zst.partial") for path in archives.files(directory))
    printed = subprocess.run([BINARY, "cat", directory, "--since", "2h"], capture_output=True, timeout=30)
    assert printed.stdout == expected
    assert agent.stop() == 0


def test_finished_files_are_listed_verified_and_removed(agent, archive, log_of):
    """Files of ten old hours, as a process that died has left them, get their entries at the next start; the limits of
    age and then of size remove the oldest; what was damaged is found."""
    log = log_of("pod")
    hours = [time.time() // 3600 - i for i in (50, 49, *range(9, 1, -1))]
    lines = scale(200, 20_000)
    for hour in hours:
        stamp = time.strftime("%Y-%m-%dT%H:00:00.000000000Z", time.gmtime(hour * 3600))
        log.raw(b"".join(f"{stamp} stdout F {i} {os.urandom(100).hex()}\n".encode() for i in range(lines)))
    directory = archive()
    agent.start()
    eventually(lambda: archives.count(directory) == lines * len(hours), 60, lambda: agent.log())
    assert agent.stop() == 0
    for path in archives.files(directory):
        path.rename(path.with_name(path.name.removesuffix(".partial")))

    def verified(status):
        result = command("cat", str(directory), "--verify")
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout.splitlines()

    def finished():
        return sorted(path for path in archives.files(directory) if not path.name.endswith(".partial"))
    assert len(finished()) == len(hours)
    assert len([line for line in verified(1) if line.startswith("extra ")]) == len(hours)
    agent.start()
    eventually(lambda: archives.manifests(directory) == {path: archives.facts(path) for path in finished()}, 20,
               lambda: agent.log())
    assert len(verified(0)) == 1
    assert command("check", "--strict", "--config", str(agent.config)).returncode == 0, "it is our own agent"
    agent.kill()

    archive(sink={"retention": {"age": "48h"}})
    agent.start()
    eventually(lambda: agent.metric("hinomi_archive_removed_files_total", sink="files") == 2, 10, lambda: agent.log())
    assert len(finished()) == len(hours) - 2 and len(verified(0)) == 1
    size = agent.metric("hinomi_archive_bytes", sink="files")
    assert size == sum(path.stat().st_size for path in finished())
    assert agent.stop() == 0
    keep = finished()[-4:]
    archive(sink={"retention": {"bytes_max": str(sum(path.stat().st_size for path in keep))}})
    agent.start()
    eventually(lambda: agent.metric("hinomi_archive_bytes", sink="files") < size, 10, lambda: agent.log())
    eventually(lambda: finished() == keep, 10, lambda: agent.log())
    assert len(verified(0)) == 1
    assert agent.stop() == 0

    missing, truncated, changed, _ = keep
    missing.unlink()
    os.truncate(truncated, 100)
    content = bytearray(changed.read_bytes())
    content[-20] ^= 1
    changed.write_bytes(content)
    *problems, summary = verified(1)
    assert [problem.split()[0] for problem in sorted(problems)] == ["changed", "missing", "truncated"]
    assert summary.endswith(": 3 problems")


def test_check_says_whether_the_archive_may_be_written(agent, archive):
    directory = archive()
    assert "sinks.files" not in command("check", "--config", str(agent.config)).stderr
    assert not directory.exists(), "it left a trace"
    directory.write_text("in the way")
    result = command("check", "--strict", "--config", str(agent.config))
    assert result.returncode == 1
    assert "warning: sinks.files: cannot " in result.stderr and str(directory) in result.stderr
