"""What a real Prometheus had of running agents while that happened which panels need to show anything: incidents/, made
by record_incidents.py. A line is of one series: its name, and its values every STEP_SECONDS, `_` where there was none."""
import json
import math
import pathlib

import promql

DIRECTORY = pathlib.Path(__file__).with_name("incidents")
STEP_SECONDS = 15
NOTHING = "_"


def panels():
    """Those that need an incident or a setting, marks on every dashboard among them."""
    return [panel for panel in promql.queries() if panel.empty_unless]


def read_by(some):
    """What these panels read, without what they do with it: the texts of their selectors."""
    found = [selector for panel in some for selector in promql.parse(panel.expression)[0]]
    return sorted({written(each.name, each.matchers) for each in found})


def written(name, matchers):
    inside = (f"{label}{operator}{json.dumps(value, ensure_ascii=False)}" for label, operator, value in matchers)
    return f"{name}{{{','.join(inside)}}}"


def ask(prometheus, expression, begin, end):
    """{labels: {step: value}} of the expression's rows that have a number; times in seconds since 1970."""
    def numbers(row):
        return {round((time - begin) / STEP_SECONDS): value for time, value in row["values"]
                if not math.isnan(float(value))}
    answer = prometheus.ask("query_range", query=expression, start=begin, end=end, step=STEP_SECONDS)
    return {frozenset(row["metric"].items()): numbers(row) for row in answer["result"] if numbers(row)}


def record(name, head, some, prometheus, begin, end):
    """Writes what these panels read; `head`: lines about how it was made."""
    found = {}
    for text in read_by(some):
        for labels, values in ask(prometheus, text, begin, end).items():
            others = [(label, "=", value) for label, value in sorted(labels) if label != "__name__"]
            found[written(dict(labels)["__name__"], others)] = values
    steps = range(int(end - begin) // STEP_SECONDS + 1)
    with (DIRECTORY / f"{name}.txt").open("w") as file:
        file.write(head)
        for series, values in sorted(found.items()):
            print(series, *(values.get(at, NOTHING) for at in steps), file=file)


def recorded():
    """{series: [its values]} of all files."""
    found = {}
    for file in sorted(DIRECTORY.glob("*.txt")):
        for line in file.read_text().splitlines():
            if not line.startswith("#"):
                series, values = line.rsplit("} ", 1)
                found[series + "}"] = values.split()
    return found


def openmetrics(series):
    """As promtool reads it; the first step is at 0. `series`: as recorded() gives it."""
    lines = [f"{name} {value} {at * STEP_SECONDS}\n" for name, values in series.items()
             for at, value in enumerate(values) if value != NOTHING]
    return "".join(lines) + "# EOF\n"
