"""What all tests share: they end when they are told to, none waits for ever, and each may have a directory."""
import os
import pathlib
import signal
import tempfile

import pytest

TEST_SECONDS_MAX = 150 if "HINOMI_TORTURE" not in os.environ else 4 * 3600


def pytest_configure():
    # However it is asked to end, it ends with every server stopped; as a background job it would ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(autouse=True)
def deadline():
    """No test waits for ever, whatever it waits for."""
    def expire(*_):
        raise TimeoutError(f"the test took more than {TEST_SECONDS_MAX} s")
    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(TEST_SECONDS_MAX)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(prefix="hinomi-") as path:
        yield pathlib.Path(path)
