"""Fixtures of the tests with an agent and real parts. The servers that the chosen tests ask for are started together,
once (by each process, where several share the tests); tests keep apart by the index they write to."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import pytest

import services
from agent import ROOT, Agent
from fault_server import FaultServer
from kafka import Kafka
from kubelet import Log
from search import Search
from waiting import eventually

SERVERS = {
    "elasticsearch_server": lambda directory: services.Server("elasticsearch", directory),
    "older_elasticsearch_server": lambda directory: services.Server("elasticsearch", directory,
                                                                    ELASTICSEARCH_VERSION="7.17.29"),
    "newer_elasticsearch_server": lambda directory: services.Server("elasticsearch", directory,
                                                                    ELASTICSEARCH_VERSION="9.2.0"),
    "secured_elasticsearch_server": lambda directory: services.Server("elasticsearch", directory, SECURE="1"),
    "opensearch_server": lambda directory: services.Server("opensearch", directory),
    "newer_opensearch_server": lambda directory: services.Server("opensearch", directory, OPENSEARCH_VERSION="3.6.0"),
    "kafka_broker": services.Broker,
    "old_kafka_broker": lambda directory: services.Broker(directory, KAFKA_VERSION="3.9.2"),
    "kafka_cluster": services.BrokerCluster,
    "collector": services.Collector,
    "prometheus": services.Prometheus,
    "container_runtime": services.ContainerRuntime,
    "docker_runtime": lambda directory: services.ContainerRuntime(directory, "docker"),
}


@pytest.fixture(scope="session")
def servers(request):
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
        started = {}

        def start(name):
            if name not in started:
                started[name] = SERVERS[name](pathlib.Path(directory, name))
            return started[name]
        # One of several test processes does not know yet which tests it will get.
        if not hasattr(request.config, "workerinput"):
            asked_for = {name for item in request.session.items for name in item.fixturenames}
            for name in SERVERS:
                if asked_for & {name, name.removesuffix("_server")}:
                    start(name)
        yield start
        for server in started.values():
            server.stop()


def _server_fixture(name):
    @pytest.fixture(scope="session", name=name)
    def fixture(servers):
        return servers(name).ready()
    return fixture


for _name in SERVERS:
    globals()[_name] = _server_fixture(_name)


def _search_fixture(name):
    @pytest.fixture(scope="session", name=name)
    def fixture(request):
        return Search(request.getfixturevalue(f"{name}_server").url)
    return fixture


for _name in ("elasticsearch", "older_elasticsearch", "newer_elasticsearch", "opensearch", "newer_opensearch"):
    globals()[_name] = _search_fixture(_name)


@pytest.fixture(scope="session")
def secured_elasticsearch(secured_elasticsearch_server):
    server = secured_elasticsearch_server
    return Search(f"https://localhost:{server.port}", services.USER, str(server.directory / "config/ca.crt"))


@pytest.fixture(scope="session")
def kafka(kafka_broker):
    return Kafka(kafka_broker.address)


@pytest.fixture(scope="session")
def server_script():
    """script/server, which builds the agent that it runs: here, so that no test waits for that."""
    subprocess.run([ROOT / "script/build", "release"], check=True, timeout=600)
    return ROOT / "script/server"


@pytest.fixture
def index(request):
    """A data stream's name that no other test writes to."""
    return f"logs-{re.sub('[^a-z0-9]+', '_', request.node.name.lower()).strip('_')}-default"


@pytest.fixture
def topic(request):
    """One that no other test writes to."""
    return re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


@pytest.fixture
def agent(directory):
    agent = Agent(directory)
    yield agent
    agent.finish()


@pytest.fixture
def log_of(agent):
    """Makes a pod's log below the agent's pods_dir."""
    logs = []

    def make(pod, **identity):
        logs.append(Log(agent.pods, pod, **identity))
        return logs[-1]
    yield make
    for log in logs:
        log.close()


@pytest.fixture
def fault_server():
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture
def hanging(directory):
    """A directory that hangs while its file system is stopped, and the process that is."""
    source, target = directory / "source", directory / "mirror"
    source.mkdir()
    target.mkdir()
    mirror = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("fuse_mirror.py"), source, target])
    try:
        eventually(lambda: os.path.ismount(target), 10, "the FUSE file system is not mounted")
        yield target, mirror
    finally:
        # Its end lets go of everybody who waits for it.
        mirror.send_signal(signal.SIGCONT)
        subprocess.run(["fusermount3", "-u", "-z", target], timeout=10)
        mirror.kill()
        mirror.wait(10)
