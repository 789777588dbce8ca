"""What is shipped beside the agent, against what a running agent really emits."""
import pytest

import emitted as emitted_by
from agent_fixtures import fault_server  # noqa: F401  (a fixture, found by its name)


@pytest.fixture(scope="session")
def emitted():
    """{name of a metric: {label: its values}}"""
    return emitted_by.metrics()
