"""Nodes that lack something: the agent ships lines all the same, and /readyz says what is missing."""
import pytest

from waiting import eventually

IN_ITS_OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]


def configure(agent, **changes):
    """The node's root is the test's directory."""
    agent.pods = agent.directory / "var/log/pods"
    agent.pods.mkdir(parents=True)
    agent.configure({}, **{
        "host_root": str(agent.directory), "sources": {"kubernetes": {"pods_dir": "/var/log/pods"}},
        "escrow": {"directory": "/var/log/hinomi/escrow", "free_percent_min": 0},
        "sinks": {"screen": {"type": "stdout"}}, "routes": [{"sink": "screen"}], **changes})


def ships(agent, log):
    log.line("all the same")
    agent.start()
    eventually(lambda: '"all the same"' in agent.log(), 20, agent.log)
    assert agent.ready().ok


def test_without_a_container_runtime(agent, log_of):
    configure(agent)
    ships(agent, log_of("pod"))
    eventually(lambda: "\nruntime: " in agent.ready().text, 10, lambda: agent.ready().text)
    assert (f'\nruntime: cannot find the socket of a container runtime below "{agent.directory}": none of the known ones '
            "is there; mount it, or name it in metadata.cri_socket; documents have no labels from it\n") in agent.ready().text
    assert agent.metric("hinomi_metadata_source_up", source="runtime") == 0


@pytest.mark.parametrize("mount, why", [
    ('mount --bind "$0/var/log/pods" "$0/var/log/pods"', "mount what contains both as one"),
    ('mount --bind "$0/var/log" "$0/var/log" && mount -o remount,bind,ro "$0/var/log"', "Read-only file system"),
], ids=["logs on a disk of their own", "read-only logs"])
def test_without_an_escrow(agent, log_of, mount, why):
    configure(agent, metadata={"enabled": False})
    agent.command = [*IN_ITS_OWN_MOUNTS, f'{mount} && exec "$@"', str(agent.directory), *agent.command]
    ships(agent, log_of("pod"))
    text = agent.ready().text
    assert "\nescrow: " in text and why in text, text
    assert "held by their descriptors, until a restart" in text
    assert agent.metric("hinomi_escrow_up") == 0
