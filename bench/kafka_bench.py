#!/usr/bin/python3
"""What the whole agent costs against a real Kafka broker: a backlog, one JSON document a record.

Prints CPU-seconds, records per CPU-second and memory of the agent's process alone; what the broker holds must be what
was written, or the figures are worth nothing. Figures of one run on a shared machine; compare within a run.

    bench/kafka_bench.py build/bench/hinomi [--records 2000000] [--pods 100] [--sink 'batch_bytes: 4MiB'] [--perf]
"""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from agent_bench import cpu_seconds, cri_line, log_path, memory_mib

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/integration"))
from kafka import Kafka  # noqa: E402
from waiting import free_ports  # noqa: E402

TOPIC = "bench"


def start_broker(directory):
    """On all cores but the first, which is the agent's."""
    port = free_ports(2)
    cores = ",".join(str(core) for core in range(1, os.cpu_count())) or "0"
    subprocess.run(["taskset", "-c", cores, ROOT / "tests/services/kafka/start.sh", str(port), directory], check=True,
                   timeout=240, stdout=subprocess.DEVNULL)
    return Kafka(f"127.0.0.1:{port}")


def write_backlog(pods_dir, pods, records):
    per_pod, written = records // pods, 0
    for pod in range(pods):
        with open(log_path(pods_dir, pod), "w") as log:
            log.writelines(cri_line(sequence) for sequence in range(per_pod))
            written += log.tell()
    return per_pod * pods, written


def run(arguments, directory, kafka):
    records, written = write_backlog(directory / "pods", arguments.pods, arguments.records)
    kafka.create(TOPIC, partitions=3)
    config = directory / "config.yaml"
    config.write_text(f"""
state_dir: {directory}/state
http: {{ listen: "127.0.0.1:0" }}
sources: {{ kubernetes: {{ pods_dir: {directory}/pods }} }}
sinks: {{ stream: {{ type: kafka, brokers: ["{kafka.brokers}"], topic: {TOPIC}{arguments.sink and ", " + arguments.sink} }} }}
""")
    start = time.monotonic()
    agent = subprocess.Popen([arguments.agent, "run", "--config", config], stderr=open(directory / "agent.log", "w"))
    os.sched_setaffinity(agent.pid, {0})
    try:
        if arguments.perf:
            subprocess.Popen(["perf", "record", "-q", "-g", "-p", str(agent.pid), "-o", arguments.perf])
        while kafka.count(TOPIC) < records:
            if time.monotonic() - start > 180:
                sys.exit(f"only {kafka.count(TOPIC)} of {records} records within 180 s")
            time.sleep(0.1)
        wall, cpu, peak = time.monotonic() - start, cpu_seconds(agent.pid), memory_mib(agent.pid, "VmHWM")
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait(15)
    print(f"kafka: {records} records of {written / records:.0f} B, {arguments.pods} pods {arguments.sink}")
    print(f"  {records / cpu / 1e6:.2f} M records per CPU-second, {wall:.1f} s, {cpu:.2f} CPU-seconds")
    print(f"  peak resident {peak:.1f} MiB")
    stored = kafka.count(TOPIC)
    print(f"  the broker holds {stored} records")
    if stored != records:
        sys.exit(f"  WRONG: {records} records were written")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agent")
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--pods", type=int, default=100)
    parser.add_argument("--sink", default="", help="more options of the sink, in YAML's flow style")
    parser.add_argument("--perf", help="file for perf's record of the agent")
    arguments = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-bench-"))
    try:
        run(arguments, directory, start_broker(directory / "kafka"))
    finally:
        subprocess.run([ROOT / "tests/services/common/stop.sh", directory / "kafka"], timeout=60)
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
