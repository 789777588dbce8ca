"""SIGTERM: what was read is delivered, and the agent is gone in time whatever its sink does."""
import itertools
import time

import fault_server as fault
from waiting import eventually


def test_lines_just_written_are_delivered(agent, log_of, elasticsearch, index):
    logs = [log_of(f"pod-{i}") for i in range(10)]
    # A linger that alone would keep them for longer than the test looks.
    agent.configure({"endpoints": [elasticsearch.url], "index": index, "linger": "30s"})
    agent.start()
    for log in logs:
        for i in range(100):
            log.line(f"line {i}")
    assert agent.stop(11) == 0
    assert elasticsearch.count(index) == 1000


def test_a_dead_sink_does_not_keep_it(agent, log_of, fault_server):
    fault_server.faults = itertools.repeat(fault.silence)
    log = log_of("pod")
    log.line("nobody takes it")
    agent.configure({"endpoints": [fault_server.url]})
    agent.start()
    eventually(lambda: len(fault_server.times) > 1, 10, "the agent sends nothing")
    began = time.monotonic()
    assert agent.stop(11) == 0
    assert time.monotonic() - began < 11

    # Not delivered is not lost.
    fault_server.faults = iter(())
    agent.start()
    eventually(lambda: fault_server.messages() == ["nobody takes it"], 10, lambda: agent.log())


def test_two_agents_do_not_share_a_state_directory(agent, directory, log_of, fault_server):
    """The second waits, unready, and takes over when the first is gone."""
    from agent import Agent
    agent.configure({"endpoints": [fault_server.url]})
    agent.start()
    (directory / "second").mkdir()
    second = Agent(directory / "second")
    second.state, second.pods = agent.state, agent.pods
    second.configure({"endpoints": [fault_server.url]})
    try:
        second.launch()
        assert not second.ready().ok
        assert agent.stop() == 0
        eventually(lambda: second.ready().ok, 10, lambda: second.log())
        log_of("pod").line("to the second")
        eventually(lambda: fault_server.messages() == ["to the second"], 10, lambda: second.log())
        assert second.stop() == 0
    finally:
        second.kill()
