"""The kernel drops events, or gives no more watches: the agent says so, looks for itself, and loses nothing."""
import re

import pytest

from node import expect_balance, stopped
from scale import scale
from waiting import eventually

QUEUE = int(open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii").read())


def test_events_that_the_kernel_dropped(agent, archive, log_of):
    """More than it keeps for a reader that stands still; a pod that came when it no longer told is found."""
    noisy = [log_of("noisy-0"), log_of("noisy-1")]
    archive.configure()
    agent.start()
    written = {log.pod: [] for log in noisy}
    with stopped(agent):
        for number in range(QUEUE // 2 + 4000):  # events in turn are not taken together
            for log in noisy:
                written[log.pod].append(f"line {number}")
                log.line(written[log.pod][-1])
        unseen = log_of("unseen")
        unseen.line("nobody told")
    archive.arrives("unseen", ["nobody told"], 5)
    for log in noisy:
        archive.arrives(log.pod, written[log.pod], 30)
    assert agent.metric("hinomi_watch_overflows_total") >= 1
    assert expect_balance(agent)["lost"] == 0


@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_no_watches_left(agent, archive, log_of, limit):
    """In a user namespace of its own, which has limits of its own."""
    agent.command = ["unshare", "--user", "--map-root-user", "sh", "-c",
                     f'echo {5 if limit.endswith("watches") else 0} > /proc/sys/user/{limit} && exec "$@"', "sh",
                     *agent.command]
    logs = [log_of(f"pod-{number}") for number in range(scale(20, 2000))]
    archive.configure()
    agent.start()
    for round_ in range(3):
        for log in logs:
            log.line(f"line {round_}")
        if round_ == 1:
            for log in logs:
                log.rotate()
        wanted = len(logs) * (round_ + 1)
        eventually(lambda n=wanted: len(archive.documents()) >= n, scale(6, 60),
                   lambda n=wanted: f"{len(archive.documents())} of {n}\n{agent.log()}")
    late = log_of("late")
    late.line("came when no watch was left")
    archive.arrives("late", ["came when no watch was left"], 5)
    for log in logs:
        archive.arrives(log.pod, [f"line {round_}" for round_ in range(3)])
    assert agent.metric("hinomi_watch_degraded") >= 1  # sources
    assert expect_balance(agent)["lost"] == 0
    assert agent.process.poll() is None
    assert re.search('cannot watch ".*looked at once a second|cannot start "inotify".*polled', agent.log()), agent.log()
