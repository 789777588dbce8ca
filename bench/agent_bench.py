#!/usr/bin/env python3
"""What the whole agent costs against a sink of unlimited speed: a backlog, then live traffic.

Prints CPU-seconds, records per CPU-second and memory of the agent's process alone, and what the sink counted: lost and
duplicated must be 0, or the figures are worth nothing. Figures of one run on a shared machine; compare within a run.

    bench/agent_bench.py build/bench/hinomi build/bench/hinomi_counting_sink [--records 2000000] [--pods 100]

With --archive it is the backlog into an archive on this disk instead, counted by the zstd tool.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

LEVELS = ("debug", "info", "info", "info", "warn", "error")
PATHS = ("/api/v1/items", "/api/v1/orders/{}", "/healthz", "/login", "/static/app.{}.js")


def json_body(sequence, now_nanoseconds):
    path = PATHS[sequence % len(PATHS)].format(sequence % 9973)
    return (
        f'{{"level":"{LEVELS[sequence % 6]}","seq":{sequence},"t":{now_nanoseconds},"msg":"request served",'
        f'"method":"GET","path":"{path}","status":{200 + sequence % 4},"latency_ms":{sequence % 997 / 8},'
        f'"user":"u{sequence * 7919 % 100003}","trace":"{sequence * 2654435761 % 2**64:016x}"}}'
    )


def cri_line(sequence):
    now = time.time_ns()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9))
    return f"{stamp}.{now % 10**9:09d}Z stdout F {json_body(sequence, now)}\n"


def log_path(pods_dir, pod):
    directory = pods_dir / f"bench_app-{pod}-7d9f8c6b5d-x2v4q_{pod:08x}-0000-4000-8000-000000000000" / "main"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "0.log"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def write_backlog(arguments, pods_dir):
    """Returns how many records there are, and their bytes."""
    per_pod = arguments.records // arguments.pods
    written = 0
    for pod in range(arguments.pods):
        with open(log_path(pods_dir, pod), "w") as log:
            log.writelines(cri_line(sequence) for sequence in range(per_pod))
            written += log.tell()
    os.sync()  # the agent's syncs shall find none of it
    return per_pod * arguments.pods, written


class Run:
    """One sink and one agent over a directory of logs; the sink on core 1, the agent on core 0."""

    def __init__(self, arguments, directory, extra=""):
        self.sink = subprocess.Popen([arguments.sink, "0"], stdout=subprocess.PIPE, text=True)
        port = json.loads(self.sink.stdout.readline())["port"]
        self.stats_address = f"http://127.0.0.1:{port}/stats"
        config = directory / "config.yaml"
        config.write_text(
            f"""
state_dir: {directory}/state
http: {{ listen: "127.0.0.1:0" }}
sources: {{ kubernetes: {{ pods_dir: {directory}/pods }} }}
sinks: {{ search: {{ type: elasticsearch, endpoints: ["http://127.0.0.1:{port}"]{extra} }} }}
"""
        )
        self.agent = subprocess.Popen([arguments.agent, "run", "--config", config], stderr=open(directory / "agent.log", "w"))
        os.sched_setaffinity(self.agent.pid, {0})
        os.sched_setaffinity(self.sink.pid, {os.cpu_count() - 1})

    def stats(self):
        with urllib.request.urlopen(self.stats_address, timeout=10) as answer:
            return json.load(answer)

    def wait_for(self, records, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.stats()["documents"] >= records:
                return
            time.sleep(0.05)
        self.agent.kill()
        self.sink.kill()
        raise SystemExit(f"only {self.stats()['documents']} of {records} records within {seconds} s")

    def end(self):
        self.agent.send_signal(signal.SIGTERM)
        self.agent.wait(15)
        stats = self.stats()
        self.sink.terminate()
        self.sink.wait(15)
        return stats


def backlog(arguments, directory):
    records, written = write_backlog(arguments, directory / "pods")
    start = time.monotonic()
    run = Run(arguments, directory)
    run.wait_for(records, 120)
    wall = time.monotonic() - start
    cpu = cpu_seconds(run.agent.pid)
    peak = memory_mib(run.agent.pid, "VmHWM")
    stats = run.end()
    print(f"backlog: {records} records of {written / records:.0f} B, {arguments.pods} pods")
    print(f"  {records / cpu / 1e6:.2f} M records per CPU-second, {wall:.1f} s, {cpu:.2f} CPU-seconds")
    print(f"  peak resident {peak:.1f} MiB")
    report(stats, records)


def archive(arguments, directory):
    records, written = write_backlog(arguments, directory / "pods")
    config = directory / "config.yaml"
    config.write_text(
        f"""
state_dir: {directory}/state
http: {{ listen: "127.0.0.1:0" }}
sources: {{ kubernetes: {{ pods_dir: {directory}/pods }} }}
sinks: {{ files: {{ type: archive, directory: {directory}/archive, {arguments.archive} }} }}
"""
    )
    start = time.monotonic()
    with open(directory / "agent.log", "w") as output:
        agent = subprocess.Popen([arguments.agent, "run", "--config", config], stderr=output)
    os.sched_setaffinity(agent.pid, {0})
    time.sleep(1)  # until it has found its logs: from then on it drains them all
    agent.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(agent.pid, 0)
    wall = time.monotonic() - start
    cpu = usage.ru_utime + usage.ru_stime
    stored = list((directory / "archive").rglob("*.ndjson.zst*"))
    lines = int(subprocess.run("xargs -0 zstd -dcq | wc -l", shell=True, input="\0".join(map(str, stored)),
                               text=True, capture_output=True, check=True).stdout)
    size = sum(path.stat().st_size for path in stored)
    print(f"archive: {records} records of {written / records:.0f} B, {arguments.pods} pods")
    print(f"  {records / cpu / 1e6:.2f} M records per CPU-second, {wall:.1f} s, {cpu:.2f} CPU-seconds")
    print(f"  peak resident {usage.ru_maxrss / 1024:.1f} MiB, {size / written:.3f} B stored per raw byte")
    print(f"  zstd counted {lines} lines")
    if status != 0 or lines != records:
        print(f"  WRONG: {records} records were written; {(directory / 'agent.log').read_text()}")
        sys.exit(1)


def live(arguments, directory):
    run = Run(arguments, directory)
    logs = [open(log_path(directory / "pods", pod), "a", buffering=1) for pod in range(arguments.pods)]
    time.sleep(1)
    steps = arguments.seconds * 100
    per_step = arguments.rate // 100
    sequences = [0] * arguments.pods
    cpu_before = cpu_seconds(run.agent.pid)
    start = time.monotonic()
    for step in range(steps):
        for i in range(per_step):
            pod = (step * per_step + i) % arguments.pods
            logs[pod].write(cri_line(sequences[pod]))
            sequences[pod] += 1
        time.sleep(max(0, start + (step + 1) / 100 - time.monotonic()))
    wall = time.monotonic() - start
    cpu = cpu_seconds(run.agent.pid) - cpu_before
    records = sum(sequences)
    run.wait_for(records, 30)
    resident = memory_mib(run.agent.pid, "VmRSS")
    stats = run.end()
    print(f"live: {records / wall:.0f} records/s in {arguments.pods} pods for {wall:.0f} s")
    print(f"  {100 * cpu / wall:.1f} % of a core, resident {resident:.1f} MiB")
    latency = {name: round(value, 1) for name, value in stats.items() if "latency" in name and value is not None
               and not isinstance(value, dict)}
    print(f"  write to arrival: {latency or stats.get('latency_ms')}")
    report(stats, records)


def report(stats, records):
    shown = {name: stats.get(name) for name in ("documents", "distinct", "duplicates", "lost")}
    print(f"  sink counted {shown}")
    if stats["documents"] != records:
        print(f"  WRONG: {records} records were written")
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agent")
    parser.add_argument("sink")
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--archive", nargs="?", const="level: 3", metavar="SETTINGS",
                        help="of the archive sink, such as 'level: 1, batch_bytes: 4MiB'")
    parser.add_argument("--rate", type=int, default=10_000, help="records per second of the live part")
    parser.add_argument("--seconds", type=int, default=20, help="of the live part")
    arguments = parser.parse_args()
    for part in (archive,) if arguments.archive else (backlog, live):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-bench-"))
        try:
            part(arguments, directory)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
