"""Which resource the formulas of the bottleneck panel rank first, on the nodes of situations.yaml."""
import pathlib

import pytest
import yaml

import promql
from prometheus_tools import promtool

TABLE = yaml.safe_load(pathlib.Path(__file__).with_name("situations.yaml").read_text())
PROCESSORS = 4
MARGIN = 25  # percentage points that the first has to be ahead of all others
IDLE_MAX = 30
STEP_SECONDS, STEPS = 15, 20
FORMULAS = promql.bottleneck(__rate_interval="1m")
# Its kernel tells no pressure.
OLD = "{}, old kernel"


def column(kind, situation):
    """{series: value} of a situation; `kind`: counters or gauges."""
    at = TABLE["situations"].index(situation)
    return {series: values[at] for series, values in TABLE[kind].items()}


def labelled(series, **labels):
    name, _, own = series.rstrip("}").partition("{")
    given = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f'{name}{{{own}{"," if own else ""}{given}}}'


def rows(situation, node):
    """promtool's input of one node; time of processors is spread evenly over these."""
    def row(series, start, step, **labels):
        return {"series": labelled(series, cluster="test", node=node, **labels),
                "values": f"{start}+{step:.9f}x{STEPS}"}
    made = [row(series, value, 0) for series, value in column("gauges", situation).items()]
    for series, rate in column("counters", situation).items():
        if series.startswith("node_cpu_"):
            made += [row(series, 5000, rate * STEP_SECONDS / PROCESSORS, cpu=cpu) for cpu in range(PROCESSORS)]
        else:
            made.append(row(series, 5000, rate * STEP_SECONDS))
    return made


def nodes():
    """[(node, situation, its rows)]"""
    for situation in TABLE["situations"]:
        made = rows(situation, situation)
        yield situation, situation, made
        node = OLD.format(situation)
        yield node, situation, [row for row in rows(situation, node) if not row["series"].startswith("node_pressure_")]


def question(expression, resources):
    """What an expression has to give at the end: a row of 1 for each of the resources."""
    return {"expr": expression, "eval_time": f"{STEP_SECONDS * STEPS}s",
            "exp_samples": [{"labels": f'{{resource="{resource}"}}', "value": 1} for resource in resources]}


def questions(node, situation):
    """All five have a number; the right one is first, which is none on an idle node."""
    percent = f'test:percent{{node="{node}"}}'
    yield question(f"group by (resource) ({percent})", FORMULAS)
    if situation == "idle":
        yield question(f"group by (resource) ({percent} > {IDLE_MAX})", [])
    else:
        yield question(f"group by (resource) ({percent} > scalar(max({percent})) - {MARGIN})", [situation])


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
    assert set(TABLE["situations"]) == {"idle", *FORMULAS}


def test_situations_tell_what_the_formulas_read(emitted):
    """So that no formula gives a number for want of one of its parts, or of one that no agent emits."""
    told = {series.partition("{")[0] for kind in ("counters", "gauges") for series in TABLE[kind]}
    assert told == {selector.name for text in FORMULAS.values() for selector in promql.parse(text)[0]}
    assert not [complaint for series in (*TABLE["counters"], *TABLE["gauges"])
                for complaint in promql.complaints(promql.of_any(series), emitted)]


@pytest.mark.parametrize("situation", TABLE["situations"])
def test_processors_do_not_have_more_time_than_there_is(situation):
    modes = [rate for series, rate in column("counters", situation).items() if series.startswith("node_cpu_")]
    assert sum(modes) == pytest.approx(PROCESSORS)
