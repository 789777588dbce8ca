"""docs/complaints.md names the tests that answer the field's complaints. Each of them must exist, and after a run of
script/test must have run and passed.

    complaints_table.py                 each named test exists
    complaints_table.py LABEL...        and the results of these labels, build/test/LABEL.xml, hold no other outcome

A name is `tests/x.py::test_y`, a test of CTest or GoogleTest such as `PipelineTest.ShipsLines`, or a test of CTest with
spaces in its name as in `simulation: a few seeds`; each stands alone in backticks in the table's last column. Prints
what is wrong and what could not be checked; ends with 1 if anything is wrong."""
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
COMPLAINTS = [f"R{number:02}" for number in range(1, 49)]
ROW = re.compile(r"^\| (R\d+) \|(.*)\|\s*$", re.MULTILINE)
TEST_NAME = re.compile(r"^(tests/\S+\.py::\w+|\w+\.\w+|[a-z]+: .+)$")
GTEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", re.MULTILINE)
CTEST = re.compile(r'add_test\(NAME "([^"]+)"')
EXCUSES = ("not yet:", "cannot apply:")


def named_tests(text):
    """(complaint, test) of all rows; and what is wrong with the rows themselves."""
    found, wrong = [], []
    rows = {number: columns for number, columns in ROW.findall(text)}
    wrong += [f"{number}: has no row" for number in COMPLAINTS if number not in rows]
    for number, columns in rows.items():
        last = columns.rpartition("|")[2]
        names = [name for name in re.findall(r"`([^`]+)`", last) if TEST_NAME.match(name)]
        strangers = [name for name in re.findall(r"`([^`]+)`", last) if not TEST_NAME.match(name)]
        wrong += [f"{number}: `{name}` is no name of a test" for name in strangers]
        if not names and not any(excuse in last for excuse in EXCUSES):
            wrong.append(f"{number}: names no test and does not say why")
        found += [(number, name) for name in names]
    return found, wrong


def existing_tests(root):
    """The names of all tests of the tree, by its sources; pytest itself says which it would run."""
    names = set()
    for path in root.glob("**/*_test.cc"):
        if "build" not in path.relative_to(root).parts:
            names |= {".".join(test) for test in GTEST.findall(path.read_text(encoding="utf-8"))}
    for path in root.glob("tests/**/CMakeLists.txt"):
        names |= set(CTEST.findall(path.read_text(encoding="utf-8")))
    for folder in ("complaints", "integration", "kubernetes"):
        collected = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", f"tests/{folder}", "--collect-only", "-q", "-p", "no:cacheprovider"],
            cwd=root, capture_output=True, text=True, timeout=120, check=False)
        names |= {re.sub(r"\[.*", "", line) if line.startswith("tests/") else "tests/" + re.sub(r"\[.*", "", line)
                  for line in collected.stdout.splitlines() if "::" in line}
    return names


def outcomes(report):
    """Of each test of a JUnit report of pytest or CTest: "passed", "skipped" or "failed"; of several with different
    parameters the worst."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        if case.get("status") in ("notrun", "disabled"):
            outcome = "skipped"
        name = re.sub(r"\[.*", "", case.get("name") or "", flags=re.DOTALL)
        if name.startswith("test_"):
            name = f"tests/{case.get('classname').removeprefix('tests.').replace('.', '/')}.py::{name}"
        elif re.match(r"^[\w/]+: \w+\.\w+", name):
            name = name.partition(": ")[2]
        found[name] = min(outcome, found.get(name, "passed"), key=["failed", "skipped", "passed"].index)
    return found


def label_of(name, pytest_labels=("integration", "sinks", "faults")):
    """The labels of script/test that a test may belong to."""
    if name.startswith("tests/complaints/"):
        return ("complaints",)
    if name.startswith("tests/kubernetes/"):
        return ("kubernetes",)
    if name.startswith("tests/"):
        return pytest_labels
    return ("unit", "simulation")


def check(table, existing, results):
    """What is wrong, and what could not be checked. `results`: of each label that was run, its outcomes."""
    named, wrong = named_tests(table)
    unchecked = []
    for complaint, name in named:
        seen = [results[label][name] for label in label_of(name) if name in results.get(label, {})]
        if name not in existing:
            wrong.append(f"{complaint}: `{name}` does not exist")
        elif seen and seen[0] != "passed":
            wrong.append(f"{complaint}: `{name}` has {'been skipped' if seen[0] == 'skipped' else 'failed'}")
        elif not seen and set(label_of(name)) <= set(results):
            wrong.append(f"{complaint}: `{name}` did not run")
        elif not seen:
            unchecked.append(name)
    return wrong, unchecked


def main(labels):
    results = {}
    for label in labels:
        report = ROOT / "build/test" / f"{label}.xml"
        results[label] = outcomes(report) if report.exists() else {}
    wrong, unchecked = check((ROOT / "docs/complaints.md").read_text(encoding="utf-8"), existing_tests(ROOT), results)
    for line in wrong:
        print(f"docs/complaints.md: {line}")
    if labels and unchecked:
        print(f"not checked whether they ran, since their labels did not: {len(set(unchecked))} tests")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(sys.argv[1:])
