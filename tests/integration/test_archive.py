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
from waiting import eventually

pytestmark = pytest.mark.sinks

PODS, LINES, SECONDS = 50, 2000, 20


@pytest.fixture
def archive(agent):
    """The agent with an archive sink; its directory."""
    directory = agent.directory / "archive"

    def configure(**changes):
        sink = {"type": "archive", "directory": str(directory), "sync_every": "200ms"}
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
