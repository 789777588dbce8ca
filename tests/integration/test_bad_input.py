"""What operators, applications and node disks get wrong: it is said, counted, and the rest flows."""
import os
import re

import pytest

from agent import command
from waiting import eventually

BAD_CONFIG = """\
cluster: demo
colour: red
state_dir: /tmp
http: { listen: "127.0.0.1:99999999" }
sources:
  kubernetes: { pods_dir: /var/log/pods, since: 24x }
sinks:
  search:
    type: elasticsearch
    endpoints: ["http://127.0.0.1:9200"]
    batch_bytes: 12x
    setup: perhaps
    ca_file: /does/not/exist.crt
    password_file: /does/not/exist.password
    username: hinomi
  search2: { type: cassandra }
routes:
  - { name: all, sink: nowhere }
  - { name: all, sink: search, sink: search }
"""


@pytest.fixture
def healthy(agent, log_of, elasticsearch, index):
    """A log beside the broken ones, and the proof that its lines arrive."""
    log = log_of("healthy")
    written = []

    def flows():
        written.append(f"healthy {len(written)}")
        log.line(written[-1])
        eventually(lambda: elasticsearch.count(index, written[-1]) == 1, 15,
                   lambda: f"{written[-1]!r} does not arrive\n{agent.log()}")
    return flows


def messages(search, index):
    return {document["message"] for document in search.documents(index)}


@pytest.mark.parametrize("subcommand", ["check", "run"])
def test_every_error_of_a_configuration_is_told_at_once(directory, subcommand):
    config = directory / "config.yaml"
    config.write_text(BAD_CONFIG)
    result = command(subcommand, "--config", str(config))
    output = result.stdout + result.stderr
    assert result.returncode == 2, output
    lines = {int(line) for line in re.findall(r"^\S*config\.yaml:(\d+):\d+: ", output, re.MULTILINE)}
    wanted = {number for number, line in enumerate(BAD_CONFIG.splitlines(), 1)
              if re.search(r"colour|99999999|24x|12x|perhaps|not/exist|cassandra|nowhere|sink: search, sink", line)}
    assert len(wanted) == 10
    assert wanted <= lines, output
    assert re.search(r'config\.yaml:11:18: sinks\.search\.batch_bytes: .*"12x"', output), output


def test_a_good_configuration_passes_and_secrets_stay_secret(agent):
    password = agent.directory / "password"
    password.write_text("hinomi-secret\n")
    agent.configure({"endpoints": ["http://127.0.0.1:9"], "username": "hinomi", "password_file": str(password)})
    result = command("check", "--config", str(agent.config))
    assert result.returncode == 0, result.stderr
    result = command("config", "--config", str(agent.config))
    assert result.returncode == 0, result.stderr
    assert "node-1" in result.stdout
    assert "hinomi-secret" not in result.stdout + result.stderr
    assert command("version").returncode == 0


def test_pods_dir_may_appear_later(agent, elasticsearch, index, log_of):
    agent.pods.rmdir()
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.launch()
    eventually(lambda: agent.ready().status_code == 503 and str(agent.pods) in agent.ready().text, 10,
               "readiness does not name the directory that is missing")
    agent.pods.mkdir()
    log_of("late").line("better late than never")
    eventually(lambda: agent.ready().ok, 10, "not ready although pods_dir is there")
    eventually(lambda: elasticsearch.count(index) == 1, 10, "the line did not arrive")


def test_unreadable_and_foreign_logs_do_not_stop_the_others(agent, log_of, elasticsearch, index, healthy):
    """Root can read any file, so a log is unreadable by not being one."""
    secret = agent.directory / "secret"
    secret.write_text("2026-01-01T00:00:00Z stdout F the shadow file\n")
    paths = []
    for i in range(5):
        log = log_of(f"broken-{i}")
        log.path.unlink()
        paths.append(log.path)
    directory, fifo, outside, loop, dangling = paths
    directory.mkdir()
    os.mkfifo(fifo)
    outside.symlink_to(secret)
    loop.symlink_to(loop.name)
    dangling.symlink_to("nowhere.log")
    agent.pods.joinpath("not_a_pod").mkdir()
    agent.pods.joinpath("neither").write_text("a file\n")
    rotating = log_of("rotating")  # names that the kubelet gives to what it compresses, and to what it has compressed
    for name in ("0.log.20260101-000000.tmp", "0.log.20260101-000000.gz", "0.log.20260101-000000.gz.tmp"):
        rotating.path.with_name(name).write_text("2026-01-01T00:00:00Z stdout F as if it were a log\n")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    healthy()
    healthy()
    assert messages(elasticsearch, index) == {"healthy 0", "healthy 1"}
    assert agent.metric("hinomi_log_links_refused_total") >= 4
    assert agent.metric("hinomi_log_open_errors_total") >= 1  # what calls itself compressed and is not

    # Once it can be read, it is.
    directory.rmdir()
    directory.write_text("2026-01-01T00:00:00.5Z stdout F readable at last\n")
    eventually(lambda: "readable at last" in messages(elasticsearch, index), 15, lambda: agent.log())
    # Each said once, not at every look.
    for path in (fifo, outside, loop):
        assert len(re.findall(re.escape(str(path)) + r"\b", agent.log())) <= 2, agent.log()


def test_garbage_lines_are_counted_and_the_rest_flows(agent, log_of, elasticsearch, index, healthy):
    log = log_of("garbage")
    log_of("empty")
    log.line("first")
    log.raw(b"no header at all\n")
    log.raw(b"\n\n")
    log.raw(bytes(1000) + b"\n")
    log.raw(os.urandom(4096).replace(b"\n", b"") + b"\n")
    log.raw(b"2026-13-45T99:99:99Z stdout F a time that never was\n")
    log.raw(b"2026-01-01T00:00:00Z sidestream F a stream that is none\n")
    log.raw(b"2026-01-01T00:00:00Z stdout X a tag that is none\n")
    log.line("last")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    healthy()
    eventually(lambda: {"first", "last"} <= messages(elasticsearch, index), 15, lambda: agent.log())
    assert messages(elasticsearch, index) == {"healthy 0", "first", "last"}
    assert agent.metric("hinomi_route_source_bytes_total", outcome="corrupt") > 5000


def test_a_line_of_64_mib_is_cut_and_the_log_goes_on(agent, log_of, elasticsearch, index, healthy):
    log = log_of("endless")
    log.line("before")
    log.raw(b"2026-01-01T00:00:00Z stdout F ")
    for _ in range(64):
        log.raw(b"x" * (1 << 20))
    log.raw(b"\n")
    log.line("after")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    healthy()

    eventually(lambda: elasticsearch.count(index, "after") == 1, 60, lambda: agent.log())
    assert elasticsearch.count(index, "before") == 1
    parts = [len(document["message"]) for document in elasticsearch.documents(index, page=20)
             if document["message"].startswith("x")]
    assert sum(parts) == 64 << 20
    assert max(parts) <= 256 << 10


def test_a_file_that_shrinks_is_read_again_from_its_beginning(agent, log_of, elasticsearch, index, healthy):
    log = log_of("shrinking")
    for i in range(100):
        log.line(f"before {i}")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    eventually(lambda: elasticsearch.count(index) == 100, 15, lambda: agent.log())
    os.truncate(log.path, 0)
    log.line("after")
    eventually(lambda: "after" in messages(elasticsearch, index), 15, lambda: agent.log())
    healthy()
    assert elasticsearch.count(index) == 102


def test_an_unwritable_state_directory_is_a_clear_error(agent):
    agent.state.write_text("a file, where a directory should be")
    agent.configure({"endpoints": ["http://127.0.0.1:9"]})
    result = command("run", "--config", str(agent.config))
    assert result.returncode not in (0, None)
    assert str(agent.state) in result.stderr


@pytest.mark.parametrize("damage", ["one", "both"])
def test_a_damaged_checkpoint_costs_no_line(agent, log_of, elasticsearch, index, damage):
    log = log_of("pod")
    for i in range(100):
        log.line(f"line {i}")
    agent.configure({"endpoints": [elasticsearch.url], "index": index})
    agent.start()
    eventually(lambda: elasticsearch.count(index) == 100, 15, lambda: agent.log())
    assert agent.stop() == 0
    checkpoints = sorted(agent.state.glob("checkpoint.?"))
    assert checkpoints
    damaged = checkpoints[: 1 if damage == "one" else 2]
    for checkpoint in damaged:
        data = bytearray(checkpoint.read_bytes())
        data[len(data) // 2] ^= 0xFF
        checkpoint.write_bytes(data)
    log.line("line 100")
    agent.start()
    eventually(lambda: "line 100" in messages(elasticsearch, index), 15, lambda: agent.log())
    assert agent.metric("hinomi_checkpoint_damaged_total") == len(damaged)
    assert agent.stop() == 0
    assert elasticsearch.count(index) == 101
