#!/usr/bin/python3
"""What the whole agent costs with sinks that the race does not have: a backlog into a real Kafka broker, and into an
archive on this disk. Prints records per CPU-second of the agent's process alone, and bytes sent per byte read; what
arrived must be what was written, or the figures are worth nothing. Figures of one run on a shared machine; compare
within a run.

    bench/sinks_bench.py [--tools build/bench] [--sinks kafka,kafka-exactly-once,kafka-otlp,archive] [--settings 'level: 1']
                         [--in-flight 16MiB] [--perf FILE]
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
for folder in ("bench/race", "tests/integration"):
    sys.path.insert(0, str(ROOT / folder))
from kafka import Kafka  # noqa: E402
from processes import OTHER_CORE, SHIPPER_CORE, Process  # noqa: E402
from waiting import free_ports  # noqa: E402

WAIT_SECONDS = 180


class KafkaTarget:
    """A broker on the other core."""

    def __init__(self, directory):
        self.directory, port = directory / "kafka", free_ports(2)
        subprocess.run(["taskset", "--cpu-list", str(OTHER_CORE), ROOT / "tests/services/kafka/start.sh", str(port),
                        self.directory], check=True, timeout=240, stdout=subprocess.DEVNULL)
        self.kafka = Kafka(f"127.0.0.1:{port}")
        self.kafka.create("bench", partitions=3)
        self.sink = (f'type: kafka, brokers: ["{self.kafka.brokers}"], topic: bench, '
                     'settings: {statistics.interval.ms: 500}')

    def count(self):
        return self.kafka.count("bench")

    def close(self):
        subprocess.run([ROOT / "tests/services/common/stop.sh", self.directory], check=False, timeout=60)


class ExactlyOnceTarget(KafkaTarget):
    """The same with transactions; their ends have offsets too, so records are counted by reading them."""

    def __init__(self, directory):
        super().__init__(directory)
        self.sink += ", delivery: exactly_once"

    def count(self):
        command = f"kcat -b {self.kafka.brokers} -C -t bench -o beginning -e -q -f '.\\n' | wc -l"
        return int(subprocess.run(command, shell=True, text=True, capture_output=True, check=True).stdout)


class OtlpTarget(KafkaTarget):
    """The same with many records in a message; each has this attribute once."""

    def __init__(self, directory):
        super().__init__(directory)
        self.sink += ", format: otlp"

    def count(self):
        command = f"kcat -b {self.kafka.brokers} -C -t bench -o beginning -e -q | grep -ao log.record.uid | wc -l"
        return int(subprocess.run(command, shell=True, text=True, capture_output=True, check=True).stdout)


class ArchiveTarget:
    """An archive; the zstd tool counts what is in it."""

    def __init__(self, directory):
        self.directory = directory / "archive"
        self.sink = f"type: archive, directory: {self.directory}"

    def count(self):
        files = "\0".join(map(str, self.directory.rglob("*.ndjson.zst*")))
        lines = subprocess.run("xargs -0 zstd -dcq | wc -l", shell=True, input=files, text=True, capture_output=True,
                               check=True)
        return int(lines.stdout)

    def close(self):
        pass


TARGETS = {"kafka": KafkaTarget, "kafka-exactly-once": ExactlyOnceTarget, "kafka-otlp": OtlpTarget,
           "archive": ArchiveTarget}


def write_backlog(arguments, directory):
    """Lines and their bytes."""
    summary = directory / "summary"
    subprocess.run([arguments.tools / "hinomi_race_generator", "--pods-dir", directory / "pods", "--summary", summary,
                    "--lines", str(arguments.lines), "--pods", str(arguments.pods)], check=True, timeout=WAIT_SECONDS)
    os.sync()  # the agent's own syncs shall find none of it
    rows = [line.split() for line in summary.read_text().splitlines()]
    return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)


def run(arguments, name, directory):
    lines, size = write_backlog(arguments, directory)
    target = TARGETS[name](directory)
    port = free_ports()
    config = directory / "config.yaml"
    config.write_text(f'cluster: bench\nstate_dir: {directory}/state\nescrow: {{ directory: {directory}/escrow, free_percent_min: 0 }}\nhttp: {{ listen: "127.0.0.1:{port}" }}\n'
                      f"limits: {{ in_flight_bytes_max: {arguments.in_flight} }}\n"
                      f"sources: {{ kubernetes: {{ pods_dir: {directory}/pods }} }}\n"
                      f"sinks: {{ bench: {{ {target.sink}{arguments.settings and ', ' + arguments.settings} }} }}\n"
                      "routes: [{ sink: bench, events: exclude }]\n")
    try:
        began = time.monotonic()
        with Process([arguments.tools / "hinomi", "run", "--config", config], SHIPPER_CORE, directory / "log") as agent:
            if arguments.perf:
                subprocess.Popen(["perf", "record", "-q", "-g", "-p", str(agent.process.pid), "-o", arguments.perf])
            settled(port, lines, agent)
            wall, cpu, peak = time.monotonic() - began, agent.cpu_seconds(), agent.peak_mib()
            time.sleep(1)  # librdkafka says now and then what it has sent
            sent = total(page(port), "hinomi_sink_sent_bytes_total")
            if not agent.stop(20):
                sys.exit(f"the agent does not end: {agent.last_words()}")
        stored = target.count()
    finally:
        target.close()
    print(f"{name}: {lines} records of {size / lines:.0f} B, {arguments.pods} pods {arguments.settings}")
    print(f"  {lines / cpu / 1e6:.2f} M records per CPU-second, {wall:.1f} s, {cpu:.2f} CPU-seconds")
    print(f"  {sent / size:.3f} bytes sent per byte of the logs, {sent / lines:.0f} B per record")
    print(f"  peak resident {peak:.1f} MiB; {stored} records stored")
    if stored != lines:
        sys.exit(f"  WRONG: {lines} records were written")


def page(port):
    return subprocess.run(["curl", "--silent", "--noproxy", "*", f"http://127.0.0.1:{port}/metrics"],
                          capture_output=True, text=True, timeout=20).stdout


def total(metrics, name):
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(name + "{"))


def settled(port, lines, agent):
    """Waits until the agent has settled so many lines."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        count = total(page(port), "hinomi_log_lines_total")
        if count >= lines:
            return
        if time.monotonic() > end or not agent.alive():
            sys.exit(f"only {count:.0f} of {lines} records are settled: {agent.last_words()}")
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--sinks", default="kafka,archive")
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--settings", default="", help="more of the sink's, in YAML's flow style")
    parser.add_argument("--in-flight", default="16MiB", help="limits.in_flight_bytes_max: twice the largest batch")
    parser.add_argument("--perf", help="file for perf's record of the agent")
    arguments = parser.parse_args()
    for name in arguments.sinks.split(","):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-bench-"))
        try:
            run(arguments, name, directory)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
