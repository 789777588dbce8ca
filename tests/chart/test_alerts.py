"""The alert rules: what each has to have, that it is tested, and that it needs nothing that the agent does not emit."""
import pathlib
import re

import pytest
import yaml

import chart
import promql
from prometheus_tools import promtool, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "dashboards/prometheus"
RULES, ALERTMANAGER = DIRECTORY / "rules.yaml", DIRECTORY / "alertmanager.yaml"
TESTS = sorted((DIRECTORY / "tests").glob("*.yaml"))
RUNBOOKS = ROOT / "dashboards/runbooks"
RUNBOOK_URL = "https://github.com/hinomi/hinomi/blob/main/dashboards/runbooks/"

GROUPS = yaml.safe_load(RULES.read_text())["groups"]
RULE_LIST = [rule for group in GROUPS for rule in group["rules"]]
RECORDS = {rule["record"]: rule for rule in RULE_LIST if "record" in rule}
ALERTS = {rule["alert"]: rule for rule in RULE_LIST if "alert" in rule}
CASES = [(test, case) for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]
         for case in test["alert_rule_test"]]

# What Prometheus itself gives, as emitted.metrics() does.
OF_PROMETHEUS = {"up": {"container": {"hinomi"}}, "ALERTS": {"alertname": set(ALERTS), "alertstate": {"pending", "firing"}}}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
COMPARISON = re.compile(r"[<>=!]=|[<>]")
THRESHOLD = re.compile(r"(?:[<>=!]=|[<>])\s+\d+(?:\.\d+)?\s*\Z")
AGGREGATION = re.compile(r"\b(?:sum|min|max|avg|count|group|topk|bottomk|quantile|stddev|stdvar|count_values)\b")
LABEL_LIST = re.compile(r"\b(by|on|without|ignoring|group_left|group_right)\s*\(([^()]*)\)")

per_alert = pytest.mark.parametrize("name", ALERTS)


def names(expression):
    return {selector.name for selector in promql.parse(expression)[0]}


def outermost(expression):
    """What of an expression stands in no parentheses, without texts and matchers."""
    depth, found = 0, ""
    for character in STRING.sub('""', expression):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(character, 0)
        found += character if depth == 0 else ""
    return found


def cases_of(name, fires):
    return [test for test, case in CASES if case["alertname"] == name and bool(case.get("exp_alerts")) == fires]


def metrics_of(test):
    return {series["series"].split("{")[0] for series in test["input_series"]}


def inputs_of(expression):
    """The metrics behind an expression, through recording rules and other alerts."""
    found = names(expression)
    for rule in RULE_LIST:
        if rule.get("record") in found or ("ALERTS" in found and rule.get("alert", " ") in expression):
            found |= names(rule["expr"])
    return found - RECORDS.keys() - {"ALERTS"}


def known(emitted):
    """That, and what Prometheus and the rules add to it."""
    return {**emitted, **OF_PROMETHEUS, **{record: {} for record in RECORDS}}


def test_promtool_takes_the_rules():
    promtool("check", "rules", RULES)


def test_promtool_runs_the_tests():
    promtool("test", "rules", *TESTS)


def test_alertmanager_takes_the_example():
    run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize("alert, receiver", [("ReleaseChanged", "releases"), ("ContainerStorm", "chat")])
def test_where_an_alert_goes(alert, receiver):
    labels = [f"{name}={text}" for name, text in {"alertname": alert, **ALERTS[alert]["labels"]}.items()]
    assert run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels).split() == [receiver]


def test_alertmanager_names_alerts_that_there_are():
    text = ALERTMANAGER.read_text()
    matchers = re.findall(r'alertname (?:=~|!~|=|!=) "?([\w|.*]+)', text)
    assert matchers
    for pattern in "|".join(matchers).split("|"):
        assert [name for name in ALERTS if re.fullmatch(pattern, name)], pattern


def test_alertmanager_reads_secrets_from_files():
    def keys(value):
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()
    secret = re.compile(r"credentials|password|token|secret|api_?key|api_url|client_key")
    assert not {key for key in keys(yaml.safe_load(ALERTMANAGER.read_text()))
                if secret.search(key) and not key.endswith("_file")}


@per_alert
def test_an_alert_says_what_people_need(name):
    rule = ALERTS[name]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"{RUNBOOK_URL}{name}.md"
    # One sentence, with the cluster and every other name that the alert is grouped by.
    assert notes["summary"].endswith(".") and ". " not in re.sub(r"{{.*?}}", "", notes["summary"], flags=re.DOTALL)
    assert "$labels.cluster" in notes["summary"]
    assert "See first " in notes["description"] or rule["labels"]["severity"] == "info"


@per_alert
def test_an_expression_ends_with_its_threshold(name):
    """So that a chart can replace the number; all of the expression is on the other side of that comparison."""
    expression = ALERTS[name]["expr"]
    assert THRESHOLD.search(expression)
    rest = outermost(expression)
    assert len(COMPARISON.findall(rest)) == 1
    assert not re.search(r"\b(and|or|unless)\b", rest)


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: rule.get("alert") or rule["record"])
def test_the_cluster_is_kept(rule):
    expression = STRING.sub('""', rule["expr"])
    for aggregation in AGGREGATION.finditer(expression):
        assert re.match(r"\s+by\s*\([^()]*\bcluster\b", expression[aggregation.end():]), aggregation[0]
    for word, labels in LABEL_LIST.findall(expression):
        assert ("cluster" in re.findall(r"\w+", labels)) == (word in ("by", "on")), f"{word} ({labels})"
    assert "absent" not in expression
    # Without any, pod and instance of the agent would be labels of the alert.
    assert AGGREGATION.search(expression)


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: rule.get("alert") or rule["record"])
def test_no_other_exporter_is_needed(rule):
    assert not [name for name in names(rule["expr"]) if name.startswith("kube_")]


@pytest.mark.parametrize("rule", RULE_LIST, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_use_only_what_the_agent_emits(rule, emitted):
    assert not promql.complaints(rule["expr"], known(emitted))


@per_alert
def test_texts_name_only_what_the_agent_emits(name, emitted):
    text = " ".join(ALERTS[name]["annotations"].values())
    assert set(re.findall(r"\b(?:hinomi|node|container|process)_[a-z_]+\b", text)) <= emitted.keys()
    for query in re.findall(r'printf\s+"([^"]*{[^"]*)"', text):
        assert not promql.complaints(query.replace("=%q", '=~".*"'), known(emitted))


def test_tests_give_only_what_the_agent_emits(emitted):
    """Names, labels, and of labels that are not the world's their values: a rule is not tested with what never comes."""
    series = {one["series"] for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]
              for one in test["input_series"]}
    found = {each: promql.complaints(promql.of_any(each), known(emitted)) for each in series}
    assert not {each: complaints for each, complaints in found.items() if complaints}


def test_the_agents_container_is_called_as_the_rules_have_it():
    containers = [container["name"] for (kind, _), one in chart.objects().items() if kind == "DaemonSet"
                  for container in one["spec"]["template"]["spec"]["containers"]]
    assert set(containers) == OF_PROMETHEUS["up"]["container"]


@per_alert
def test_an_alert_is_seen_to_fire_and_to_stay_silent(name):
    """In a test that has the alert's own metrics, so that it does not stay silent for want of any."""
    wanted = inputs_of(ALERTS[name]["expr"])
    assert cases_of(name, fires=True)
    assert [test for test in cases_of(name, fires=False) if metrics_of(test) & wanted]


@per_alert
def test_an_alert_is_tested_beside_another_cluster(name):
    """Which has the same metric and none of whose rows get into the first one's."""
    def clusters(test):
        wanted = inputs_of(ALERTS[name]["expr"])
        return {re.search(r'\bcluster="([^"]+)"', series["series"])[1] for series in test["input_series"]
                if series["series"].split("{")[0] in wanted}
    assert [test for test in cases_of(name, fires=True) if len(clusters(test)) > 1]


def test_tests_are_about_alerts_that_there_are():
    assert {case["alertname"] for _, case in CASES} == ALERTS.keys()
