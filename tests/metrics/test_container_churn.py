"""Real containers that come and go, many of them: nothing of them is lost, and nothing of them stays."""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil

from scale import scale
from waiting import eventually

AT_ONCE = 20
NAMESPACE = "churn"
TOLD_KIB = 8  # of each container that has ended, a thousand at most: its event, for hinomi timeline


def counts(descriptor):
    try:
        return "/events/" not in os.readlink(descriptor)  # one is open for each event that is kept
    except FileNotFoundError:
        return False  # it was closed meanwhile


def kept(agent):
    """What the agent has of the kernel, and how many series it serves, when it knows that no container is left."""
    eventually(lambda: agent.metric("hinomi_node_containers") == 0, 20, agent.log)
    process = pathlib.Path(f"/proc/{agent.process.pid}")
    resident = int(re.search(r"^VmRSS:\s+(\d+)", (process / "status").read_text(), re.MULTILINE)[1])
    text = agent.get("/metrics/cadvisor").text
    return {"descriptors": sum(map(counts, (process / "fd").iterdir())), "resident KiB": resident,
            # A device has rows from the node's first byte on it.
            "series": sum(not line.startswith("#") and "device=" not in line for line in text.splitlines())}


def wave(pods, agent, number):
    """So many pods come, are seen, end, are told of, and go; returns the exit codes by container."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = [f"pod-{number}-{i}" for i in range(AT_ONCE)]
        codes = dict(zip(pool.map(lambda name: pods.run(name, namespace=NAMESPACE), names), range(AT_ONCE)))
        text = agent.get("/metrics/cadvisor").text
        assert not [identity for identity in codes if identity not in text]
        list(pool.map(lambda identity: pods.end(identity, codes[identity]), codes))
        eventually(lambda: len(pods.ends(*codes)) >= AT_ONCE, 30,
                   lambda: f"{len(pods.ends(*codes))} of {AT_ONCE}\n{agent.log()[-5000:]}")

        def bury(identity):
            uid = pods.remove(identity)
            text = agent.get("/metrics/cadvisor").text
            assert identity not in text and uid not in text
            shutil.rmtree(next(agent.pods.glob(f"*_{uid}")))
        list(pool.map(bury, codes))
    return codes


def test_containers_that_come_and_go_leave_nothing_behind(agent, pods):
    agent.spare_memory()
    pods.start()
    codes = wave(pods, agent, 0)
    before = kept(agent)
    for number in range(1, 1 + scale(2, 19)):
        codes.update(wave(pods, agent, number))
    after = kept(agent)
    print(f"{len(codes)} containers: {before} before, {after} after")
    assert after["series"] == before["series"]
    assert "/kubepods/" not in agent.get("/metrics/cadvisor").text
    assert abs(after["descriptors"] - before["descriptors"]) <= before["descriptors"] / 20
    told_kib = TOLD_KIB * (len(codes) - AT_ONCE)
    assert abs(after["resident KiB"] - before["resident KiB"] - told_kib) <= before["resident KiB"] / 20
    ends = pods.ends(*codes)
    told = {event["container"]["id"]: event["hinomi"]["event"] for event in ends}
    assert {identity: event["exit_code"] for identity, event in told.items()} == codes
    assert all((event["action"] == "container-completed") == (event["exit_code"] == 0) for event in told.values())
    assert set(collections.Counter(event["container"]["id"] for event in ends).values()) == {1}
    assert agent.metric("hinomi_containers_started_total", namespace=NAMESPACE) == len(codes)
