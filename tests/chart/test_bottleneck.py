"""Which resource the formulas of the bottleneck panel rank first, on the nodes of situations/, recorded or made up."""
import pathlib

import pytest
import yaml

import promql
from prometheus_tools import promtool

SITUATIONS = pathlib.Path(__file__).with_name("situations")
MARGIN = 25  # percentage points that the first has to be ahead of all others
IDLE_MAX = 30
STEP_SECONDS, STEPS = 15, 20
FORMULAS = promql.bottleneck(__rate_interval="1m")
# Its kernel tells no pressure.
OLD = "{}, old kernel"
KINDS = ("counters", "gauges")


class Situation:
    """A column of a table: the resource that has to be first, none on an idle node, and {kind: {series: value}}."""
    def __init__(self, file, table, at):
        self.name, self.first = f"{file.stem}: {table['situations'][at]}", table["first"][at]
        self.processors = table["processors"]
        self.series = {kind: {series: values[at] for series, values in table[kind].items()} for kind in KINDS}

    @property
    def told_by_pressure_alone(self):
        """Programs at a limit of memory on a node that has memory to spare: to an old kernel they wait for a disk."""
        gauges = self.series["gauges"]
        return self.first == "memory" and (gauges["node_memory_MemAvailable_bytes"]
                                           > 0.1 * gauges["node_memory_MemTotal_bytes"])


def situations():
    for file in sorted(SITUATIONS.glob("*.yaml")):
        table = yaml.safe_load(file.read_text())
        yield from (Situation(file, table, at) for at in range(len(table["situations"])))


ALL = list(situations())


def labelled(series, **labels):
    name, _, own = series.rstrip("}").partition("{")
    given = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f'{name}{{{own}{"," if own else ""}{given}}}'


def rows(situation, node):
    """promtool's input of one node; time of processors is spread evenly over these."""
    def row(series, start, step, **labels):
        return {"series": labelled(series, cluster="test", node=node, **labels),
                "values": f"{start}+{step:.9f}x{STEPS}"}
    made = [row(series, value, 0) for series, value in situation.series["gauges"].items()]
    for series, rate in situation.series["counters"].items():
        if series.startswith("node_cpu_"):
            made += [row(series, 5000, rate * STEP_SECONDS / situation.processors, cpu=cpu)
                     for cpu in range(situation.processors)]
        else:
            made.append(row(series, 5000, rate * STEP_SECONDS))
    return made


def nodes():
    """[(node, situation, its rows)]"""
    for situation in ALL:
        yield situation.name, situation, rows(situation, situation.name)
        if not situation.told_by_pressure_alone:
            node = OLD.format(situation.name)
            yield node, situation, [row for row in rows(situation, node)
                                    if not row["series"].startswith("node_pressure_")]


def question(expression, resources):
    """What an expression has to give at the end: a row of 1 for each of the resources."""
    return {"expr": expression, "eval_time": f"{STEP_SECONDS * STEPS}s",
            "exp_samples": [{"labels": f'{{resource="{resource}"}}', "value": 1} for resource in resources]}


def questions(node, situation):
    """All five have a number; the right one is first, which is none on an idle node."""
    percent = f'test:percent{{node="{node}"}}'
    yield question(f"group by (resource) ({percent})", FORMULAS)
    if situation.first:
        yield question(f"group by (resource) ({percent} > scalar(max({percent})) - {MARGIN})", [situation.first])
    else:
        yield question(f"group by (resource) ({percent} > {IDLE_MAX})", [])


def write_files(directory):
    """The five formulas as recording rules, and all nodes side by side. The file with the latter."""
    rules = [{"record": "test:percent", "labels": {"resource": name}, "expr": text} for name, text in FORMULAS.items()]
    group = {"name": "bottleneck", "interval": f"{STEP_SECONDS}s", "rules": rules}
    (directory / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    test = {"interval": f"{STEP_SECONDS}s", "input_series": [row for *_, made in nodes() for row in made],
            "promql_expr_test": [each for node, situation, _ in nodes() for each in questions(node, situation)]}
    file = directory / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": f"{STEP_SECONDS}s",
                                    "tests": [test]}))
    return file


def test_the_right_resource_is_first(directory):
    promtool("test", "rules", write_files(directory))


def test_there_is_a_situation_of_each_resource():
    assert {situation.first for situation in ALL} == {None, *FORMULAS}
    assert {situation.first for situation in ALL if "recorded" in situation.name} == {None, *FORMULAS} - {"steal"}


@pytest.mark.parametrize("situation", ALL, ids=lambda situation: situation.name)
def test_situations_tell_what_the_formulas_read(situation, emitted):
    """So that no formula gives a number for want of one of its parts, or of one that no agent emits."""
    told = [series for kind in KINDS for series in situation.series[kind]]
    assert ({series.partition("{")[0] for series in told}
            == {selector.name for text in FORMULAS.values() for selector in promql.parse(text)[0]})
    assert not [complaint for series in told for complaint in promql.complaints(promql.of_any(series), emitted)]


@pytest.mark.parametrize("situation", ALL, ids=lambda situation: situation.name)
def test_processors_have_all_the_time_that_there_is(situation):
    """But for what the kernel loses in counting, where it was recorded."""
    modes = [rate for series, rate in situation.series["counters"].items() if series.startswith("node_cpu_")]
    assert sum(modes) == pytest.approx(situation.processors, rel=0.2 if "recorded" in situation.name else 1e-6)
