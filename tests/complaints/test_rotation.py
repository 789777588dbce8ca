"""What other shippers lose when files rotate: whatever the kubelet does to a log, each line arrives once."""
import os
import shutil
import time

from kubelet import cri_time
from node import Bitmaps, Chatty, expect_balance, memory_mib, stopped
from scale import scale
from waiting import eventually


def write(log, first, count):
    """Numbered lines; returns what must arrive."""
    written = [f"line {number:06}" for number in range(first, first + count)]
    for message in written:
        log.line(message)
    return written


def test_a_burst_under_rotation(agent, race):
    """As fast as a runtime writes, a file lives for a few seconds."""
    lines, rate = scale(300_000, 10_000_000), 60_000
    race.configure()
    agent.start()
    race.write("--pods", 3, "--lines", lines, "--rate", rate, "--rotate-bytes", 10 ** 6, "--check-seconds", 1,
               seconds=60 + lines / rate)
    race.arrives(lines, 30)
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 10, agent.log)
    assert agent.metric("hinomi_segments_rotated_total") > 3
    assert expect_balance(agent)["lost"] == 0
    assert agent.stop() == 0


def test_a_backlog_is_read_in_flat_memory(agent, race):
    """However large it is: 20 GiB in script/torture."""
    mebibytes, resident = scale(200, 20 << 10), []
    lines = mebibytes * 4400  # of some 237 bytes
    race.write("--pods", 2, "--lines", lines, seconds=scale(60, 1800))  # each log is more than the limit
    race.configure()
    agent.start()
    race.arrives(lines, scale(60, 3600), lambda: resident.append(memory_mib(agent.process.pid)))
    print(f"{mebibytes} MiB, {max(resident):.1f} MiB at most")
    assert max(resident) < 64


def test_rotations_between_two_looks(agent, archive, log_of):
    """The agent stands still while the kubelet rotates as often as it can without removing a file, and compresses."""
    log = log_of("pod")
    archive.configure()
    agent.start()
    written = write(log, 0, 100)
    archive.arrives("pod", written)
    with stopped(agent):
        for rotation in range(3):
            log.rotate()
            written += write(log, len(written), 100)
    archive.arrives("pod", written)
    assert expect_balance(agent)["lost"] == 0


def test_rotations_every_105_milliseconds(agent, archive, log_of):
    log, rotations = log_of("pod"), scale(40, 4000)
    archive.configure()
    agent.start()
    written = write(log, 0, 10)
    archive.arrives("pod", written)
    began = time.monotonic()
    for rotation in range(1, rotations + 1):
        time.sleep(max(0, began + 0.105 * rotation - time.monotonic()))
        written += write(log, len(written), 5)
        log.rotate()
        written += write(log, len(written), 5)
    archive.arrives("pod", written)
    assert expect_balance(agent)["lost"] == 0


def test_a_kubelet_that_is_late(agent, archive):
    """Its tick is slow, it passes logs over, writers learn late of a rotation: files grow far beyond their limit."""
    archive.configure()
    agent.start()
    rotation = ("--rotate-bytes", 2000, "--tick-seconds", 1, "--late", 0.5, "--reopen-seconds", 0.6)
    with Chatty(agent, 5, 1000, *rotation) as chatty:
        time.sleep(scale(4, 600))
        largest = max(path.stat().st_size for path in agent.pods.glob("*/main/0.log*") if path.suffix != ".gz")
        chatty.stop()
    assert chatty.rotations > 3
    assert largest > 50 * 2000
    eventually(lambda: len(archive.documents()) >= 5 * chatty.lines, 30,
               lambda: f"{len(archive.documents())} of {5 * chatty.lines}\n{agent.log()}")
    Bitmaps(archive.documents()).expect_all_of(chatty)
    assert expect_balance(agent)["lost"] == 0


def test_the_first_lines_of_a_new_pod_arrive_within_a_second(agent, log_of, fault_server):
    """Also those of a pod that is gone again by then."""
    agent.configure({"endpoints": [fault_server.url]})
    agent.start()
    slowest = 0
    for number in range(10):
        log = log_of(f"job-{number}")
        log.line(f"only {number}")
        began = time.monotonic()
        time.sleep(0.1)
        shutil.rmtree(log.path.parents[1])
        eventually(lambda n=number: f"only {n}" in fault_server.messages(), 10, agent.log)
        slowest = max(slowest, time.monotonic() - began)
    print(f"the slowest took {slowest:.2f} s")
    assert slowest < 1


def compress_all(log):
    """As the kubelet would in the end: no rotated file stays as it is."""
    for plain in log.path.parent.glob("0.log.*"):
        if plain.suffix != ".gz":
            log.compress(plain)


def expect_read(agent, lines):
    """By this run of the agent, and none of them again: the archive would not store it twice."""
    eventually(lambda: agent.metric("hinomi_route_pending_bytes") == 0, 10, agent.log)
    assert agent.metric("hinomi_route_records_total", outcome="acknowledged") == lines


def test_inodes_that_come_back_and_files_that_were_compressed(agent, archive, log_of):
    """Nothing is held while the agent is down, so the new file gets the inode of the one just compressed; the log is
    read on in the middle of what is compressed by now."""
    log, written, delivered, reused = log_of("pod"), [], 0, 0
    archive.configure(escrow={"directory": ""})
    for restart in range(scale(3, 200)):
        written += write(log, len(written), 300)
        agent.start()
        archive.arrives("pod", written)
        expect_read(agent, len(written) - delivered)
        delivered = len(written)
        assert agent.stop() == 0
        written += write(log, len(written), 300)
        before = log.path.stat().st_ino
        log.path.rename(log.path.with_name(f"0.log.20260101-{restart:06}"))
        log.close()
        compress_all(log)
        log.file = None
        log.reopen()
        reused += log.path.stat().st_ino == before
    agent.start()
    archive.arrives("pod", written)
    expect_read(agent, len(written) - delivered)
    assert reused > 0, "this disk does not give an inode out again: another directory for temporary files shows more"
    assert expect_balance(agent)["lost"] == 0
    assert agent.stop() == 0


def test_a_hundred_files_that_begin_alike(agent, archive, log_of):
    """To the byte, for 2 KiB: more than any fingerprint covers."""
    logs = [log_of(f"pod-{number}") for number in range(100)]
    banner = "=" * 2048
    for log in logs:
        log.raw(f"{cri_time(10 ** 18)} stdout F {banner}\n{cri_time(10 ** 18)} stdout F I am {log.pod}\n".encode())
    archive.configure()
    agent.start()
    eventually(lambda: len(archive.documents()) >= 200, 20, lambda: f"{len(archive.documents())}\n{agent.log()}")
    for restart in range(scale(1, 2)):
        messages = {(document["kubernetes"]["pod"]["name"], document["message"]) for document in archive.documents()}
        assert messages == {(log.pod, text) for log in logs for text in (banner, f"I am {log.pod}")}
        assert len(archive.documents()) == 200
        assert agent.stop() == 0
        for log in logs[restart::2]:
            os.rename(log.path, log.path.with_name("0.log.20260101-000000"))
        agent.start()
        time.sleep(1)


def test_a_container_that_is_restarted(agent, archive, log_of):
    """Each run has a file of its own in the directory of the same pod, and the agent restarts meanwhile."""
    first = log_of("pod")
    archive.configure()
    agent.start()
    written = write(first, 0, 100)
    archive.arrives("pod", written)
    for run in range(1, scale(3, 50)):
        path = first.path.with_name(f"{run}.log")
        text = [f"line {number:06}" for number in range(len(written), len(written) + 100)]
        path.write_text("".join(f"{cri_time(time.time_ns())} stdout F {message}\n" for message in text))
        if run > 1:
            first.path.with_name(f"{run - 2}.log").unlink()
        written += text
        archive.arrives("pod", written)
        assert agent.stop() == 0
        agent.start()
    time.sleep(1)
    archive.arrives("pod", written)
    expect_read(agent, 0)
    assert expect_balance(agent)["lost"] == 0


def test_lines_written_while_files_are_renamed_arrive_once(agent, archive, log_of):
    """The writer goes on in the renamed file while another already writes to the new one, and the agent looks."""
    log = log_of("pod")
    archive.configure({"sync_every": "20ms"})
    agent.start()
    for rotation in range(3):
        first = 200 * rotation
        write(log, first, 50)
        renamed = os.dup(log.file)
        log.rotate()
        for number in range(first + 50, first + 100):
            if number == first + 75:
                time.sleep(0.1)  # it may read both by now, and has to wait for half a second
            current, log.file = log.file, renamed
            write(log, number, 1)
            log.file = current
            write(log, number + 50, 1)
        os.close(renamed)
        write(log, first + 150, 50)
    archive.arrives("pod", [f"line {number:06}" for number in range(600)])
