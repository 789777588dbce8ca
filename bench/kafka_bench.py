#!/usr/bin/python3
"""What the whole agent costs against a real Kafka broker: a backlog of the race's JSON lines, a document a record.

Prints CPU-seconds, records per CPU-second and memory of the agent's process alone; the broker must hold as many records
as were written, or the figures are worth nothing. Figures of one run on a shared machine; compare within a run.

    bench/kafka_bench.py build/bench [--lines 2000000] [--pods 100] [--sink 'batch_bytes: 4MiB']
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench/race"), str(ROOT / "tests/integration")]
from kafka import Kafka  # noqa: E402
from processes import OTHER_CORE, SHIPPER_CORE, Process  # noqa: E402
from waiting import eventually, free_ports  # noqa: E402

TOPIC = "bench"


def start_broker(directory):
    port = free_ports(2)
    subprocess.run(["taskset", "--cpu-list", str(OTHER_CORE), ROOT / "tests/services/kafka/start.sh", str(port), directory],
                   check=True, timeout=240, stdout=subprocess.DEVNULL)
    return Kafka(f"127.0.0.1:{port}")


def write_backlog(arguments, directory):
    """How many bytes."""
    command = [arguments.tools / "hinomi_race_generator", "--pods-dir", directory / "pods", "--summary",
               directory / "summary", "--lines", arguments.lines, "--pods", arguments.pods]
    with Process(command, OTHER_CORE, directory / "generator.log") as generator:
        if generator.process.wait(120) != 0:
            sys.exit(f"the generator failed: {generator.last_words()}")
    return sum(int(line.split()[2]) for line in (directory / "summary").read_text().splitlines())


def run(arguments, directory, kafka):
    written = write_backlog(arguments, directory)
    kafka.create(TOPIC, partitions=3)
    config = directory / "config.yaml"
    config.write_text(f"""
state_dir: {directory}/state
http: {{ listen: "127.0.0.1:0" }}
sources: {{ kubernetes: {{ pods_dir: {directory}/pods }} }}
sinks: {{ stream: {{ type: kafka, brokers: ["{kafka.brokers}"], topic: {TOPIC}{arguments.sink and ", " + arguments.sink} }} }}
""")
    began = time.monotonic()
    with Process([arguments.tools / "hinomi", "run", "--config", config], SHIPPER_CORE, directory / "agent.log") as agent:
        eventually(lambda: kafka.count(TOPIC) >= arguments.lines or not agent.alive(), 180, agent.last_words)
        wall, cpu, peak = time.monotonic() - began, agent.cpu_seconds(), agent.peak_mib()
        ended = agent.stop(15)
    print(f"kafka: {arguments.lines} records of {written / arguments.lines:.0f} B, {arguments.pods} pods {arguments.sink}")
    print(f"  {arguments.lines / cpu / 1e6:.2f} M records per CPU-second, {wall:.1f} s, {cpu:.2f} CPU-seconds")
    print(f"  peak resident {peak:.1f} MiB")
    if not ended or kafka.count(TOPIC) != arguments.lines:
        sys.exit(f"  WRONG: the broker holds {kafka.count(TOPIC)} records; {agent.last_words()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", type=pathlib.Path, help="the build directory of the agent and the race's tools")
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--sink", default="", help="more options of the sink, in YAML's flow style")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hinomi-bench-") as path:
        directory = pathlib.Path(path)
        try:
            run(arguments, directory, start_broker(directory / "kafka"))
        finally:
            subprocess.run([ROOT / "tests/services/common/stop.sh", directory / "kafka"], timeout=60, check=True)


if __name__ == "__main__":
    main()
