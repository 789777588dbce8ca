"""The runbooks: one for each alert, whose commands exist and whose queries ask for what the agent emits."""
import functools
import os
import re
import subprocess

import pytest

import promql
from test_alerts import ALERTS, ROOT, RUNBOOKS, known

PAGES = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
OF_ALERTS = PAGES.keys() - {"README"}
HEADINGS = ["## Symptom", "## Likely causes", "## Checks", "## Cure"]
LINES = (20, 50)
BINARY = os.environ.get("HINOMI_BINARY", str(ROOT / "build/dev/hinomi"))
DOCUMENTS = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
COMMAND = re.compile(r"(?:^\s*|-- |`|\| |\) )hinomi (?P<name>[a-z]+)(?P<rest>[^`|;#\n]*)", re.MULTILINE)
METRIC = re.compile(r"\b(?:hinomi|node|container|process|machine|kubelet)_[a-zA-Z0-9_]+\b")
# Whatever stands for a name, as in node="NODE".
PLACEHOLDER = re.compile(r'="(?:[A-Z]+|…)"')
QUERY = re.compile(rf"^    ((?:up\b|.*{METRIC.pattern}).*)$", re.MULTILINE)
SELECTOR = re.compile(rf'((?:\bup|{METRIC.pattern})\{{[^{{}}\n]*"[^{{}}\n]*\}})')
API = re.compile(r"/api/v1/\w+|/readyz|/healthz|/metrics(?:/\w+)?")
PATHS = {"/api/v1/status", "/api/v1/ledger", "/api/v1/explain", "/readyz", "/healthz", "/metrics", "/metrics/cadvisor",
         "/metrics/node", "/metrics/resource", "/metrics/volumes"}

per_page = pytest.mark.parametrize("name", sorted(PAGES))


@functools.cache
def help_of(*command):
    return subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert OF_ALERTS == ALERTS.keys()


@pytest.mark.parametrize("name", sorted(OF_ALERTS))
def test_a_runbook_says_what_to_look_for_and_what_to_do(name):
    lines = PAGES[name].splitlines()
    assert lines[0] == f"# {name}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert LINES[0] <= len(lines) <= LINES[1]
    for section in re.split("^## .*$", PAGES[name], flags=re.MULTILINE)[1:]:
        assert section.strip()


@per_page
def test_commands_exist(name):
    subcommands = re.findall(r"^  ([a-z]+) ", help_of().split("Subcommands:")[1], re.MULTILINE)
    for command in COMMAND.finditer(PAGES[name]):
        assert command["name"] in subcommands, command[0]
        known = re.findall(r"--[a-z-]+", help_of(command["name"]))
        assert set(re.findall(r"--[a-z-]+", command["rest"])) <= set(known), command[0]


@per_page
def test_addresses_exist(name):
    assert set(API.findall(PAGES[name])) <= PATHS


@per_page
def test_metrics_are_emitted(name, emitted):
    assert set(METRIC.findall(PAGES[name])) <= known(emitted).keys()


def wrong(pattern, text, emitted):
    return [complaint for query in pattern.findall(text)
            for complaint in promql.complaints(PLACEHOLDER.sub('=~".*"', query), known(emitted))]


@per_page
def test_queries_ask_for_what_is_emitted(name, emitted):
    assert not wrong(QUERY, PAGES[name], emitted)


@pytest.mark.parametrize("name", [name for name, text in {**PAGES, **DOCUMENTS}.items() if SELECTOR.search(text)])
def test_texts_select_what_is_emitted(name, emitted):
    assert not wrong(SELECTOR, {**PAGES, **DOCUMENTS}[name], emitted)


def test_commands_and_metrics_are_found_in_runbooks():
    """Not that the tests above look for what no runbook has."""
    text = "\n".join(PAGES.values())
    assert len({command["name"] for command in COMMAND.finditer(text)}) >= 4
    assert len(set(METRIC.findall(text))) > 30
    assert len(QUERY.findall(text)) > 100 and len(SELECTOR.findall(text)) > 60
