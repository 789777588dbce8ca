"""What a real kubelet does to the logs of its pods, while the agent is well, killed, or waiting for its sink: each line
is in the archive once, in order."""
import fcntl
import os
import time

from waiting import eventually

IMAGE = "hinomi.test/busybox:1"
LABELS = {"app": "numbers", "team": "lookout"}
PAD = "x" * 200


def writes(lines, per_second=None, word="line"):
    """A command that prints so many numbered lines."""
    pause = f'if (i % {per_second // 10} == 0) {{ fflush(); system("sleep 0.1") }}' if per_second else ""
    return f"""awk 'BEGIN {{ for (i = 1; i <= {lines}; ++i) {{ print "{word}", i, "{PAD}"; {pause} }} }}'"""


def numbered(lines, word="line"):
    """What it prints."""
    return [f"{word} {i} {PAD}" for i in range(1, lines + 1)]


def template(script, restart="Never", volumes=(), **container):
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in volumes]
    return {
        "metadata": {"labels": LABELS},
        "spec": {
            "restartPolicy": restart, "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": name, "emptyDir": {}} for name in volumes],
            "containers": [{"name": "main", "image": IMAGE, "command": ["sh", "-c", script],
                            "volumeMounts": mounts, **container}],
        },
    }


def pod(name, script, **options):
    made = template(script, **options)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **made["metadata"]}, "spec": made["spec"]}


def shorten(lines):
    return [line[:20] for line in lines[:3]]


def difference(found, wanted):
    """A few words about it, or nothing."""
    if found == wanted:
        return ""
    missing = len(set(wanted) - set(found))
    at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    return (f"{len(found)} lines instead of {len(wanted)}, {missing} lost, {len(found) - len(set(found))} doubled; "
            f"the first difference at {at}: {shorten(found[at:])} instead of {shorten(wanted[at:])}")


def hold(agent):
    """The agent's sink is down until what this returns is closed: somebody else has its directory."""
    agent.archive.mkdir(exist_ok=True)
    directory = os.open(agent.archive, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    return directory


def unenriched(documents):
    """Those that do not say who is behind them."""
    return [document for document in documents
            if not LABELS.items() <= document["kubernetes"].get("labels", {}).items()
            or not document["container"].get("id") or document["container"]["image"]["name"] != IMAGE]


def arrive(agent, wanted, seconds, key=None):
    """Waits for the lines of these pods; then there are no others, each pod's are in order, and all are enriched."""
    def found(name):
        return sorted(agent.messages(name), key=key) if key else agent.messages(name)
    eventually(lambda: all(len(found(name)) >= len(lines) for name, lines in wanted.items()), seconds,
               lambda: {name: difference(found(name), lines) for name, lines in wanted.items()})
    assert agent.stop() == 0
    for name, lines in wanted.items():
        assert not difference(found(name), lines), name
        assert not unenriched(agent.documents(name))[:1], name


def test_logs_that_are_rotated_while_the_agent_is_down(cluster, node_agent):
    names, lines, per_second = ["chatty-1", "chatty-2"], 32000, 900
    rotated = {name: set() for name in names}

    def rotations():
        """Of the pod with the fewest."""
        for name, files in rotated.items():
            files.update(file.removesuffix(".gz") for file in cluster.log_files(name) if file != "0.log")
        return min(map(len, rotated.values()))
    node_agent.start()
    cluster.create(*[pod(name, writes(lines, per_second)) for name in names])
    eventually(lambda: rotations() > 0, 40, "the kubelet does not rotate")
    # At the second one that the agent misses, the file that it was reading is compressed; the third removes it.
    for missed in (1, 2):
        node_agent.kill()
        before = rotations()
        eventually(lambda: rotations() >= before + missed, 40, "the kubelet does not rotate")
        node_agent.start()
        eventually(lambda: node_agent.metric("hinomi_route_pending_bytes") < 100_000, 20, node_agent.log)
    eventually(lambda: rotations() and all(cluster.status(name)["phase"] == "Succeeded" for name in names), 80,
               "the pods do not end")
    assert rotations() >= 5
    arrive(node_agent, {name: numbered(lines) for name in names}, 30)


def test_every_incarnation_of_a_crash_loop(cluster, node_agent):
    incarnations, lines = 7, 300
    script = f"""n=1; [ ! -e /data/n ] || n=$(cat /data/n); echo $((n + 1)) > /data/n
                 {writes(lines, word="'$n'")}; [ $n -lt {incarnations} ] || exec sleep 1d; exit 1"""
    node_agent.start()
    cluster.create(pod("crashing", script, restart="Always", volumes=["data"]))
    eventually(lambda: cluster.container("crashing")["restartCount"] == incarnations - 1, 90,
               lambda: cluster.status("crashing"))
    wanted = [line for n in range(1, incarnations + 1) for line in numbered(lines, n)]
    died, told = node_agent.ends("crashing", incarnations - 1)
    arrive(node_agent, {"crashing": wanted}, 20, key=lambda message: int(message.split()[0]))
    assert [event["restart"] for event in died] == list(range(incarnations - 1)), told
    for event in died:
        said = numbered(lines, event["restart"] + 1)
        assert event["exit_code"] == 1 and event["last_lines"][1:] == said[-19:]
        assert len(event["last_lines"]) == 20 and said[-20].endswith(event["last_lines"][0])  # they fill 4 KiB
    assert told.count("ended with exit code 1 (Error)") == incarnations - 1 and f"    | {wanted[-lines - 1]}\n" in told


def test_the_last_lines_of_a_container_out_of_memory(cluster, node_agent):
    lines = 2000
    node_agent.start()
    cluster.create(pod("hungry", writes(lines) + "; exec tail /dev/zero", resources={"limits": {"memory": "24Mi"}}))
    eventually(lambda: cluster.container("hungry")["state"].get("terminated", {}).get("reason") == "OOMKilled", 60,
               lambda: cluster.status("hungry"))
    died, told = node_agent.ends("hungry")
    arrive(node_agent, {"hungry": numbered(lines)}, 20)
    assert len(died) == 1 and died[0]["exit_code"] == 137 and died[0]["reason"] == "OOMKilled"
    assert died[0]["last_lines"][-1] == numbered(lines)[-1] and "exit code 137 (OOMKilled)" in told


def test_pods_that_are_deleted_and_evicted_before_they_are_read(cluster, node_agent):
    lines = 15000
    node_agent.configure(limits={"in_flight_bytes_max": "2MiB"})
    held = hold(node_agent)
    node_agent.start()
    script = writes(lines) + "; exec sleep 1d"
    limited = {"limits": {"ephemeral-storage": "1Mi"}}
    cluster.create(pod("deleted", script), pod("evicted", script, resources=limited))
    eventually(lambda: (node_agent.metric("hinomi_route_pending_bytes") or 0) > 2 * lines * len(PAD), 60,
               "the agent does not see the lines")
    cluster.delete("deleted")
    eventually(lambda: cluster.status("evicted").get("reason") == "Evicted", 60, lambda: cluster.status("evicted"))
    eventually(lambda: not cluster.log_files("deleted") and not cluster.log_files("evicted"), 90,
               lambda: cluster.log_files("*"))
    assert not node_agent.documents("*")
    os.close(held)
    arrive(node_agent, {name: numbered(lines) for name in ("deleted", "evicted")}, 60)


def test_a_job_of_a_moment(cluster, node_agent):
    lines = 100
    node_agent.start()
    cluster.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "moment"}, "spec": {
        "ttlSecondsAfterFinished": 0, "template": template(writes(lines) + "; sleep 0.3")}})
    eventually(lambda: cluster.log_files("moment-*"), 60, "the job does not start")
    began = time.monotonic()
    arrive(node_agent, {"moment-*": numbered(lines)}, 10)
    print(f"a job's lines took {time.monotonic() - began:.1f} s")


def test_a_pod_that_is_deleted_while_the_agent_is_down(cluster, node_agent):
    lines = 10000
    node_agent.configure(limits={"in_flight_bytes_max": "2MiB"})
    held = hold(node_agent)
    node_agent.start()
    cluster.create(pod("orphan", writes(lines) + "; exec sleep 1d"))
    eventually(lambda: (node_agent.metric("hinomi_route_pending_bytes") or 0) > lines * len(PAD), 60,
               "the agent does not see the lines")
    node_agent.kill()
    cluster.delete("orphan")
    eventually(lambda: not cluster.log_files("orphan"), 60, "the kubelet keeps the log")
    os.close(held)
    node_agent.start()
    arrive(node_agent, {"orphan": numbered(lines)}, 30)
