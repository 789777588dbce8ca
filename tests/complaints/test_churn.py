"""Pods that come and go, also under the same name: all of their lines arrive, and nothing of them stays behind."""
import shutil

from node import expect_balance, memory_mib
from scale import scale
from waiting import eventually


def live_and_die(log_of, name, number, namespace="default"):
    log = log_of(name, namespace=namespace)
    log.line(f"{name} {number}")
    return log


def bury(logs):
    for log in logs:
        log.close()
        shutil.rmtree(log.path.parents[1])
        log.close = lambda: None


def series(agent):
    return sum(not line.startswith("#") for line in agent.get("/metrics").text.splitlines())


def test_pods_that_come_and_go_leave_nothing_behind(agent, archive, log_of):
    """Not a series, a watch, a descriptor, a held file, nor memory, whatever their names and namespaces."""
    rounds, pods = scale(4, 1000), 100
    archive.configure(limits={"namespaces_max": 10})
    agent.start()
    after_first = None
    for round_ in range(rounds):
        logs = [live_and_die(log_of, f"pod-{round_}-{number}", number, f"space-{round_}-{number % 10}")
                for number in range(pods)]
        eventually(lambda n=(round_ + 1) * pods: (agent.metric("hinomi_route_records_total", outcome="acknowledged")
                                                  or 0) >= n, scale(20, 180), agent.log)
        bury(logs)
        eventually(lambda: agent.metric("hinomi_logs") == 0, scale(20, 180), agent.log)
        if round_ == 1:
            after_first = series(agent), memory_mib(agent.process.pid)
    assert len(archive.documents()) == rounds * pods
    assert series(agent) <= after_first[0]
    assert memory_mib(agent.process.pid) < after_first[1] + 8
    # The two roots, and what the agent writes of itself.
    eventually(lambda: agent.metric("hinomi_watches") <= 4, 10, lambda: f"{agent.metric('hinomi_watches')} watches")
    eventually(lambda: agent.metric("hinomi_segments_open") <= 1, 10, agent.log)
    assert agent.metric("hinomi_escrow_files") == 0
    assert not list((agent.directory / "escrow").iterdir()), "not even the directories that links lay in"
    log_of("last").line("and the next checkpoint knows nothing of them")
    eventually(lambda: agent.metric("hinomi_checkpoint_bytes") < 2500, 10,
               lambda: f"{agent.metric('hinomi_checkpoint_bytes')} bytes of checkpoint")
    assert expect_balance(agent)["lost"] == 0


def test_a_pod_name_that_is_used_again(agent, archive, log_of):
    """As a StatefulSet's is: under a new UID it is another pod, also when both are there for a moment."""
    archive.configure()
    agent.start()
    before, written = [], []
    for number in range(scale(12, 5000)):
        log = live_and_die(log_of, "store-0", number)
        written.append(f"store-0 {number}")
        if number % 3 == 1:  # else both are there
            bury(before)
            before = []
        before.append(log)
        archive.arrives("store-0", written, 10)
    uids = {document["kubernetes"]["pod"]["uid"] for document in archive.documents("store-0")}
    assert len(uids) == len(written)
    assert expect_balance(agent)["lost"] == 0
