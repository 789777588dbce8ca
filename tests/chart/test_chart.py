"""The chart without a cluster: what it renders is valid, asks for no more than it says, and refuses what is wrong."""
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

import chart

VALUES = sorted(pathlib.Path(__file__).with_name("values").glob("*.yaml"))
VERSIONS = ("1.22.0", "1.29.0", "1.30.0", "1.36.0")
AGENT = os.environ["HINOMI_BINARY"]
DEFAULTS = yaml.safe_load((chart.CHART / "values.yaml").read_text())
SCHEMA = json.loads((chart.CHART / "values.schema.json").read_text())


@pytest.fixture(params=VALUES, ids=lambda path: path.stem)
def values(request):
    return ("--values", request.param)


def everything():
    return chart.objects("--values", VALUES[0].with_name("everything.yaml"), values=())


def agent_of(found):
    (agent,) = [one["spec"]["template"]["spec"] for (kind, _), one in found.items() if kind == "DaemonSet"]
    return agent


def configuration_of(found):
    (text,) = [one["data"]["config.yaml"] for one in found.values() if "config.yaml" in one.get("data", {})]
    return text


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_helm_finds_no_fault(values, program):
    done = chart.helm("lint", "--strict", chart.CHART, *values, program=program)
    assert done.ok, done.text + done.error


@pytest.mark.parametrize("words", [chart.sets(chart.SHORTEST), *(("--values", path) for path in VALUES)],
                         ids=["shortest", *(path.stem for path in VALUES)])
def test_helm_3_renders_the_same(words):
    """In the same order; between objects it leaves other empty lines."""
    words = (*words, *chart.OPERATOR, "--kube-version", VERSIONS[-1])
    three, four = [list(chart.objects(*words, values=(), program=program).items()) for program in ("helm3", "helm")]
    assert three == four


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_of_kubernetes(values, version, directory):
    manifests = directory / "manifests.yaml"
    manifests.write_text(chart.rendered(*values, *chart.OPERATOR, "--kube-version", version, values=()))
    faults, valid = chart.faults([manifests])
    assert not faults and valid >= 4


def test_the_agent_takes_the_configuration(values, directory):
    path = directory / "config.yaml"
    found = chart.objects(*values, values=())
    text = configuration_of(found)
    environment = {one["name"]: one["value"] for one in agent_of(found)["containers"][0]["env"] if "value" in one}
    # Paths of secrets are the pod's; here they are a file that exists.
    secret = directory / "secret"
    secret.write_text("secret")
    path.write_text(re.sub(r"(_file: )\S+", rf"\g<1>{secret}", text))
    done = subprocess.run([AGENT, "config", "--config", path], capture_output=True, text=True, timeout=30,
                          env={name: value.replace("$(NODE_ADDRESS)", "10.0.0.1") for name, value in environment.items()})
    assert done.returncode == 0, done.stderr + text
    assert f'cluster: "{yaml.safe_load(text)["cluster"]}"' in done.stdout and not done.stderr


def test_a_cluster_and_an_address_are_enough():
    found = chart.objects()
    assert sorted(kind for kind, _ in found if kind != "ConfigMap") == ["DaemonSet", "Pod", "Service", "ServiceAccount"]
    assert yaml.safe_load(configuration_of(found)) == {
        "cluster": "prod", "host_root": "/host", "state_dir": "/var/lib/hinomi", "http": {"listen": ":9797"},
        "sinks": {"elasticsearch": {"type": "elasticsearch", "endpoints": ["https://es.test:9200"]}},
        "routes": [{"sink": "elasticsearch"}]}


def test_it_may_do_no_more_than_it_says():
    """Without a wish for the kubelet there is no right and no token; with one, reading what was asked for."""
    assert not agent_of(chart.objects())["automountServiceAccountToken"]
    rights = {}
    for wish in ((), ("kubelet.volumes=true",), ("kubelet.nodesProxy=true",)):
        found = chart.objects(values=(*chart.SHORTEST, "kubelet.enabled=true", *wish))
        assert agent_of(found)["automountServiceAccountToken"]
        (role,) = [one for (kind, _), one in found.items() if kind == "ClusterRole"]
        rights[wish] = role["rules"]
    asked = {"apiGroups": [""], "verbs": ["get"]}
    assert rights == {(): [{**asked, "resources": ["nodes/pods"]}],
                      ("kubelet.volumes=true",): [{**asked, "resources": ["nodes/pods", "nodes/stats"]}],
                      ("kubelet.nodesProxy=true",): [{**asked, "resources": ["nodes/proxy"]}]}


def test_what_the_container_may(values):
    agent = agent_of(chart.objects(*values, values=()))
    written = {"log", "state"} | {volume["name"] for volume in agent["volumes"] if volume["name"] == "archive"}
    for container in agent["initContainers"] + agent["containers"][:1]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
        assert security["capabilities"]["drop"] == ["ALL"]
        assert set(security["capabilities"].get("add", [])) <= {"DAC_READ_SEARCH", "SYS_PTRACE"}
        assert {mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")} == written
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert not [path for path in paths if path.startswith("/host/var/log/")], "nothing lies below the logs"


def test_every_capability_is_argued_for():
    page = (chart.CHART / "README.md").read_text()
    for capability in DEFAULTS["security"]["capabilities"]:
        assert re.search(rf"^\| `{capability}` \| \w.{{20,}} \|$", page, re.MULTILINE), capability


@pytest.mark.parametrize("wrong, words", [
    (("elasticsearch.endpoints={https://es:9200}",), "cluster"),
    (("cluster=prod",), "no sink: give elasticsearch.endpoints, kafka.brokers or config.sinks"),
    (("cluster=",), "/cluster"),
    ((*chart.SHORTEST, "elasticsearch.endpoints={es:9200}"), "/elasticsearch/endpoints/0"),
    ((*chart.SHORTEST, "elasticsearch.endpoint=https://es:9200"), "'endpoint'"),
    ((*chart.SHORTEST, "kafka.brokers={kafka}"), "/kafka/brokers/0"),
    ((*chart.SHORTEST, "platform=openshift"), "/platform"),
    ((*chart.SHORTEST, "colour=red"), "'colour'"),
    ((*chart.SHORTEST, "image.digest=sha256:1"), "/image/digest"),
    ((*chart.SHORTEST, "http.port=70000"), "/http/port"),
    ((*chart.SHORTEST, "hostRoot=perhaps"), "/hostRoot"),
    ((*chart.SHORTEST, "podMonitor.interval=fast"), "/podMonitor/interval"),
    ((*chart.SHORTEST, "prometheusRule.alerts.HinomiDown.treshold=1"), "'treshold'"),
    ((*chart.SHORTEST, "prometheusRule.enabled=true", "prometheusRule.alerts.NoSuchAlert.enabled=false"),
     "prometheusRule.alerts.NoSuchAlert: there is no such alert"),
    ((*chart.SHORTEST, "elasticsearch.secret.password=password"), "elasticsearch.secret.name: it has to name the Secret"),
    ((*chart.SHORTEST, "kafka.brokers={kafka:9092}", "kafka.secret.ca=ca.crt"), "kafka.secret.name: it has to name"),
    ((*chart.SHORTEST, "kubelet.volumes=true"), "kubelet.volumes: it needs kubelet.enabled"),
    ((*chart.SHORTEST, "config.clustr=x"), "'clustr'"),
    ((*chart.SHORTEST, "config.limits.record_bytes_max=12x"), "/config/limits/record_bytes_max"),
    ((*chart.SHORTEST, "config.log.level=loud"), "/config/log/level"),
    ((*chart.SHORTEST, "config.sinks.a.type=kafka", "config.sinks.a.endpoints={http://es:9200}"), "'endpoints'"),
    ((*chart.SHORTEST, "config.sinks.a.type=redis"), "/config/sinks/a/type"),
    ((*chart.SHORTEST, "kibana.url=kibana:5601"), "/kibana/url"),
    ((*chart.SHORTEST, "kibana.url=http://kibana:5601", "kibana.product=grafana"), "/kibana/product"),
    ((*chart.SHORTEST, "kibana.url=http://kibana:5601", "kibana.secret.ca=ca.crt"), "kibana.secret.name: it has to name"),
    ((*chart.SHORTEST, "kibana.url=http://kibana:5601", "kibana.username=me"), "kibana.username: it and kibana.secret.password"),
])
def test_what_is_wrong_is_refused_by_its_name(wrong, words):
    assert words in chart.refusal(values=wrong)


def test_values_and_schema_know_the_same_names():
    def compare(values, schema, path):
        if "properties" not in schema or not isinstance(values, dict) or path == "values.config":
            return
        optional = {"maxSurge", "initialDelaySeconds", "successThreshold"}
        assert set(values) == set(schema["properties"]) - optional, path
        for name, value in values.items():
            compare(value, schema["properties"][name], f"{path}.{name}")
    compare(DEFAULTS, SCHEMA, "values")
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_ranchers_questions_are_about_values():
    for question in yaml.safe_load((chart.CHART / "questions.yaml").read_text())["questions"]:
        value = DEFAULTS
        for name in re.sub(r"\[0\]$", "", question["variable"]).split("."):
            assert name in value, question["variable"]
            value = value[name]
        assert question.get("default", value) == value, question["variable"]


def addresses(text):
    return set(re.findall(r"https?://(?:\$\(NODE_ADDRESS\))?[^\s\"'`),\\]+", text))


def test_it_talks_to_nobody_who_is_not_named():
    found = everything()
    configured = {"https://es-1.test:9200", "https://es-2.test:9200", "https://$(NODE_ADDRESS):10250",
                  "https://kibana.test:5601/tools"}
    for (kind, name), one in found.items():
        strange = {url for url in addresses(json.dumps(one)) - configured if not url.startswith("https://wiki.test/runbooks")}
        assert not strange, (kind, name, strange)
    images = {container["image"] for container in agent_of(found)["containers"]}
    assert images == {"registry.test/beside:1", "registry.test/tools/hinomi@sha256:" + "0123456789abcdef" * 4}


@pytest.mark.parametrize("values, image", [
    ((), "hinomi/hinomi:{version}"),
    (("image.tag=main-1",), "hinomi/hinomi:main-1"),
    (("global.cattle.systemDefaultRegistry=rancher.test",), "rancher.test/hinomi/hinomi:{version}"),
    (("global.cattle.systemDefaultRegistry=rancher.test", "global.imageRegistry=all.test"), "all.test/hinomi/hinomi:{version}"),
    (("global.imageRegistry=all.test", "image.registry=own.test"), "own.test/hinomi/hinomi:{version}"),
])
def test_where_the_image_comes_from(values, image):
    version = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"]
    agent = agent_of(chart.objects(values=(*chart.SHORTEST, *values)))
    assert {one["image"] for one in agent["containers"] + agent["initContainers"]} == {image.format(version=version)}


def rules_of(found):
    (rules,) = [one["spec"]["groups"] for (kind, _), one in found.items() if kind == "PrometheusRule"]
    return {rule["alert"]: rule for group in rules for rule in group["rules"] if "alert" in rule}


def test_alerts_are_those_of_the_file_with_the_wished_changes():
    file = yaml.safe_load((chart.ROOT / "dashboards/prometheus/rules.yaml").read_text())
    plain = {rule["alert"]: rule for group in file["groups"] for rule in group["rules"] if "alert" in rule}
    assert rules_of(chart.objects(*chart.OPERATOR)) == plain
    wishes = ("ContainerStorm.threshold=77", "ContainerStorm.for=3m", "ContainerStorm.severity=info",
              "NodeFilesystemFilling.enabled=false")
    changed = rules_of(chart.objects(*chart.OPERATOR, values=(
        *chart.SHORTEST, *(f"prometheusRule.alerts.{wish}" for wish in wishes))))
    assert set(plain) - set(changed) == {"NodeFilesystemFilling"}
    storm, before = changed.pop("ContainerStorm"), plain["ContainerStorm"]
    assert changed == {name: rule for name, rule in plain.items() if name in changed}
    assert storm["expr"].split()[:-1] == before["expr"].split()[:-1] and storm["expr"].split()[-1] == "77"
    assert (storm["for"], storm["labels"]["severity"]) == ("3m", "info")


def test_the_operators_kinds_come_where_it_is():
    kinds = [{kind for kind, _ in chart.objects(*words)} for words in ((), chart.OPERATOR)]
    assert kinds[1] - kinds[0] == {"PodMonitor", "PrometheusRule"}


def test_each_page_gets_the_labels_of_what_it_stands_in_for():
    found = chart.objects(*chart.OPERATOR, values=(*chart.SHORTEST, "kubelet.enabled=true", "kubelet.volumes=true"))
    (monitor,) = [one for (kind, _), one in found.items() if kind == "PodMonitor"]
    labels = {endpoint["path"]: {rule["targetLabel"]: rule.get("replacement", rule.get("sourceLabels"))
                                 for rule in endpoint["relabelings"]}
              for endpoint in monitor["spec"]["podMetricsEndpoints"]}
    everywhere = {"cluster": "prod", "node": ["__meta_kubernetes_pod_node_name"]}
    assert labels == {
        "/metrics": everywhere,
        "/metrics/cadvisor": {**everywhere, "job": "kubelet", "metrics_path": "/metrics/cadvisor"},
        "/metrics/node": {**everywhere, "job": "node-exporter", "instance": ["__meta_kubernetes_pod_node_name"]},
        "/metrics/volumes": {**everywhere, "job": "kubelet", "metrics_path": "/metrics"}}


def test_every_dashboard_is_there():
    found = chart.objects()
    shipped = {path.name for path in (chart.ROOT / "dashboards/grafana").glob("*.json")}
    assert shipped
    there = {name for one in found.values() if one["metadata"]["labels"].get("grafana_dashboard") for name in one["data"]}
    assert there == shipped
    for one in found.values():
        assert len(json.dumps(one)) < 1_000_000, "etcd takes 1.5 MB"


def test_a_change_of_the_configuration_starts_the_agents_anew():
    sums = {chart.objects(values=(*chart.SHORTEST, f"config.log.level={level}"))[("DaemonSet", "watch-hinomi")]
            ["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for level in ("info", "warn")}
    assert len(sums) == 2


@pytest.mark.parametrize("make, file", [("chart_readme.page()", "README.md"), ("chart_schema.merged()", "values.schema.json")])
def test_what_is_made_is_as_its_sources_say(make, file):
    module = make.partition(".")[0]
    made = subprocess.run(["/usr/bin/python3", "-c", f"import {module}; print({make}, end='')"],
                          cwd=chart.ROOT / "packaging", capture_output=True, text=True, timeout=30, check=True).stdout
    assert made == (chart.CHART / file).read_text(), "run script/dashboards"


def test_a_setting_of_the_agent_is_merged_over_that_of_the_chart():
    wish = "config.sinks.elasticsearch.batch_bytes=1MiB"
    sink = yaml.safe_load(configuration_of(chart.objects(values=(*chart.SHORTEST, wish))))["sinks"]["elasticsearch"]
    assert sink == {"type": "elasticsearch", "endpoints": ["https://es.test:9200"], "batch_bytes": "1MiB"}
