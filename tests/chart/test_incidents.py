"""Each panel and each mark that needs an incident or a setting, asked of a real Prometheus that has what was recorded of
running agents meanwhile (incidents/). All others are asked in a cluster: tests/kubernetes/test_helm_install.py."""
import pathlib
import tempfile

import pytest

import promql
import recordings
from prometheus_tools import run
from services import Prometheus

PANELS = recordings.panels()
SERIES = recordings.recorded()
STEPS = max(map(len, SERIES.values()))
# Those that the setting alone fills, and of Kafka what a broker without a quota, and one that hangs or ends, does not make:
# throttling, requests that wait to be sent, requests that are sent again.
WITH_ZEROS = {"Not counted", "Kafka - throttled by a quota", "Kafka - requests under way",
              "Kafka - connections that ended, requests sent again"}
# What the operator of Prometheus adds.
OF_THE_OPERATOR = {"endpoint": {"http"}}


@pytest.fixture(scope="module")
def prometheus():
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
        root = pathlib.Path(directory)
        (root / "recorded").write_text(recordings.openmetrics(SERIES))
        run("promtool", "tsdb", "create-blocks-from", "openmetrics", root / "recorded", root / "server/data")
        server = Prometheus(root / "server").ready()
        yield server
        server.stop()


def test_every_panel_has_rows(prometheus):
    """And shows more than zeros, but for some."""
    end = (STEPS - 1) * recordings.STEP_SECONDS
    rows = {text: recordings.ask(prometheus, text, 0, end).values() for text in {panel.expression for panel in PANELS}}
    assert len(rows) > 40
    assert not [panel for panel in PANELS if not rows[panel.expression]]
    zero = {text for text, found in rows.items() if not any(float(value) for row in found for value in row.values())}
    assert {panel.panel for panel in PANELS if panel.expression in zero} == WITH_ZEROS


def test_recordings_have_what_a_running_agent_emits(emitted):
    known = {name: {**labels, **OF_THE_OPERATOR} for name, labels in emitted.items()}
    assert not [complaint for series in SERIES for complaint in promql.complaints(promql.of_any(series), known)]


def test_recordings_have_what_panels_read_and_nothing_else():
    read = {selector.name for panel in PANELS for selector in promql.parse(panel.expression)[0]}
    assert {series.partition("{")[0] for series in SERIES} == read
