"""script/server where there is nothing to read: a shop writes, everything it writes is delivered, one signal ends all."""
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

import archives
from agent import BINARY, ENVIRONMENT, ROOT
from waiting import eventually

FLOW = re.compile(r"^\d\d:\d\d:\d\d .* records/s .* ([\d,]+) records delivered .* pending  (.*)$", re.MULTILINE)


@pytest.fixture
def demonstration(directory):
    """Starts script/demonstration.py with these servers, as a terminal's foreground job."""
    started = []

    def start(*servers):
        output = (directory / "output").open("wb")
        started.append(subprocess.Popen([sys.executable, ROOT / "script/demonstration.py", BINARY, "", *servers],
                                        stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=ENVIRONMENT,
                                        start_new_session=True, cwd=directory))
        return started[0], directory / "output"
    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def runs(pid):
    """Whether there is such a process; one that only waits for init to take note of its end does not count."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def flows(output):
    """Records delivered and the sinks' states, of each line about the flow."""
    return [(int(count.replace(",", "")), state) for count, state in FLOW.findall(output.read_text())]


def test_a_shop_is_shipped_to_an_archive(demonstration):
    process, output = demonstration()
    eventually(lambda: len(flows(output)) > 1 and flows(output)[-1][0] > 1500, 60, output.read_text)
    assert flows(output)[-1][1] == "archive ok"
    helpers = children(process.pid)
    assert len(helpers) == 2, "the shop and the agent"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0, output.read_text()
    assert not any(map(runs, helpers))

    text = output.read_text()
    written = int(re.search(r"([\d,]+) lines were written, and all of them delivered", text)[1].replace(",", ""))
    messages = archives.messages(ROOT / "build/demo/archive")
    assert sum(map(len, messages.values())) == written
    assert any(pod.startswith("report-") for pod in messages), "no short job"
    assert any("火の用心" in message for pod in messages for message in messages[pod])


def test_a_server_is_started_for_it(demonstration):
    process, output = demonstration("kafka")
    eventually(lambda: flows(output) and flows(output)[-1][0] > 500, 120, output.read_text)
    assert flows(output)[-1][1] == "kafka ok"
    look = re.search(r"look     (kcat .*)", output.read_text())[1]
    shown = subprocess.run(look.split(), capture_output=True, text=True, timeout=30)
    assert shown.stdout.count('"namespace":"shop-demo"') >= 3, shown
    broker = int((ROOT / "build/demo/kafka/pid").read_text())
    assert runs(broker)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, output.read_text()
    assert not runs(broker)


def test_two_do_not_share_a_directory(demonstration, directory):
    _, output = demonstration()
    eventually(lambda: "page " in output.read_text(), 60, output.read_text)
    second = subprocess.run([sys.executable, ROOT / "script/demonstration.py", BINARY, ""], capture_output=True,
                            text=True, timeout=30, cwd=directory)
    assert second.returncode == 1 and "another demonstration runs" in second.stderr
