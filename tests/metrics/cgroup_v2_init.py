#!/usr/bin/python3
"""The first process of a kernel of its own, which has cgroup v2 alone: makes cgroups as the kubelet and runc name them,
runs load in them and the agent beside them, and writes what the kernel and the agent say of them to $state/result.json.
The root is the machine's own, read-only; $state alone is written. $agent is the agent's binary."""
import ctypes
import json
import os
import pathlib
import re
import subprocess
import time
import traceback
import urllib.request

STATE = pathlib.Path(os.environ["state"])
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PODS = "kubepods.slice/kubepods-burstable.slice"
DISK = "/dev/ubda"
POWER_OFF = 0x4321FEDC
# What each container does, and its settings.
CONTAINERS = {
    "throttled": ("while :; do :; done", {"cpu.max": "20000 100000", "cpu.weight": "50"}),
    "killed": ("head -c 60000000 /dev/zero | tail > /run/tail; echo > /run/killed; exec sleep 1000",
               {"memory.max": str(16 << 20)}),
    "writing": (f"dd if=/dev/zero of={DISK} bs=1M count=4 oflag=direct; "
                f"dd if={DISK} of=/dev/null bs=1M count=2 iflag=direct; "
                "head -c 5000000 /dev/zero > /run/cached; echo > /run/written; exec sleep 1000",
                {"memory.low": str(1 << 20)}),
    "many": ("sleep 1000 & sleep 1000 & exec sleep 1000", {"pids.max": "7"}),
}


def mount(kind, at, options="rw"):
    subprocess.run(["mount", "-t", kind, "-o", options, "none", at], check=True)


def delegate(group):
    (group / "cgroup.subtree_control").write_text("+cpu +io +memory +pids")


def start(number, name):
    """A container in a pod; its cgroup."""
    script, settings = CONTAINERS[name]
    uid, identity = f"0000000{number}-0000-4000-8000-000000000000", f"{number}" * 64
    pod = CGROUPS / PODS / f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"
    group = pod / f"cri-containerd-{identity}.scope"
    pod.mkdir()
    delegate(pod)
    group.mkdir()
    for file, value in settings.items():
        (group / file).write_text(value)
    pathlib.Path(f"/var/log/pods/default_{name}_{uid}/main").mkdir(parents=True)
    pathlib.Path(f"/var/log/containers/{name}_default_main-{identity}.log").touch()
    subprocess.Popen(["sh", "-c", f"echo 0 > {group}/cgroup.procs; {script}"])
    return group


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:9000{path}", timeout=10) as answer:
        return answer.read().decode()


def answers():
    try:
        return get("/metrics/cadvisor")
    except OSError:
        return None


def files(groups):
    """{cgroup: {file: text}}"""
    return {str(group.relative_to(CGROUPS)): {file.name: file.read_text() for file in group.iterdir()
                                              if file.stat().st_mode & 0o444}
            for group in groups}


def main():
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("tmpfs", "/run")
    mount("tmpfs", "/var/log")
    mount("hostfs", str(STATE), str(STATE))
    mount("cgroup2", str(CGROUPS))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/var/log/containers").mkdir()
    for group in (CGROUPS, CGROUPS / "kubepods.slice", CGROUPS / PODS):
        group.mkdir(exist_ok=True)
        delegate(group)
    groups = [start(number, name) for number, name in enumerate(CONTAINERS, 1)]
    with open(STATE / "agent.log", "wb") as log:
        subprocess.Popen([os.environ["agent"], "run", "--config", STATE / "config.yaml"], stdout=log, stderr=log)
    until(answers)
    until(lambda: pathlib.Path("/run/killed").exists() and pathlib.Path("/run/written").exists())
    until(lambda: re.search(r"^nr_throttled \d\d", (groups[0] / "cpu.stat").read_text(), re.MULTILINE))
    before = files(groups)
    text = get("/metrics/cadvisor")
    (STATE / "result.json").write_text(json.dumps({"before": before, "text": text, "after": files(groups)}))


try:
    main()
except BaseException:
    (STATE / "error").write_text(traceback.format_exc())
finally:
    ctypes.CDLL(None).reboot(POWER_OFF)
