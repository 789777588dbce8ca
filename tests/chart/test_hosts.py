"""What stands beside the chart: manifests for clusters without Helm, and a unit of systemd and a container of docker compose
for machines without Kubernetes. They say what the chart and the agent say."""
import configparser
import json
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

import chart
from agent import BINARY, ENVIRONMENT, Agent
from dockerd import PROJECT, SERVICE, Container
from waiting import eventually

PACKAGING = chart.ROOT / "packaging"
HOST = PACKAGING / "host"
MANIFESTS = sorted((PACKAGING / "manifests").iterdir())
DEFAULTS = yaml.safe_load((chart.CHART / "values.yaml").read_text())
IMAGE = f"hinomi/hinomi:{yaml.safe_load((chart.CHART / 'Chart.yaml').read_text())['appVersion']}"
CONFIG = yaml.safe_load((HOST / "hinomi.yaml").read_text())
UNIT = HOST / "hinomi.service"
# Of 100; systemd gives 96 to a unit that says nothing.
EXPOSURE_MAX = 33


def unit():
    """{section: {key: value}}"""
    parser = configparser.ConfigParser(interpolation=None, delimiters="=", comment_prefixes="#")
    parser.optionxform = str
    parser.read(UNIT)
    return parser


@pytest.fixture(scope="module")
def composed():
    """The one service of compose.yaml, as docker-compose understands it."""
    done = subprocess.run(["docker-compose", "--file", HOST / "compose.yaml", "config"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    (service,) = yaml.safe_load(done.stdout)["services"].values()
    return service


def environment():
    """What hinomi.env says once nothing in it is commented out."""
    return dict(re.findall(r"^#(HINOMI_\w+)=(.+)$", (HOST / "hinomi.env").read_text(), re.MULTILINE))


def settings(path, **variables):
    """What `hinomi config` says of that file: each value with where it comes from. It has nothing to complain about."""
    done = subprocess.run([BINARY, "config", "--config", path], capture_output=True, text=True, timeout=30,
                          env={**ENVIRONMENT, **variables})
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def test_the_manifests_are_made_of_the_chart(directory):
    subprocess.run(["/usr/bin/python3", PACKAGING / "manifests.py", chart.tools() / "helm", directory], timeout=60, check=True)
    made = {path.name: path.read_text() for path in directory.iterdir()}
    assert made == {path.name: path.read_text() for path in MANIFESTS}, "run script/package manifests"


def test_every_object_of_the_manifests_is_one_of_kubernetes():
    faults, valid = chart.faults(MANIFESTS)
    assert not faults and valid == sum(1 for path in MANIFESTS for _ in yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("name, address", [("elasticsearch", "- https://elasticsearch.example:9200"),
                                           ("kafka", "- kafka.example:9092")])
def test_a_manifest_needs_three_edits_and_no_helm(name, address, directory):
    text = (PACKAGING / f"manifests/{name}.yaml").read_text()
    edited = [line.strip() for line in text.splitlines() if "example" in line and not line.startswith("#")]
    assert sorted(edited) == sorted(["cluster: example", address, *[f'image: "registry.example/{IMAGE}"'] * 2])
    assert not re.search(r"helm\.sh|managed-by|checksum/|annotations:", text)
    objects = list(yaml.safe_load_all(text))
    assert [one["kind"] for one in objects] == ["Namespace", "ServiceAccount", "ConfigMap", "Service", "DaemonSet"]
    assert {one["metadata"].get("namespace") for one in objects[1:]} == {objects[0]["metadata"]["name"]}
    (directory / "config.yaml").write_text(objects[2]["data"]["config.yaml"])
    assert 'cluster: "example"' in settings(directory / "config.yaml")


def test_systemd_has_nothing_to_say_about_the_unit(directory):
    copy = directory / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/hinomi ", f"{BINARY} "))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", "--no-pager", copy],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout[-300:]


def test_nothing_blinds_the_metrics():
    """What hides processes, networks or file systems of others from a unit of systemd."""
    service = unit()["Service"]
    blinding = {"ProtectProc", "ProcSubset", "PrivateTmp", "PrivateNetwork", "PrivateUsers", "ProtectClock", "RootDirectory",
                "RootImage", "TemporaryFileSystem", "InaccessiblePaths", "DynamicUser", "User"}
    assert not blinding & set(service) and service["ProtectHome"] == "read-only"


def test_limits_are_the_charts(composed):
    service, limits = unit()["Service"], DEFAULTS["resources"]["limits"]
    assert (service["MemoryMax"] + "i", composed["mem_limit"] + "i") == (limits["memory"], limits["memory"].lower())
    patience = DEFAULTS["terminationGracePeriodSeconds"]
    assert (service["TimeoutStopSec"], composed["stop_grace_period"]) == (str(patience), f"{patience}s")
    assert service["OOMScoreAdjust"] == str(composed["oom_score_adj"])
    assert composed["image"] == IMAGE


def test_rights_are_the_charts(composed):
    service, security = unit()["Service"], DEFAULTS["security"]
    assert composed["cap_drop"] == ["ALL"] and composed["cap_add"] == security["capabilities"]
    assert service["CapabilityBoundingSet"].split() == [f"CAP_{one}" for one in security["capabilities"]]
    assert service["NoNewPrivileges"] == "yes" and service["ProtectSystem"] == "strict"
    assert composed["security_opt"] == ["no-new-privileges=true", f"apparmor={security['appArmorProfile'].lower()}",
                                        f"label=type:{security['seLinuxType']}"]
    assert composed["read_only"] and not {"privileged", "pid", "ipc", "devices", "ports"} & set(composed)


def test_it_writes_its_state_and_beside_the_logs(composed):
    """And the logs are on one mount with the escrow, or nothing could be linked."""
    text = settings(HOST / "hinomi.yaml")
    state = json.loads(re.search(r"^state_dir: (\".*\")  # default$", text, re.MULTILINE)[1])
    (logs,) = CONFIG["sources"]["docker"]["roots"]
    escrow = CONFIG["escrow"]["directory"]
    assert pathlib.Path(escrow).parent == pathlib.Path(logs)
    service = unit()["Service"]
    assert service["ReadWritePaths"] == unit()["Unit"]["RequiresMountsFor"] == logs
    assert f"/var/lib/{service['StateDirectory']}" == state
    mounts = [volume.split(":") for volume in composed["volumes"]]
    root = composed["environment"]["HINOMI_HOST_ROOT"]
    assert {inside for _, inside, options in mounts if "ro" not in options.split(",")} == {state, root + logs}
    assert ["/", root, "ro,rslave"] in mounts and all(at in (root, "/etc/hinomi", state, root + logs) for _, at, _ in mounts)


def test_the_environment_has_settings_and_no_other():
    named, plain = environment(), settings(HOST / "hinomi.yaml")
    text = settings(HOST / "hinomi.yaml", **named)
    assert named and set(re.findall(r"  # environment (\w+)", text)) == set(named)
    manual = (chart.ROOT / "docs/configuration.md").read_text()
    for name in named:
        assert f"| `{re.sub('^HINOMI_SINKS_SEARCH_', 'HINOMI_SINKS_NAME_', name)}` |" in manual, name

    def values(said):
        return {line.partition("  #")[0] for line in said.splitlines()}
    assert {line.split()[0] for line in values(text) - values(plain)} == {"node:"}, "it says what would hold without it"
    assert not set("".join(named.values())) & set("'\" "), "docker compose would keep quotes"


def test_a_wrong_configuration_is_tried_once(directory):
    service = unit()["Service"]
    words = shlex.split(service["ExecStart"])
    (directory / "hinomi.yaml").write_text("colour: red\n")
    done = subprocess.run([BINARY, *words[1:3], directory / "hinomi.yaml"], capture_output=True, text=True, timeout=30,
                          env=ENVIRONMENT)
    assert "colour" in done.stderr and str(done.returncode) == service["RestartPreventExitStatus"]
    assert service["ExecStartPre"] == "-" + " ".join(words).replace(" run ", " check "), "its verdict does not count"
    assert service["Restart"] == "always" and unit()["Unit"]["StartLimitIntervalSec"] == "0"


def libraries():
    """The Debian packages of what the binary is linked with, without those that every machine has."""
    def said(*words):
        return subprocess.run([*words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", said("readelf", "--dynamic", BINARY))
    paths = dict(re.findall(r"^\t(\S+) => (\S+)", said("ldd", BINARY), re.MULTILINE))
    files = [str(pathlib.Path(paths[name]).resolve()) for name in needed if name in paths]
    # What dpkg knows by another path is libc's.
    owners = re.findall(r"^([^:\s]+):", said("dpkg-query", "--search", *files), re.MULTILINE)
    return set(owners) - {"libstdc++6", "libasan8", "libubsan1"}


def test_the_page_is_right(directory):
    page = (chart.ROOT / "docs/hosts.md").read_text()
    named = re.search(r"apt-get install --no-install-recommends ca-certificates tzdata ((?:.*\\\n)*.*)", page)[1]
    assert set(named.replace("\\", "").split()) == libraries()
    paths = re.findall(r"\b(?:packaging|script)/[\w./]+", page)
    assert paths and not [path for path in paths if not (chart.ROOT / path).exists()]
    assert f"-t {IMAGE} " in page
    scrape = directory / "prometheus.yaml"
    scrape.write_text(re.search(r"```yaml\n(scrape_configs:.*?)```", page, re.DOTALL)[1])
    done = subprocess.run(["promtool", "check", "config", scrape], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def host(directory):
    """A machine's root with a container of docker."""
    container = Container(directory / "host/var/lib/docker", "web-1", labels={PROJECT: "shop", SERVICE: "web"})
    yield directory / "host", container
    container.close()


def test_a_line_arrives_as_the_unit_and_the_container_start_it(host, fault_server, composed, directory, monkeypatch):
    root, container = host
    words = shlex.split(unit()["Service"]["ExecStart"])
    assert words[1:] == composed["command"] and unit()["Service"]["EnvironmentFile"] == "-/etc/hinomi/hinomi.env"
    agent = Agent(directory)
    agent.command, agent.config = [BINARY, words[1]], HOST / pathlib.Path(words[3]).name
    for name, value in {"HINOMI_SINKS_SEARCH_ENDPOINTS": fault_server.url, "HINOMI_HOST_ROOT": str(root),
                        "HINOMI_STATE_DIR": str(agent.state), "HINOMI_HTTP_LISTEN": f"127.0.0.1:{agent.port}",
                        "HINOMI_ESCROW_FREE_PERCENT_MIN": "0"}.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    try:
        agent.start()
        container.line("hello")
        eventually(lambda: "hello" in fault_server.messages(), 20, agent.log)
        assert agent.ready().text == "ready\n", "the escrow works"
        held = root / CONFIG["escrow"]["directory"].lstrip("/")
        assert [path for path in held.rglob("*") if path.is_file() and path.samefile(container.log)], "no link in the escrow"
        assert agent.stop() == 0
    finally:
        agent.finish()
