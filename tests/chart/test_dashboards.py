"""The dashboards for Grafana: they are what their sources give, and ask for nothing that an agent does not emit."""
import itertools
import json
import re

import pytest
import yaml

import promql
from prometheus_tools import promtool

FILES = sorted(promql.GRAFANA.glob("*.json"))
TITLES = {"Agent", "Logs", "Sinks", "Containers", "Node", "Container storm", "Connections", "Releases", "Cost"}
BYTES_MAX = 900_000  # a ConfigMap has a megabyte, with all that is around it
UNITS = {"short", "percent", "percentunit", "bytes", "Bps", "pps", "s", "cpm"}
COLORS = {"green", "yellow", "orange", "red", "blue", "text"}  # of Grafana's palette: legible in both themes
LABEL_VALUES = re.compile(r"label_values\((?P<selector>.*), (?P<label>\w+)\)")
KINDS = {"timeseries", "stat", "table", "bargauge", "state-timeline"}


@pytest.fixture(scope="module")
def dashboards():
    return {file.stem: json.loads(file.read_text()) for file in FILES}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def every(dashboards, condition):
    """What of "dashboard: panel" does not meet the condition."""
    return [f'{name}: {panel["title"]}' for name, dashboard in dashboards.items() for panel in panels(dashboard)
            if not condition(panel)]


def expressions(dashboards):
    """[(where, expression as Grafana has it)] of every query, annotation and variable."""
    for name, dashboard in dashboards.items():
        for panel in panels(dashboard):
            yield from ((f'{name}: {panel["title"]}', target["expr"]) for target in panel["targets"])
        yield from ((f'{name}: {each["name"]}', each["expr"]) for each in dashboard["annotations"]["list"])
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                match = LABEL_VALUES.fullmatch(variable["definition"])
                yield f'{name}: ${variable["name"]}', f'group by ({match["label"]}) ({match["selector"]})'


def test_they_are_what_their_sources_give():
    made = promql.generator().texts()
    assert made.keys() == {file.name for file in FILES}
    changed = [file.name for file in FILES if file.read_text() != made[file.name]]
    assert not changed, "script/dashboards makes them anew"


def test_they_ask_for_what_an_agent_emits(dashboards, emitted):
    wrong = [f"{where}: {complaint}" for where, text in expressions(dashboards)
             for complaint in promql.complaints(promql.substituted(text), emitted)]
    assert not wrong


def test_prometheus_can_parse_every_expression(dashboards, directory):
    rules = [{"record": f"test:{number}", "expr": promql.substituted(text)}
             for number, (_, text) in enumerate(expressions(dashboards))]
    assert len(rules) > 200
    file = directory / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    assert all(f"{len(rules)} rules found" in said for said in promtool("check", "rules", file))


def test_names_and_links(dashboards):
    assert {dashboard["title"] for dashboard in dashboards.values()} == {f"Hinomi / {title}" for title in TITLES}
    uids = [dashboard["uid"] for dashboard in dashboards.values()]
    assert len(set(uids)) == len(uids) and all(re.fullmatch("hinomi-[a-z-]{1,33}", uid) for uid in uids)
    for dashboard in dashboards.values():
        assert dashboard["tags"] == ["hinomi"] and dashboard["schemaVersion"] >= 38
        assert [link["tags"] for link in dashboard["links"]] == [["hinomi"]]
        assert "id" not in dashboard  # Grafana gives it
    assert max(file.stat().st_size for file in FILES) < BYTES_MAX


def test_variables(dashboards):
    for dashboard in dashboards.values():
        variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
        assert list(variables) == ["datasource", "cluster", "node", "namespace"]
        assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
        for name in ("cluster", "node", "namespace"):
            variable = variables[name]
            # A cluster that has no name is matched too.
            assert variable["multi"] and variable["includeAll"] and variable["allValue"] == ".*"
            assert variable["query"]["query"] == variable["definition"]


def test_every_panel_says_what_it_means(dashboards):
    assert not every(dashboards, lambda panel: panel["title"] and len(panel["description"]) > 40)
    assert not every(dashboards, lambda panel: panel["type"] in KINDS)
    titles = [(name, panel["title"]) for name, dashboard in dashboards.items() for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


def test_every_panel_has_a_unit(dashboards):
    def known(panel):
        config = panel["fieldConfig"]
        units = [config["defaults"]["unit"], *(each["value"] for override in config["overrides"]
                                               for each in override["properties"] if each["id"] == "unit")]
        return all(unit in UNITS or unit.startswith("suffix: ") for unit in units)
    assert not every(dashboards, known)


def test_every_query_has_a_legend(dashboards):
    """Where a panel has one, and so that its labels are those of the query."""
    def named(panel):
        for target in panel["targets"]:
            _, groupings = promql.parse(promql.substituted(target["expr"]))
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            grouped = promql.created(target["expr"]).union(*(each.labels for each in groupings))
            if legend - grouped or panel["type"] not in ("stat", "table") and target["legendFormat"] == "__auto":
                return False
        return True
    assert not every(dashboards, named)


def test_rates_follow_the_interval(dashboards):
    ranges = {found for _, text in expressions(dashboards) for found in re.findall(r"\[[^\]]*\]", text)}
    assert ranges == {"[$__rate_interval]", "[$__range]"}


def test_every_expression_follows_the_variables(dashboards):
    """Every selector keeps to the chosen clusters and nodes; of the variables themselves those that come before."""
    wrong = []
    for where, text in expressions(dashboards):
        wanted = {"$cluster": set(), "$node": {"cluster"}}.get(where.split()[-1], {"cluster", "node"})
        selectors, _ = promql.parse(promql.substituted(text))
        wrong += [f"{where}: {each.name}" for each in selectors if not wanted <= {one.label for one in each.matchers}]
    assert not wrong


def test_colors_are_legible_in_both_themes(dashboards):
    text = json.dumps(dashboards)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", text)
    named = set(re.findall(r'"(?:color|iconColor)": "([^"]*)"', text))
    assert named and named <= COLORS


def overlap(one, other):
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


def test_panels_have_their_place(dashboards):
    for name, dashboard in dashboards.items():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
        assert not [pair for pair in itertools.combinations(places, 2) if overlap(*pair)], name


def test_marks(dashboards):
    for dashboard in dashboards.values():
        marks = {mark["name"]: mark["expr"] for mark in dashboard["annotations"]["list"]}
        assert marks.keys() == {"Releases", "Sink down"}
        assert "hinomi_release_info" in marks["Releases"] and "hinomi_sink_up" in marks["Sink down"]


def test_the_queries_for_others_are_those_of_the_panels(dashboards):
    """What promql.queries() gives to the test in a cluster."""
    of_files = [(name, promql.substituted(text)) for name, text in
                ((where.split(":")[0], text) for where, text in expressions(dashboards) if "$" not in where)]
    given = list(promql.queries())
    assert sorted(of_files) == sorted((each.dashboard, each.expression) for each in given)
    for each in given:
        if each.empty_unless and "annotation" not in each.panel:
            (panel,) = [panel for panel in panels(dashboards[each.dashboard]) if panel["title"] == each.panel]
            assert panel["description"].endswith(f"Empty unless {each.empty_unless}.")
