"""The check of docs/complaints.md turns red on each planted fault."""
import pytest
from complaints_table import COMPLAINTS, check, outcomes

EXISTING = {"PipelineTest.Ships", "tests/complaints/test_a.py::test_b", "simulation: a few seeds"}
PASSED = {"unit": {"PipelineTest.Ships": "passed", "simulation: a few seeds": "passed"},
          "complaints": {"tests/complaints/test_a.py::test_b": "passed"}}


def table(**cells):
    """All complaints, covered but for what `cells` says."""
    return "".join(f"| {number} | what | does | {cells.get(number, '`PipelineTest.Ships`')} |\n" for number in COMPLAINTS)


def with_outcome(label, name, outcome):
    changed = {label_: dict(found) for label_, found in PASSED.items()}
    if outcome:
        changed[label][name] = outcome
    else:
        del changed[label][name]
    return changed


@pytest.mark.parametrize("cell", [
    "`PipelineTest.Ships`, `tests/complaints/test_a.py::test_b`, `simulation: a few seeds`",
    "not yet: there is no such thing", "cannot apply: it asks nobody"])
def test_good(cell):
    assert check(table(R07=cell), EXISTING, PASSED) == ([], [])


@pytest.mark.parametrize("cell,complaint", [
    ("`PipelineTest.Sinks`", "does not exist"),
    ("`tests/complaints/test_a.py::test_c`", "does not exist"),
    ("`simulation: no seeds`", "does not exist"),
    ("`something else`", "is no name of a test"),
    ("by and large", "names no test"),
    ("", "names no test")])
def test_bad_cells(cell, complaint):
    wrong, _ = check(table(R07=cell), EXISTING, PASSED)
    assert wrong and all(line.startswith("R07: ") for line in wrong)
    assert any(complaint in line for line in wrong)


@pytest.mark.parametrize("outcome,complaint", [("skipped", "has been skipped"), ("failed", "has failed"),
                                               (None, "did not run")])
def test_bad_results(outcome, complaint):
    results = with_outcome("complaints", "tests/complaints/test_a.py::test_b", outcome)
    wrong, _ = check(table(R07="`tests/complaints/test_a.py::test_b`"), EXISTING, results)
    assert len(wrong) == 1 and complaint in wrong[0]


def test_a_missing_row():
    wrong, _ = check(table().replace("R48", "R49"), EXISTING, PASSED)
    assert "R48: has no row" in wrong


def test_labels_that_did_not_run_are_said():
    cell = "`tests/complaints/test_a.py::test_b`"
    assert check(table(R07=cell), EXISTING, {"unit": PASSED["unit"]}) == ([], [cell.strip("`")])


def test_outcomes_of_both_runners(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text("""<testsuites><testsuite>
      <testcase classname="complaints.test_a" name="test_b[1]"/>
      <testcase classname="complaints.test_a" name="test_b[2]"><skipped/></testcase>
      <testcase classname="x" name="shipper/source: Reader.Skips" status="run"/>
      <testcase classname="x" name="shipper: Pipeline.Ends" status="fail"><failure/></testcase>
      <testcase classname="x" name="shipper: Pipeline.Waits" status="notrun"/>
      <testcase classname="x" name="simulation: a few seeds" status="run"/>
    </testsuite></testsuites>""")
    assert outcomes(report) == {
        "tests/complaints/test_a.py::test_b": "skipped", "Reader.Skips": "passed", "Pipeline.Ends": "failed",
        "Pipeline.Waits": "skipped", "simulation: a few seeds": "passed"}
