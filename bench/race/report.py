"""What a race leaves: a table for people, and the same as JSON, with what is needed to judge or repeat it."""
import datetime
import json
import os
import pathlib
import platform

import shippers
from processes import OTHER_CORE, SHIPPER_CORE

COLUMNS = (  # heading, key, how it is printed
    ("scenario", "scenario", "{}"),
    ("shipper", "shipper", "{}"),
    ("CPU-s/M lines", "cpu_seconds_per_million", "{:.2f}"),
    ("MB/s", "mb_per_second", "{:.1f}"),
    ("peak MiB", "peak_mib", "{:.1f}"),
    ("p50 ms", "p50_ms", "{:.1f}"),
    ("p99 ms", "p99_ms", "{:.1f}"),
    ("wire/raw", "wire_bytes_per_raw_byte", "{:.3f}"),
    ("lost", "lost", "{}"),
    ("duplicated", "duplicated", "{}"),
    ("broken", "broken", "{}"),
    ("repeated", "repeated", "{}"),
    ("note", "note", "{}"),
)

EXPLANATION = """Lines of {kind} in {pods} pods: {lines} of a backlog, {rate} a second for {seconds} s of live traffic,
seed {seed}. The shipper has core {shipper_core}, sink and generator core {other_core}.

- CPU-s/M lines: user and system time of the shipper's processes for a million lines that arrived.
- MB/s: bytes of log from the start to the last arrival; of live traffic that is what was offered.
- peak: resident memory with file pages (VmHWM).
- p50, p99: from the write of a line to its first arrival.
- wire/raw: bytes received, heads included, for a byte of log.
- lost, duplicated, broken: as counted after the shipper was stopped. Repeated ones came again under their own `_id`,
  which Elasticsearch keeps once; they are no duplicates.
- rotation: every two seconds each file is renamed and the one before compressed; five are kept.
- kill: `kill -9` when 30 % of the backlog had arrived, then a new start."""


def machine():
    names = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)}


def cell(run, key, form):
    value = run[key]
    return "–" if value is None else form.format(value)


def table(runs):
    rows = [[heading for heading, _, _ in COLUMNS]]
    rows += [[cell(run, key, form) for _, key, form in COLUMNS] for run in runs]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in rows)


def markdown(arguments, runs, versions, absent, date):
    here = machine()
    explanation = EXPLANATION.format(**vars(arguments), shipper_core=SHIPPER_CORE, other_core=OTHER_CORE)
    text = [f"# The race, {date}", "", explanation, "", table(runs), "",
            f"Machine: {here['cpu']}, {here['cores']} cores, {here['memory_gib']} GiB, Linux {here['kernel']}.", ""]
    text += [f"- {name}: {version}" for name, version in versions.items()]
    if absent:
        text += ["", f"Not raced, because not on this machine: {', '.join(absent)}."]
    text += ["", "## Configurations"]
    for name in versions:
        text += ["", f"### {name}", "", "```", shippers.config_text(shippers.ALL[name]).rstrip(), "```"]
    return "\n".join(text) + "\n"


def write(arguments, runs, versions, absent):
    """Returns the path of the table."""
    date = datetime.date.today().isoformat()
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / f"{date}-race.md"
    path.write_text(markdown(arguments, runs, versions, absent, date))
    options = {name: getattr(arguments, name) for name in ("kind", "pods", "lines", "rate", "seconds", "seed")}
    facts = {"date": date, "machine": machine(), "versions": versions, "absent": absent, "options": options,
             "runs": runs}
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")
    return path
