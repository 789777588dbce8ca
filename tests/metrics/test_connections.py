"""hinomi_tcp_connections against the real kernel: two processes in a network namespace of their own, which the cgroups of a
node made of files name as a pod's."""
import subprocess

import pytest

from hosts import read, write
from test_golden import checked
from waiting import eventually

PORT, ADDRESS, ADDRESS6 = 3306, "10.11.12.13", "fd00::13"
SANDBOX, CONTAINER = "865eb9dc", "823ea220"  # as the ids of the files begin
# Each says that it is ready, and then keeps what it has until it is ended.
LISTENER = f"""
import socket, time
server = socket.create_server(("::", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
connections = []
while True:
    connections.append(server.accept())
"""
CLIENT = f"""
import socket, time
hosts = ["{ADDRESS}"] * 3 + ["{ADDRESS6}"] + ["127.0.0.1", "::1"]
connections = [socket.create_connection((host, {PORT}), 10) for host in hosts]
print("ready", flush=True)
time.sleep(600)
"""
# Addresses that are not those of loopback, on the one interface that every kernel has.
NETWORK = f"""
ip link set lo up && ip address add {ADDRESS}/32 dev lo && ip -6 address add {ADDRESS6}/128 dev lo nodad && exec "$@"
"""


@pytest.fixture
def started():
    """Starts a process and waits until it is ready. All end with the test."""
    processes = []

    def start(*command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process
    yield start
    for process in processes:
        process.kill()
        process.wait(10)
        process.stdout.close()


def start_on(agent, processes, metrics):
    """The agent on a node whose one pod has these processes, by the beginning of the container's id."""
    root = agent.directory / "host"
    files = {path: text for path, text in read("kubernetes_v2").items() if not path.startswith("/proc/")}
    for path in files:
        for identity, process in processes.items():
            if f"/{identity}" in path and path.endswith("/cgroup.procs"):
                files[path] = f"{process.pid}\n"
    write(files, root)
    # What these processes are doing only the machine's own kernel knows.
    (root / "proc").symlink_to("/proc")
    agent.configure({}, host_root=str(root), escrow={"directory": ""}, metadata={"enabled": False}, metrics=metrics,
                    sources={"kubernetes": {"pods_dir": "/var/log/pods"}},
                    sinks={"files": {"type": "archive", "directory": str(agent.directory / "archive")}},
                    routes=[{"name": "all", "sink": "files"}])
    agent.launch()
    eventually(lambda: agent.get("/metrics/cadvisor").ok, 10, lambda: agent.log())


def rows(agent):
    return [line for line in checked(agent.get("/metrics/cadvisor").text).splitlines()
            if line.startswith("hinomi_tcp_connections{")]


def row(value, port=PORT, group="mysql", state="established"):
    return (f'hinomi_tcp_connections{{namespace="default",workload="hello",remote_port="{port}",remote_group="{group}",'
            f'state="{state}"}} {value}')


def test_connections_of_a_pod(agent, started):
    listener = started("unshare", "--net", "sh", "-c", NETWORK, "sh", "python3", "-c", LISTENER)
    client = started("nsenter", f"--net=/proc/{listener.pid}/ns/net", "python3", "-c", CLIENT)
    groups = [{"name": "mysql", "ports": ["3300-3310", 33060]}, {"name": "other", "ports": [PORT]}]
    start_on(agent, {SANDBOX: listener, CONTAINER: client}, {"include": ["tcp"], "tcp_groups": groups})
    # Neither what the listener has accepted, nor what goes to the namespace's own loopback; and the sandbox's namespace
    # is read once, though its container has a process there too.
    assert rows(agent) == [row(4)]
    assert agent.metric("hinomi_tcp_connections_truncated_total") == 0
    client.kill()
    client.wait(10)
    eventually(lambda: rows(agent) == [row(4, state="fin_wait2")], 10, lambda: rows(agent))
    listener.kill()
    listener.wait(10)
    assert rows(agent) == []


def test_they_have_to_be_asked_for(agent, started):
    listener = started("unshare", "--net", "sh", "-c", NETWORK, "sh", "python3", "-c", LISTENER)
    start_on(agent, {SANDBOX: listener}, {})
    assert rows(agent) == []
    assert agent.metric("hinomi_tcp_connections_truncated_total") is None
