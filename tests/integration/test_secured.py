"""Elasticsearch as it comes since version 8: HTTPS and a password."""
import re

import pytest

from agent import command
from services import USER
from waiting import eventually


@pytest.fixture
def secrets(agent, secured_elasticsearch):
    """The sink's options, with the password in a file of its own."""
    password = agent.directory / "password"
    password.write_text(USER[1] + "\n")
    return {"endpoints": [secured_elasticsearch.url], "username": USER[0], "password_file": str(password),
            "ca_file": secured_elasticsearch.session.verify}


def test_a_wrong_password_is_waited_out(agent, log_of, secured_elasticsearch, index, secrets):
    password = agent.directory / "password"
    password.write_text("wrong\n")
    log = log_of("pod")
    for i in range(100):
        log.line(f"line {i}")
    agent.configure({**secrets, "index": index})
    agent.start()
    eventually(lambda: re.search("401|unauthorized|authenticat", agent.log()), 15,
               lambda: f"no word of the wrong password\n{agent.log()}")
    assert agent.ready().ok
    assert secured_elasticsearch.count(index) == 0

    password.write_text(USER[1] + "\n")
    eventually(lambda: secured_elasticsearch.count(index) == 100, 35, lambda: agent.log())
    assert not agent.dead_letters()
    assert USER[1] not in agent.log()


def test_an_unknown_authority_is_refused(agent, log_of, secured_elasticsearch, index, secrets):
    del secrets["ca_file"]
    log_of("pod").line("not for just anybody")
    agent.configure({**secrets, "index": index})
    agent.start()
    eventually(lambda: re.search("certificate|CA ", agent.log()), 15, lambda: agent.log())
    assert secured_elasticsearch.count(index) == 0


def test_a_missing_ca_file_is_an_error_of_the_configuration(agent, secrets):
    agent.configure({**secrets, "ca_file": str(agent.directory / "nothing.crt")})
    result = command("run", "--config", str(agent.config))
    assert result.returncode == 2
    assert re.search(r"config\.yaml:\d+:\d+: sinks\.search\.ca_file: ", result.stderr), result.stderr


def test_check_tries_the_credentials_and_the_trust(agent, index, secrets):
    def check(**changes):
        agent.configure({**secrets, "index": index, **changes})
        result = command("check", "--strict", "--config", str(agent.config))
        return result.returncode, result.stderr
    assert check() == (0, "")
    wrong = agent.directory / "wrong"
    wrong.write_text("wrong\n")
    for changes, said in (({"password_file": str(wrong)}, "401"), ({"ca_file": ""}, "certificate"),
                          ({"endpoints": ["https://127.0.0.1:1"]}, "cannot connect")):
        status, warning = check(**changes)
        assert status == 1 and warning.startswith("warning: sinks.search: ") and said in warning, warning
