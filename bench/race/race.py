#!/usr/bin/python3
"""The race: log shippers, one after another, over the same lines and into the same counting sink.

  backlog    files written before the start
  live       lines at a rate, into files that only grow
  rotation   the same while the kubelet rotates and compresses them
  kill       a backlog, with kill -9 in the middle and a new start

Shipper and sink have a core each; the generator shares the sink's. Prints a table and writes it, with machine, versions
and configurations, to RESULTS/DATE-race.md and .json. Ends with 1 if a shipper did not finish, or if ours lost, doubled
or broke a line (doubled ones are forgiven after a kill).

Shippers that are not named by an option are looked for in $PATH; which ones are not here is said in the report."""
import argparse
import contextlib
import dataclasses
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import report
import shippers
from processes import OTHER_CORE, SHIPPER_CORE, Process, Sink

ROOT = pathlib.Path(__file__).resolve().parents[2]
STALL_SECONDS = 20    # without a new line: it will not finish
STOP_SECONDS = 20     # from SIGTERM to SIGKILL
ROTATION_CHECK_SECONDS = 2  # the kubelet looks every ten


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    lines: int
    pods: int
    rate: int = 0           # lines per second; 0: all are there before the start
    rotate_bytes: int = 0
    kill_at: float = 0.0    # share of the lines that have arrived then
    settle_seconds: int = 0  # from the shipper's start to the first live line

    def generator_options(self):
        options = ["--lines", self.lines, "--pods", self.pods]
        if self.rate:
            options += ["--rate", self.rate, "--delay-seconds", self.settle_seconds]
        if self.rotate_bytes:
            options += ["--rotate-bytes", self.rotate_bytes, "--check-seconds", ROTATION_CHECK_SECONDS]
        return options


def scenarios(arguments):
    lines = arguments.rate * arguments.seconds
    live = {"rate": arguments.rate, "settle_seconds": arguments.settle_seconds}
    every = (
        Scenario("backlog", arguments.lines, arguments.pods),
        Scenario("live", lines, arguments.pods, **live),
        # Every file is full when the kubelet looks.
        Scenario("rotation", lines, arguments.pods, **live,
                 rotate_bytes=max(1 << 16, 200 * arguments.rate // arguments.pods)),
        Scenario("kill", arguments.lines, arguments.pods, kill_at=0.3),
    )
    return [scenario for scenario in every if scenario.name in arguments.scenarios]


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


class Run:
    """One shipper in one scenario, in a directory of its own."""

    def __init__(self, arguments, scenario, shipper, binary, directory):
        self.arguments, self.scenario, self.directory = arguments, scenario, directory
        self.stack = contextlib.ExitStack()
        self.sink = self.stack.enter_context(Sink(arguments.tools / "hinomi_counting_sink", directory / "sink.log"))
        self.command = shippers.command_of(shipper, binary, directory, self.sink.port)
        self.summary = directory / "summary"

    def generator(self):
        command = [self.arguments.tools / "hinomi_race_generator", "--pods-dir", self.directory / "pods", "--summary",
                   self.summary, "--kind", self.arguments.kind, "--seed", self.arguments.seed,
                   *self.scenario.generator_options()]
        return self.stack.enter_context(Process(command, OTHER_CORE, self.directory / "generator.log"))

    def shipper(self):
        return self.stack.enter_context(Process(self.command, SHIPPER_CORE, self.directory / "shipper.log"))

    def finish_generator(self, generator, seconds):
        if generator.process.wait(seconds) != 0:
            raise RuntimeError(f"the generator failed: {generator.last_words()}")

    def measure(self):
        generator = self.generator()
        if not self.scenario.rate:
            self.finish_generator(generator, 120)
        began = time.time()
        shipper = self.shipper()
        cpu_before = 0.0
        if self.scenario.rate:
            time.sleep(self.scenario.settle_seconds)
            cpu_before, began = shipper.cpu_seconds(), time.time()
            self.finish_generator(generator, self.scenario.lines / self.scenario.rate + 30)
        self.sink.set_written(self.summary.read_bytes())
        if self.scenario.kill_at:
            self.sink.wait_for(int(self.scenario.lines * self.scenario.kill_at), shipper, STALL_SECONDS)
            shipper.kill()
            shipper = self.shipper()
        finished = self.sink.wait_for(self.scenario.lines, shipper, STALL_SECONDS)
        cpu, peak = shipper.cpu_seconds() - cpu_before, shipper.peak_mib()
        notes = []
        if not shipper.alive():
            notes.append(f"ended by itself: {shipper.last_words()[-200:]}")
        elif not finished:
            notes.append(f"sent nothing more for {STALL_SECONDS} s")
        if not shipper.stop(STOP_SECONDS):
            notes.append(f"still ran {STOP_SECONDS} s after SIGTERM")
        return self.figures(self.sink.stats(), began, cpu, peak) | {"finished": finished, "note": "; ".join(notes)}

    def figures(self, stats, began, cpu, peak):
        raw_bytes = sum(int(line.split()[2]) for line in self.summary.read_text().splitlines())
        records = max(stats["distinct"], 1)
        killed, live = self.scenario.kill_at > 0, self.scenario.rate > 0
        return {
            "lines": self.scenario.lines, "raw_bytes": raw_bytes, **stats,
            # What the killed process had used is not known, and a backlog's lines have waited for their shipper.
            "cpu_seconds_per_million": None if killed else cpu * 1e6 / records,
            "mb_per_second": None if killed else raw_bytes / max(stats["last_arrival"] - began, 0.001) / 1e6,
            "peak_mib": peak,
            "sink_cpu_seconds": self.sink.cpu_seconds(),  # when it is near the time it took, the sink was the limit
            "p50_ms": stats["p50_ms"] if live else None, "p99_ms": stats["p99_ms"] if live else None,
            "wire_bytes_per_raw_byte": stats["wire_bytes"] / raw_bytes,
        }

    def close(self):
        self.stack.close()


def race(arguments, scenario, shipper, binary):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-race-", dir=arguments.work_dir))
    run = None
    try:
        run = Run(arguments, scenario, shipper, binary, directory)
        return run.measure()
    finally:
        if run:
            run.close()
        shutil.rmtree(directory, ignore_errors=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("backlog", "live", "rotation", "kill")
    parser.add_argument("--tools", type=pathlib.Path, default=ROOT / "build/bench",
                        help="directory of hinomi, hinomi_race_generator and hinomi_counting_sink")
    parser.add_argument("--scenarios", type=lambda text: text.split(","), default=list(names), help=",".join(names))
    parser.add_argument("--shippers", type=lambda text: text.split(","), default=list(shippers.ALL),
                        help=",".join(shippers.ALL))
    parser.add_argument("--lines", type=int, default=1_000_000, help="of a backlog")
    parser.add_argument("--pods", type=int, default=20, help="1 to 20000")
    parser.add_argument("--kind", choices=("json", "plain", "mixed"), default="json")
    parser.add_argument("--rate", type=int, default=10_000, help="live lines per second, of all pods together")
    parser.add_argument("--seconds", type=int, default=20, help="of live lines")
    parser.add_argument("--settle-seconds", type=int, default=5, help="from a shipper's start to the first live line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    parser.add_argument("--work-dir", type=pathlib.Path, help="for the logs; default: the system's temporary directory")
    for name in shippers.ALL:
        parser.add_argument(f"--{name}", metavar="PATH", help=f"the binary of {name}")
    arguments = parser.parse_args()
    for chosen, known in ((arguments.scenarios, names), (arguments.shippers, shippers.ALL)):
        for name in set(chosen) - set(known):
            parser.error(f'cannot race "{name}": there are {", ".join(known)}')
    arguments.hinomi = arguments.hinomi or str(arguments.tools / "hinomi")
    return arguments


def find_shippers(arguments):
    """The binaries of those that are here, and the names of those that are not."""
    binaries = {}
    for name in arguments.shippers:
        binary = shippers.find(shippers.ALL[name], getattr(arguments, name.replace("-", "_")))
        if binary:
            binaries[name] = binary
    return binaries, [name for name in arguments.shippers if name not in binaries]


def is_good(name, scenario, figures):
    if name != "hinomi":
        return figures["finished"] or scenario.kill_at > 0  # what a kill costs others is a result
    doubled = figures["duplicated"] and not scenario.kill_at
    return figures["finished"] and not (figures["lost"] or figures["broken"] or doubled)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = parse_arguments()
    binaries, absent = find_shippers(arguments)
    for name in absent:
        say(f"{name} is not here; name its binary with --{name} PATH")
    runs, good = [], True
    for scenario in scenarios(arguments):
        for name, binary in binaries.items():
            say(f"{scenario.name}: {name}, {scenario.lines} lines of {arguments.kind} in {scenario.pods} pods")
            figures = race(arguments, scenario, shippers.ALL[name], binary)
            runs.append({"scenario": scenario.name, "shipper": name, **figures})
            good = good and is_good(name, scenario, figures)
            if figures["note"]:
                say(figures["note"])
    versions = {name: shippers.version_of(shippers.ALL[name], binary) for name, binary in binaries.items()}
    print(report.table(runs))
    say(f"written: {report.write(arguments, runs, versions, absent)}")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        say(f"cannot race: {error}")
        sys.exit(1)
