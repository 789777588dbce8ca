#!/usr/bin/python3
"""This tree beside an earlier state of itself: the record path alone and the whole agent over a backlog, each by its own
benchmarks, in turns, so that both see the same machine. Prints the medians and their ratio, and writes them to
RESULTS/DATE-pairwise.md. Below 1.00 this tree is the cheaper one.

    script/bench --before REVISION [--rounds 7] [--lines 2000000]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGETS = ("hinomi", "hinomi_record_path_bench", "hinomi_race_generator", "hinomi_counting_sink")
PATHS = ("Whole/json", "Whole/text")


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


class Tree:
    """A state of the sources, with its benchmarks built."""

    def __init__(self, name, directory):
        self.name, self.directory, self.build = name, directory, directory / "build/bench"
        say(f"build {name}")
        log = directory / "build-bench.log" if directory != ROOT else ROOT / "build/pairwise.log"
        for command in (["cmake", "--preset", "bench"], ["cmake", "--build", self.build, "--target", *TARGETS]):
            log.parent.mkdir(exist_ok=True)
            with open(log, "ab") as output:
                if subprocess.run(command, cwd=directory, stdout=output, stderr=output, check=False).returncode:
                    raise RuntimeError(f"cannot build {name}: see {log}")

    def record_path(self):
        """CPU nanoseconds per record of each benchmark."""
        answer = subprocess.run(
            [self.build / "hinomi_record_path_bench", "--benchmark_format=json", "--benchmark_min_time=0.5",
             f"--benchmark_filter=^({'|'.join(PATHS)})$"], capture_output=True, text=True, check=True, timeout=120)
        return {of["name"]: 1e9 / of["items_per_second"] for of in json.loads(answer.stdout)["benchmarks"]}

    def whole_agent(self, lines):
        """CPU nanoseconds per record, from file to sink, and MiB at the peak."""
        results = pathlib.Path(tempfile.mkdtemp(prefix="hinomi-pairwise-"))
        try:
            subprocess.run(
                [self.directory / "bench/race/race.py", "--shippers", "hinomi", "--scenarios", "backlog", "--pods", "100",
                 "--lines", str(lines), "--tools", self.build, "--results", results],
                check=True, timeout=600, capture_output=True)
            run = json.loads(next(results.glob("*-race.json")).read_text())["runs"][0]
        finally:
            shutil.rmtree(results)
        return {"whole agent": run["cpu_seconds_per_million"] * 1e3, "peak MiB": run["peak_mib"]}


def tree_before(revision, directory):
    commit = subprocess.run(["git", "rev-parse", "--short", f"{revision}^{{commit}}"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.strip()
    directory = directory / commit
    directory.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
    return Tree(commit, directory)


def report(before, after, figures, arguments):
    rows = [f"| figure | {before.name} | {after.name} | ratio | of the pairs |", "|---|---|---|---|---|"]
    for name in figures[before.name][0]:
        pairs = [(one[name], other[name]) for one, other in zip(figures[before.name], figures[after.name])]
        ratios = sorted(other / one for one, other in pairs)
        old, new = (statistics.median(values) for values in zip(*pairs))
        rows.append(f"| {name} | {old:.1f} | {new:.1f} | {statistics.median(ratios):.3f} | "
                    f"{ratios[0]:.3f} to {ratios[-1]:.3f} |")
    load = os.getloadavg()[0]
    return "\n".join([
        f"CPU nanoseconds per record unless said otherwise; medians of {arguments.rounds} rounds in turns, a backlog of "
        f"{arguments.lines} lines in 100 pods; load of the machine {load:.1f} at the end, {os.cpu_count()} cores.", "",
        *rows, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, metavar="REVISION")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "bench/results")
    arguments = parser.parse_args()
    before = tree_before(arguments.before, ROOT / "build/pairwise")
    after = Tree("this tree", ROOT)
    figures = {before.name: [], after.name: []}
    for round_number in range(1, arguments.rounds + 1):
        for tree in ((before, after) if round_number % 2 else (after, before)):
            figures[tree.name].append(tree.record_path() | tree.whole_agent(arguments.lines))
            say(f"round {round_number}, {tree.name}: " +
                ", ".join(f"{name} {value:.1f}" for name, value in figures[tree.name][-1].items()))
    text = report(before, after, figures, arguments)
    print(text)
    path = arguments.results / time.strftime("%Y-%m-%d-pairwise.md")
    path.write_text(f"# This tree beside {before.name}\n\n{text}")
    say(f"written: {path}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        say(f"cannot compare: {error}")
        sys.exit(1)
