"""One cluster for all tests, and an agent on its node for each. Each test begins with a node without pods."""
import pathlib
import shutil
import tempfile

import pytest

from cluster import Cluster, NodeAgent


@pytest.fixture(scope="session")
def cluster():
    with tempfile.TemporaryDirectory(prefix="hinomi-") as directory:
        cluster = Cluster(pathlib.Path(directory, "kubernetes"))
        try:
            yield cluster.ready()
        finally:
            cluster.stop()


@pytest.fixture
def node_agent(cluster, directory):
    agent = NodeAgent(cluster, directory)
    agent.configure()
    yield agent
    agent.finish()
    cluster.clear()
    for left in (agent.state, agent.archive, agent.noticed, cluster.logs / "hinomi"):
        shutil.rmtree(left, ignore_errors=True)
