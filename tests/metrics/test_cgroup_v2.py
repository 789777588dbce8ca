"""/metrics/cadvisor on a kernel that has cgroup v2 alone, which the machine's need not: Debian's User Mode Linux."""
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from agent import ROOT
from kernel_files import counts, expect_within, values
from test_container_values import of

INIT = pathlib.Path(__file__).with_name("cgroup_v2_init.py")
REGISTERS = INIT.with_name("uml_registers.c")
BINARY = ROOT / "build/release/hinomi"  # such a kernel's addresses do not suffice for a sanitizer
SECONDS_MAX = 100
CONTAINERS = ("throttled", "killed", "writing", "many")


@pytest.fixture
def told(directory):
    """What the kernel and the agent said in there."""
    config = {"node": "node-1", "state_dir": "/run/hinomi", "http": {"listen": "127.0.0.1:9000"},
              "escrow": {"directory": ""}, "sources": {"kubernetes": {}}, "metadata": {"enabled": False},
              "metrics": {"include": [".*"]}, "sinks": {"files": {"type": "archive", "directory": "/run/archive"}},
              "routes": [{"name": "all", "sink": "files"}]}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    with open(directory / "disk", "wb") as disk:
        disk.truncate(16 << 20)
    kernel = ["linux.uml", "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
              f"ubd0={directory}/disk", f"uml_dir={directory}", "con=null", "con0=null,fd:1",
              f"init={INIT}", f"state={directory}", f"agent={BINARY}"]
    registers = directory / "registers.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O", "-Wall", "-Werror", REGISTERS, "-o", registers], check=True, timeout=30)
    with open(directory / "console", "wb") as console:
        # Its processes are children that it traces: in a namespace of their own all end with it.
        subprocess.run(["unshare", "--pid", "--fork", "--kill-child=KILL", *kernel], stdin=subprocess.DEVNULL,
                       stdout=console, stderr=console, timeout=SECONDS_MAX, check=False,
                       env={**os.environ, "TMPDIR": "/dev/shm", "LD_PRELOAD": str(registers)})
    for name in ("console", "agent.log", "error"):
        if (directory / name).exists():
            print(f"--- {name}\n{(directory / name).read_text(errors='replace')[-5000:]}")
    assert not (directory / "error").exists()
    return json.loads((directory / "result.json").read_text())


def disk_rows(text, group):
    rows = re.findall(rf'^(container_fs_\w+)\{{[^}}]*id="/{re.escape(group)}"[^}}]*device="/dev/ubda"\}} (\S+)$', text,
                      re.MULTILINE)
    return {name: int(float(value)) for name, value in rows}


def disk_counts(stat):
    device = dict(word.split("=") for word in re.search(r"^98:0 (.*)$", stat, re.MULTILINE)[1].split())
    names = {"rbytes": "reads_bytes", "wbytes": "writes_bytes", "rios": "reads", "wios": "writes"}
    return {f"container_fs_{metric}_total": int(device[word]) for word, metric in names.items()}


def test_values_are_the_kernels(told):
    groups, text = dict(zip(CONTAINERS, told["before"])), told["text"]
    assert len(groups) == len(told["before"])
    before, after = ({name: told[when][group] for name, group in groups.items()} for when in ("before", "after"))
    scraped = {name: of(text, group.rpartition("/")[2]) for name, group in groups.items()}
    for name, group in groups.items():
        expect_within(values(before[name].__getitem__), scraped[name], values(after[name].__getitem__))
        assert re.search(rf'^container_processes\{{container="main",id="/{group}",.*pod="{name}"\}}', text, re.M)
    assert scraped["throttled"]["container_cpu_cfs_throttled_periods_total"] >= 10
    kills = {name: counts(files["memory.events"])["oom_kill"] for name, files in before.items()}
    assert kills["killed"] >= 1
    assert {name: rows["container_oom_events_total"] for name, rows in scraped.items()} == kills
    disk = disk_rows(text, groups["writing"])
    assert disk == disk_counts(before["writing"]["io.stat"])
    assert (disk["container_fs_writes_bytes_total"], disk["container_fs_reads_bytes_total"]) == (4 << 20, 2 << 20)
