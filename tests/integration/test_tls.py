"""Real TLS in front of a real Elasticsearch: what must not be trusted is refused with its reason, and files that are
replaced (secrets, authorities, certificates of clients) count at once, without a restart and without a lost line."""
import re
import shutil
import ssl

import pytest

from front import Authority, Front
from waiting import eventually

LINES = 100
AT_ONCE_SECONDS = 5  # back-offs are longer by then, or Retry-After is


@pytest.fixture
def authority(directory):
    return Authority(directory, "trusted")


@pytest.fixture
def front(directory, elasticsearch):
    front = Front(directory, elasticsearch.url)
    yield front
    front.stop()


@pytest.fixture
def ship(agent, log_of, front, authority, index, elasticsearch):
    """Starts an agent that has lines for the server behind the front, and waits for that complaint."""
    def start(complaint, **sink):
        log = log_of("pod")
        for i in range(LINES):
            log.line(f"line {i}")
        agent.configure({"endpoints": [front.url], "index": index, "ca_file": str(authority.certificate), **sink})
        agent.start()
        if complaint:
            eventually(lambda: re.search(complaint, agent.log()), 15, agent.log)
            assert elasticsearch.count(index) == 0 and agent.ready().ok
    return start


@pytest.fixture
def arrive(agent, elasticsearch, index):
    def all_there(count=LINES, seconds=AT_ONCE_SECONDS):
        eventually(lambda: elasticsearch.count(index) == count, seconds,
                   lambda: f"{elasticsearch.count(index)} of {count}\n{agent.log()}")
        assert not agent.dead_letters()
    return all_there


def replace(path, content):
    """As the kubelet and everybody careful does."""
    new = path.with_suffix(".new")
    shutil.copy(content, new)
    new.rename(path)


@pytest.mark.parametrize("days, names, complaint", [
    (-1, "IP:127.0.0.1", 'cannot send to "https://127.*certificate has expired; renew it'),
    (30, "DNS:elsewhere", "no alternative certificate subject name matches.*call the server by a name"),
], ids=["expired", "of somebody else"])
def test_a_certificate_that_proves_nothing_is_refused(front, authority, ship, arrive, days, names, complaint):
    front.serve(authority.issue("wrong", days, names))
    ship(complaint)
    front.serve(authority.issue("right"))
    arrive(seconds=20)


def test_the_authority_counts_as_soon_as_its_file_is_replaced(directory, agent, log_of, front, authority, ship, arrive):
    other = Authority(directory, "other")
    front.serve(other.issue("server"))
    trusted = directory / "ca.crt"
    shutil.copy(authority.certificate, trusted)
    ship("unable to get local issuer certificate.*does `ca_file` .*belong to it", ca_file=str(trusted))
    replace(trusted, other.certificate)
    arrive()

    # And one that is no longer trusted does not live on in a connection, or in what libcurl keeps.
    replace(trusted, authority.certificate)
    log_of("later").line("one more")
    eventually(lambda: agent.log().count("unable to get local issuer certificate") > 1, 10, agent.log)
    front.serve(authority.issue("server"))
    arrive(LINES + 1, seconds=20)


def test_a_client_has_to_bring_a_certificate(directory, agent, front, authority, ship, arrive):
    front.serve(authority.issue("server"),
                f"ssl_client_certificate {authority.certificate}; ssl_verify_client on;")
    client = Authority(directory, "other").issue("client")
    mine = {"certificate_file": directory / "mine.crt", "key_file": directory / "mine.key"}
    shutil.copy(client, mine["certificate_file"])
    shutil.copy(f"{client}.key", mine["key_file"])
    ship("SSL certificate error.*check `certificate_file` and `key_file`", **{k: str(v) for k, v in mine.items()})
    client = authority.issue("client")
    replace(mine["key_file"], f"{client}.key")
    replace(mine["certificate_file"], client)
    arrive()
    expiry = ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(str(client))["notAfter"])
    assert agent.metric("hinomi_tls_certificate_expiry_timestamp_seconds", file=str(mine["certificate_file"])) == expiry


def test_without_a_certificate_of_the_client_the_reason_is_said(front, authority, ship):
    front.serve(authority.issue("server"), f"ssl_client_certificate {authority.certificate}; ssl_verify_client on;")
    ship("No required SSL certificate was sent.*check `certificate_file`")


def test_a_token_counts_as_soon_as_its_file_is_replaced(directory, front, authority, ship, arrive):
    """However long it would have waited otherwise."""
    front.serve(authority.issue("server"), rules='if ($http_authorization != "Bearer right") { '
                'add_header Retry-After 300 always; return 401 "no"; }')
    token, right = directory / "token", directory / "right"
    token.write_text("wrong\n")
    right.write_text("right\n")
    ship("401, no; check .*`token_file`", token_file=str(token))
    replace(token, right)
    arrive()
