"""That emitted.names() misses nothing: what the tests of this folder hold everything against."""
import re

from agent import ROOT

OWN = re.compile(r'"(hinomi_[a-z_0-9]+)"')


def test_every_metric_of_the_agent_is_there(emitted):
    files = [file for folder in ("app", "base", "collector", "metadata", "shipper")
             for file in (ROOT / folder).rglob("*.cc") if not file.stem.endswith("_test")]
    named = {name for file in files for name in OWN.findall(file.read_text())}
    assert len(named) > 70
    assert not named - emitted.keys()


def test_labels(emitted):
    assert emitted["hinomi_log_bytes_lost_total"] == {"namespace", "route", "reason"}
    assert emitted["hinomi_sink_errors_total"] == {"sink", "code"}
    assert emitted["hinomi_tcp_connections"] == {"namespace", "workload", "remote_port", "remote_group", "state"}
    container = {"id", "name", "image", "pod", "namespace", "container"}
    assert emitted["container_fs_reads_bytes_total"] == {*container, "device"}
    assert emitted["node_cpu_seconds_total"] == {"cpu", "mode"}
    assert emitted["machine_cpu_cores"] == {"boot_id", "machine_id", "system_uuid"}
    assert "node_memory_MemAvailable_bytes" in emitted
