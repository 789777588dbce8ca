"""Kibana's saved objects: what they say is well-formed and refers to what exists. Nothing here asks a Kibana."""
import fnmatch
import importlib.util
import itertools
import json
import os
import pathlib
import re
import subprocess

import pytest

import chart
from kibana_queries import Query, queries
from kibana_stub import Kibana

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIBANA = ROOT / "dashboards/kibana"
BINARY = os.environ.get("HINOMI_BINARY", str(ROOT / "build/dev/hinomi"))
# The agent takes HINOMI_* for its own.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("HINOMI_")}
FILES = ("hinomi.ndjson", "opensearch.ndjson")
KINDS = ("index-pattern", "search", "visualization", "dashboard")
INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
# OpenSearch Dashboards stores its objects under a strict mapping; an index pattern may have more.
KNOWN = {"search": {"title", "description", "version", "columns", "sort", "kibanaSavedObjectMeta"},
         "visualization": {"title", "description", "version", "visState", "uiStateJSON", "kibanaSavedObjectMeta"},
         "dashboard": {"title", "description", "version", "panelsJSON", "optionsJSON", "timeRestore", "timeFrom",
                       "timeTo", "refreshInterval", "kibanaSavedObjectMeta"}}


@pytest.mark.parametrize("product, file", [("kibana", "hinomi.ndjson"), ("opensearch-dashboards", "opensearch.ndjson")])
def test_the_job_of_the_chart_loads_them(product, file, directory):
    """Its words are those that the binary takes."""
    found = chart.objects(values=(*chart.SHORTEST, f"kibana.product={product}", "kibana.url=http://kibana.test/base"))
    (job,) = [one["spec"]["template"]["spec"] for (kind, _), one in found.items() if kind == "Job"]
    objects = found[("ConfigMap", "watch-hinomi-kibana")]["data"]["objects.ndjson"]
    (directory / "objects.ndjson").write_text(objects)
    assert objects.strip() == (KIBANA / file).read_text().strip()
    (container,) = job["containers"]
    with Kibana("127.0.0.1") as server:
        words = [word.replace("http://kibana.test", server.url).replace("/objects/", f"{directory}/")
                 for word in container["args"]]
        done = subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=30, env=ENVIRONMENT)
        ((path, body),) = server.asked
    assert (done.returncode, done.stdout) == (0, "loaded 1 saved objects\n"), done.stderr
    assert path == "/base/api/saved_objects/_import?overwrite=true" and objects.strip() in body


def generator():
    specification = importlib.util.spec_from_file_location("kibana_generate", KIBANA / "generate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def saved_objects(name):
    return [json.loads(line) for line in (KIBANA / name).read_text().splitlines()]


def of_kind(name, kind):
    return [one["attributes"] for one in saved_objects(name) if one["type"] == kind]


def source_query(attributes):
    return json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]


def aggregated(name):
    """(title, field) of every aggregation over a field."""
    return [(state["title"], aggregation["params"]["field"])
            for state in (json.loads(attributes["visState"]) for attributes in of_kind(name, "visualization"))
            for aggregation in state["aggs"] if aggregation["type"] != "count"]


def used_fields(name):
    """(title, field) of all that an object shows, sorts by, aggregates or asks for."""
    found = aggregated(name)
    for attributes in of_kind(name, "search"):
        found += [(attributes["title"], field) for field in attributes["columns"]]
        found += [(attributes["title"], field) for field, _ in attributes["sort"]]
    for attributes in [*of_kind(name, "search"), *of_kind(name, "visualization")]:
        if source_query(attributes):
            found += [(attributes["title"], field) for field, _ in Query(source_query(attributes)).terms]
    return found + [("data view", attributes["timeFieldName"]) for attributes in of_kind(name, "index-pattern")]


# ------------------------------------------------------------------ what the agent writes

@pytest.fixture(scope="module")
def template():
    """The index template that the binary ships, with what it is composed of."""
    done = subprocess.run([BINARY, "config", "--elasticsearch-template", "--set", "sinks.stdout.type=elasticsearch", "--set",
                           "sinks.stdout.endpoints=http://127.0.0.1:9200"], capture_output=True, text=True, timeout=30,
                          env=ENVIRONMENT)
    parts = {path: json.loads(body) for path, body in
             (part.split("\n", 1) for part in f"\n{done.stdout}".split("\nPUT ")[1:])}
    name = "hinomi-logs-kubernetes.container_logs-default"
    index = parts.pop(f"/_index_template/{name}")
    assert [f"/_component_template/{part}" for part in index["composed_of"]] == list(parts), done.stderr
    return {**index, "template": parts[f"/_component_template/{name}-mappings"]["template"]}


def explicit_type(mapping, field):
    """The type that the mapping names for a field or a sub-field of one; None where it names none."""
    node, kind = mapping, None
    for part in field.split("."):
        node = {**node.get("properties", {}), **node.get("fields", {})}.get(part)
        if node is None:
            return None
        kind = node.get("type", "object")
        if not node.get("enabled", True):
            return None
    return None if kind == "object" else kind


def documented_events():
    """{action: fields} of docs/events.md."""
    section = (ROOT / "docs/events.md").read_text().split("## Fields")[1].split("\n## ")[0]
    events = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`") and cells[0] != "`action`":
            fields = re.sub(r"\(.*?\)|: .*", "", cells[3])  # what is in parentheses or behind a colon are values
            for action in re.findall(r"`([\w-]+)`", cells[0]):
                events[action] = set(re.findall(r"`(\w+)`", fields))
    # A row may say "the same without `last_lines`".
    events["container-completed"] = events["container-died"] - {"last_lines"}
    return events


def event_fields():
    fields = set().union(*documented_events().values()) | {"action"}
    return {f"hinomi.event.{field}" for field in fields}


def exists(template, field):
    """Whether the template names the field, as one that can be searched."""
    return bool(explicit_type(template["template"]["mappings"], field))


# ------------------------------------------------------------------ tests

def test_the_files_are_what_the_source_gives():
    assert {name: (KIBANA / name).read_text() for name in FILES} == generator().files(), \
        "run dashboards/kibana/generate.py"


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_an_object_whose_references_are_in_the_file(name):
    objects = saved_objects(name)
    there = [(one["type"], one["id"]) for one in objects]
    assert len(set(there)) == len(there) and {kind for kind, _ in there} == set(KINDS)
    for at, one in enumerate(objects):
        assert {"id", "type", "attributes", "references"} < set(one)
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in there[:at], f"{one['id']} refers to {reference}"
        names = [reference["name"] for reference in one["references"]]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", FILES)
def test_what_stands_in_strings_is_json_and_its_references_exist(name):
    for one in saved_objects(name):
        attributes, names = one["attributes"], {reference["name"] for reference in one["references"]}
        if one["type"] == "index-pattern":
            continue
        source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert source["query"]["language"] == "kuery" and source["filter"] == []
        if one["type"] == "dashboard":
            json.loads(attributes["optionsJSON"])
        else:
            assert source["indexRefName"] in names == {INDEX}
        if one["type"] == "visualization":
            state, _ = json.loads(attributes["visState"]), json.loads(attributes["uiStateJSON"])
            assert state["title"] == attributes["title"] and state["type"] in ("histogram", "table")
            ids = [aggregation["id"] for aggregation in state["aggs"]]
            assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", FILES)
def test_the_panels_of_the_dashboard_refer_to_objects_and_do_not_overlap(name):
    (one,) = (one for one in saved_objects(name) if one["type"] == "dashboard")
    panels = json.loads(one["attributes"]["panelsJSON"])
    prefixed = "typeMigrationVersion" in one  # Kibana's names of references begin with the panel's
    wanted = [(panel["panelIndex"] + ":" if prefixed else "") + panel["panelRefName"] for panel in panels]
    assert wanted == [reference["name"] for reference in one["references"]]
    taken = set()
    for panel in panels:
        grid = panel["gridData"]
        assert grid["i"] == panel["panelIndex"] and grid["x"] + grid["w"] <= 48
        columns, lines = (range(grid[at], grid[at] + grid[size]) for at, size in (("x", "w"), ("y", "h")))
        cells = set(itertools.product(columns, lines))
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("name", FILES)
def test_every_object_has_a_description_and_only_attributes_that_are_known(name):
    for one in saved_objects(name):
        if one["type"] != "index-pattern":
            assert set(one["attributes"]) == KNOWN[one["type"]]
            assert len(one["attributes"]["description"]) > 20, one["id"]


def test_each_file_says_versions_as_its_importer_reads_them():
    for one in saved_objects("hinomi.ndjson"):
        assert one["coreMigrationVersion"] == "8.8.0" and "migrationVersion" not in one
        assert [int(part) for part in one["typeMigrationVersion"].split(".")] <= [8, 8, 0]
    for one in saved_objects("opensearch.ndjson"):
        assert set(one["migrationVersion"]) == {one["type"]}
        assert "coreMigrationVersion" not in one and "typeMigrationVersion" not in one
        assert [int(part) for part in one["migrationVersion"][one["type"]].split(".")] <= [7, 10, 0]


@pytest.mark.parametrize("name", FILES)
def test_every_field_exists_in_the_template(template, name):
    missing = [(title, field) for title, field in used_fields(name) if not exists(template, field)]
    assert not missing


@pytest.mark.parametrize("name", FILES)
def test_what_is_aggregated_is_there_before_the_first_document(template, name):
    types = {field: explicit_type(template["template"]["mappings"], field) for _, field in aggregated(name)}
    assert types and all(kind in ("keyword", "long", "date", "date_nanos") for kind in types.values()), types


@pytest.mark.parametrize("name", FILES)
def test_the_data_view_fits_the_index_that_the_agent_writes_to(template, name):
    (view,) = of_kind(name, "index-pattern")
    (index,) = template["index_patterns"]
    assert fnmatch.fnmatchcase(index, view["title"])
    assert explicit_type(template["template"]["mappings"], view["timeFieldName"]) in ("date", "date_nanos")


def test_queries_ask_for_actions_that_the_agent_has():
    asked = {value for _, kql, _ in queries() for field, value in Query(kql).terms if field == "hinomi.event.action"}
    assert asked - {"*"} == set(documented_events()), "each action is in a search, and each that is searched exists"


@pytest.mark.parametrize("name", FILES)
def test_what_is_aggregated_of_events_is_a_field_of_the_actions_that_are_asked_for(name):
    checked = 0
    for attributes in of_kind(name, "visualization"):
        fields = {field.removeprefix("hinomi.event.") for title, field in aggregated(name)
                  if title == attributes["title"] and field.startswith("hinomi.event.")}
        if fields:
            terms = Query(source_query(attributes)).terms
            actions = [value for field, value in terms if field == "hinomi.event.action"]
            assert actions and len(actions) == len(terms), attributes["title"]
            assert not [action for action in actions if not fields <= documented_events()[action]]
            checked += 1
    assert checked


def code_of(*folders):
    return "".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.cc"))
                   if "_test" not in path.name)


def test_the_fields_that_docs_events_names_are_in_the_code():
    fields = {field.rsplit(".", 1)[1] for field in event_fields()}
    assert {"exit_code", "sink", "version"} < fields
    assert not {field for field in fields if f'"{field}"' not in code_of("shipper", "app")}


def test_a_refusal_is_searched_in_the_words_in_which_the_agent_tells_it():
    code = re.sub(r'"\s+"', "", code_of("shipper"))  # a text may be in several pieces
    (kql,) = (kql for title, kql, _ in queries() if "refused" in title)
    phrases = [value for field, value in Query(kql).terms if field == "message"]
    assert phrases and not [phrase for phrase in phrases if phrase not in code]


@pytest.mark.parametrize("name", FILES)
def test_the_files_ask_what_the_searches_of_the_source_ask(name):
    assert [(attributes["title"], source_query(attributes)) for attributes in of_kind(name, "search")] == \
        [(title, kql) for title, kql, _ in queries()]


@pytest.mark.parametrize("text", [
    "a:1 and b:2", "a:1 AND b:2 OR c:3", "NOT a:1", "a:1 OR NOT b:2", "a > 1", "a:>1", "a:[1 TO 2]", "a:1 b:2", "word",
    "a:(1 2)", '"phrase"', "a:b*", "a:b~", "a:(1 OR 2", 'a:"\\""', "a:container-died", "", "a:1)", "a:(x AND y)",
    "a:not"])
def test_what_kql_and_lucene_read_differently_is_refused(text):
    with pytest.raises(ValueError):
        Query(text)


def test_a_query_is_taken_apart():
    query = Query('(a.b:(x OR "y z") OR @c:*) AND NOT d_e:1')
    assert query.terms == [("a.b", "x"), ("a.b", "y z"), ("@c", "*"), ("d_e", "1")]


@pytest.mark.parametrize("field, there", [
    ("message", True), ("message.cjk", True), ("kubernetes.pod.name", True), ("hinomi.event.exit_code", True), ("hinomi.event.action", True),
    ("kubernetes.pod.nmae", False), ("message.keyword", False), ("kubernetes.pod", False), ("level", False),
    ("hinomi.event.exit_cod", False), ("hinomi.event", False),
    ("kubernetes.namespace.name", False), ("json", False), ("json.a", False)])
def test_which_fields_exist(template, field, there):
    assert exists(template, field) is there
