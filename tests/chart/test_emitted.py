"""That emitted.metrics() misses nothing: what the tests of this folder hold everything against."""
import re

import pytest

from agent import ROOT
from emitted import UNSEEN

# Of the mode exactly_once, which needs a Kafka that answers: asserted in tests/integration.
OF_TRANSACTIONS = {"hinomi_kafka_transactions_total", "hinomi_kept_cursors_total"}
OWN = re.compile(r'"(hinomi_[a-z_0-9]+)"')


def test_every_metric_of_the_agent_is_there(emitted):
    files = [file for folder in ("app", "base", "collector", "metadata", "shipper")
             for file in (ROOT / folder).rglob("*.cc") if not file.stem.endswith("_test")]
    named = {name for file in files for name in OWN.findall(file.read_text())}
    assert len(named) > 70
    assert named - emitted.keys() == OF_TRANSACTIONS


def test_labels(emitted):
    assert emitted["hinomi_log_bytes_lost_total"].keys() == {"namespace", "route", "reason"}
    assert emitted["hinomi_log_lag_bytes"].keys() == {"namespace", "pod", "container"}
    assert emitted["hinomi_sink_errors_total"].keys() == {"sink", "code"}
    assert emitted["hinomi_tcp_connections"].keys() == {"namespace", "workload", "remote_port", "remote_group", "state"}
    container = {"id", "name", "image", "pod", "namespace", "container"}
    assert emitted["container_fs_reads_bytes_total"].keys() == {*container, "device"}
    assert emitted["node_cpu_seconds_total"].keys() == {"cpu", "mode"}
    assert emitted["machine_cpu_cores"].keys() == {"boot_id", "machine_id", "system_uuid"}
    assert "node_memory_MemAvailable_bytes" in emitted


def test_values(emitted):
    assert emitted["hinomi_ledger_bytes"]["state"] == {"produced", "acknowledged", "dropped", "lost", "pending"}
    assert emitted["hinomi_tcp_connections"]["remote_group"] == {"mysql", ""}
    assert {"user", "idle", "iowait", "steal"} <= emitted["node_cpu_seconds_total"]["mode"]


@pytest.mark.parametrize("metric, label", UNSEEN)
def test_a_value_that_was_not_seen_stands_in_the_code(metric, label):
    values, path = UNSEEN[metric, label]
    text = (ROOT / path).read_text()
    assert not [value for value in values if f'"{value}"' not in text]
