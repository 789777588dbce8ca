"""Which of the integration tests belong to which label."""
import pytest

from agent_fixtures import *  # noqa: F401,F403  (fixtures are found by their names here)


def pytest_collection_modifyitems(items):
    for item in items:
        if not (item.get_closest_marker("sinks") or item.get_closest_marker("faults")):
            item.add_marker(pytest.mark.integration)
