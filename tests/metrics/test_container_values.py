"""/metrics/cadvisor against the kernel's own files, for real containers."""
import os
import pathlib

from agent import LABEL, SAMPLE
from kernel_files import expect_within, values
from waiting import eventually

SCRIPTS = {
    "throttled": ("while true; do :; done",
                  {"cpu_period": 100000, "cpu_quota": 20000, "memory_limit_in_bytes": 64 << 20}),
    "caching": ("head -c 30000000 /dev/zero > /file; mkfifo /end; read code < /end", {"cpu_shares": 300}),
    "filling": ("x=$(head -c 8000000 /dev/zero | tr '\\0' x); mkfifo /end; read code < /end", {}),
    "many": ("for i in 1 2 3 4; do sleep 1000 & done; wait", {"memory_limit_in_bytes": 32 << 20}),
}


def of(text, identity):
    """Values by name, of those rows of the container that have no further labels."""
    rows = (SAMPLE.match(line) for line in text.splitlines() if f'/{identity}"' in line)
    own = {"container", "id", "image", "name", "namespace", "pod", "cpu"}
    return {row["name"]: float(row["value"]) for row in rows if dict(LABEL.findall(row["labels"])).keys() <= own}


def read_of(groups):
    """Reads a file of these cgroups, by controller."""
    def read(path):
        controller, _, name = path.rpartition("/")
        return (groups[controller] / name).read_text() if controller in groups else (groups[""] / name).read_text()
    return read


def descriptors(processes):
    """What each open descriptor of these is."""
    return [os.readlink(descriptor) for process in processes for descriptor in pathlib.Path(f"/proc/{process}/fd").iterdir()]


def test_values_are_the_kernels(agent, pods):
    pods.start(include=[".*"])
    containers = {name: pods.run(name, script, **resources) for name, (script, resources) in SCRIPTS.items()}
    reads = {name: read_of(pods.of(identity)) for name, identity in containers.items()}
    eventually(lambda: values(reads["throttled"])["container_cpu_cfs_throttled_periods_total"] >= 5, 20, "no load")
    eventually(lambda: values(reads["caching"])["container_memory_cache"] >= 30e6, 20, "no page cache")
    eventually(lambda: values(reads["filling"])["container_memory_rss"] >= 8e6, 20, "no memory of its own")
    eventually(lambda: values(reads["many"])["container_processes"] == 5, 20, "no processes")
    before = {name: values(read) for name, read in reads.items()}
    text = agent.get("/metrics/cadvisor").text
    after = {name: values(read) for name, read in reads.items()}
    for name, identity in containers.items():
        expect_within(before[name], of(text, identity), after[name])
    assert before["throttled"]["container_spec_cpu_quota"] == 20000
    assert before["throttled"]["container_spec_memory_limit_bytes"] == 64 << 20
    assert before["many"]["container_spec_memory_limit_bytes"] == 32 << 20
    # Of processes that neither come nor go.
    processes = next(iter(pods.of(containers["many"]).values())) / "cgroup.procs"
    wanted = descriptors(processes.read_text().split())
    many = of(text, containers["many"])
    assert many["container_file_descriptors"] == len(wanted) > 10
    assert many["container_sockets"] == sum(what.startswith("socket:") for what in wanted)
