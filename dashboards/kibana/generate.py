#!/usr/bin/python3
"""Makes hinomi.ndjson, for Kibana 8.8 and newer, and opensearch.ndjson, for OpenSearch Dashboards, of source.yaml: one
saved object a line. Both have the same attributes, which are those that OpenSearch Dashboards knows, and classic
visualizations. They differ in how an object says which version wrote it, and a dashboard refers to its panels."""
import json
import pathlib

import yaml

HERE = pathlib.Path(__file__).resolve().parent
WIDTH = 48  # columns of a dashboard
BUCKETS = 20
INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
# By type, the version of the format that is written here: an importer migrates from there, and refuses what is newer
# than it knows. Kibana takes these from 8.8 on.
KIBANA_CORE = "8.8.0"
KIBANA = {"index-pattern": "8.0.0", "search": "7.9.3", "visualization": "8.5.0", "dashboard": "7.17.3"}
OPENSEARCH = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}


def text(value):
    """JSON in a string, as saved objects have it."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def query_of(query):
    return {"query": {"query": query, "language": "kuery"}, "filter": []}


def search_source(query):
    return {"searchSourceJSON": text({**query_of(query), "indexRefName": INDEX})}


def saved(kind, entry, references, **attributes):
    """An object without what says its version."""
    common = {"title": entry["title"]} if kind == "index-pattern" else {
        "title": entry["title"], "description": entry["description"], "version": 1}
    return {"type": kind, "id": entry["id"], "attributes": {**common, **attributes}, "references": references}


def to_index(source):
    return [{"type": "index-pattern", "id": source["data_view"]["id"], "name": INDEX}]


def data_view(source, kibana):
    entry = source["data_view"]
    # Without allowNoIndex Kibana complains until the first document is there.
    more = {"name": entry["name"], "allowNoIndex": True} if kibana else {}
    return saved("index-pattern", entry, [], timeFieldName=entry["time"], **more)


def search(source, entry):
    sort = entry.get("sort", [[source["data_view"]["time"], "desc"]])
    return saved("search", entry, to_index(source), columns=entry["columns"], sort=sort,
                 kibanaSavedObjectMeta=search_source(entry["query"]))


def aggregation(number, kind, schema, **params):
    return {"id": str(number), "enabled": True, "type": kind, "schema": schema, "params": params}


def terms(number, schema, split):
    return aggregation(number, "terms", schema, field=split["field"], customLabel=split["label"], size=BUCKETS,
                       orderBy="1", order="desc", otherBucket=schema == "group", otherBucketLabel="other",
                       missingBucket=True, missingBucketLabel="none")


def bars(time, entry):
    """The state of stacked bars over time."""
    measure = measured(entry)
    label = measure["params"]["customLabel"]
    category = {"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "style": {},
                "title": {}, "scale": {"type": "linear"}, "labels": {"show": True, "filter": True, "truncate": 100}}
    value = {"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True, "style": {},
             "scale": {"type": "linear", "mode": "normal"}, "title": {"text": label},
             "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100}}
    series = {"show": True, "type": "histogram", "mode": "stacked", "data": {"id": "1", "label": label},
              "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "lineWidth": 2, "showCircles": True}
    params = {"type": "histogram", "grid": {"categoryLines": False}, "categoryAxes": [category], "valueAxes": [value],
              "seriesParams": [series], "addTooltip": True, "detailedTooltip": True, "addLegend": True,
              "legendPosition": "right", "times": [], "addTimeMarker": False, "labels": {"show": False},
              "palette": {"type": "palette", "name": "default"},
              "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"}}
    buckets = [aggregation(2, "date_histogram", "segment", field=time, interval="auto", min_doc_count=1,
                           drop_partials=False, useNormalizedEsInterval=True, scaleMetricValues=False,
                           extended_bounds={}),
               terms(3, "group", entry["over_time"])]
    return {"type": "histogram", "params": params, "aggs": [measure, *buckets]}


def table(time, entry):
    """The state of a table, with the first and the last time where `times` are wanted."""
    params = {"perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False,
              "totalFunc": "sum", "percentageCol": "", "showToolbar": True}
    buckets = [terms(2 + at, "bucket", split) for at, split in enumerate(entry["table"])]
    metrics = [aggregation(20, "min", "metric", field=time, customLabel="first"),
               aggregation(21, "max", "metric", field=time, customLabel="last")] if "times" in entry else []
    return {"type": "table", "params": params, "aggs": [measured(entry), *buckets, *metrics]}


def measured(entry):
    """What is counted or summed up, and what rows and bars are ordered by."""
    if "sum" in entry:
        return aggregation(1, "sum", "metric", field=entry["sum"]["field"], customLabel=entry["sum"]["label"])
    return aggregation(1, "count", "metric", customLabel="records")


def visualization(source, entry):
    time = source["data_view"]["time"]
    queries = {one["id"]: one["query"] for one in source["searches"]}
    state = (bars if "over_time" in entry else table)(time, entry)
    return saved("visualization", entry, to_index(source), uiStateJSON="{}",
                 visState=text({"title": entry["title"], **state}),
                 kibanaSavedObjectMeta=search_source(queries[entry["search"]] if "search" in entry else ""))


def dashboard(source, kinds, kibana):
    """`kinds`: the type of each object by its id."""
    entry, panels, references, top = source["dashboard"], [], [], 0
    for row in entry["rows"]:
        width = WIDTH // len(row["panels"])
        for place, panel in enumerate(row["panels"]):
            number = str(len(panels) + 1)
            panels.append({"version": KIBANA_CORE if kibana else "7.10.0", "panelIndex": number,
                           "panelRefName": f"panel_{number}", "embeddableConfig": {},
                           "gridData": {"x": place * width, "y": top, "w": width, "h": row["height"], "i": number},
                           **({"type": kinds[panel]} if kibana else {})})
            references.append({"type": kinds[panel], "id": panel,
                               "name": f"{number}:panel_{number}" if kibana else f"panel_{number}"})
        top += row["height"]
    return saved("dashboard", entry, references, panelsJSON=text(panels), timeRestore=True, timeFrom=entry["from"],
                 timeTo="now", refreshInterval={"pause": True, "value": 0},
                 optionsJSON=text({"useMargins": True, "hidePanelTitles": False}),
                 kibanaSavedObjectMeta={"searchSourceJSON": text(query_of(""))})


def versioned(one, kibana):
    if kibana:
        return {**one, "coreMigrationVersion": KIBANA_CORE, "typeMigrationVersion": KIBANA[one["type"]]}
    return {**one, "migrationVersion": {one["type"]: OPENSEARCH[one["type"]]}}


def saved_objects(source, kibana):
    """All of them, what is referred to before what refers to it."""
    parts = [*(search(source, entry) for entry in source["searches"]),
             *(visualization(source, entry) for entry in source["visualizations"])]
    kinds = {part["id"]: part["type"] for part in parts}
    return [versioned(one, kibana) for one in [data_view(source, kibana), *parts, dashboard(source, kinds, kibana)]]


def files():
    """{name: content}"""
    source = yaml.safe_load((HERE / "source.yaml").read_text())
    return {name: "".join(text(one) + "\n" for one in saved_objects(source, kibana))
            for name, kibana in (("hinomi.ndjson", True), ("opensearch.ndjson", False))}


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_text(content)
