"""Makes the dashboards (dashboards/grafana/*.json) of their sources (dashboards/grafana/source/*.yaml).

A source says what a panel shows; how Grafana wants to be told is said here, once. In expressions `@node` stands for the
matchers of cluster and node, `@namespace` for these and that of the namespace, `@container` for these and what makes a
row one of a container, and `@bottlenecks` for all of bottleneck.yaml.
"""
import json
import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
NODE = 'cluster=~"$cluster",node=~"$node"'
NAMESPACE = NODE + ',namespace=~"$namespace"'
# Rows of containers have an image; those of pods, slices and of /metrics/resource would be counted on top.
MATCHERS = {"@node": NODE, "@namespace": NAMESPACE, "@container": NAMESPACE + ',container!="",image!=""'}
COLUMNS = 24
SIZES = {"timeseries": (12, 8), "stat": (4, 4), "table": (24, 9), "bargauge": (12, 10), "state-timeline": (24, 7)}
INSTANT = ("table", "bargauge")
PANEL_KEYS = {"title", "description", "unit", "kind", "query", "legend", "queries", "width", "height", "min", "max",
              "stack", "decimals", "thresholds", "values", "empty_unless"}

# Marks on every dashboard. A change is a release that is here and was not five minutes ago, of a workload that was.
RELEASED = ("group by (cluster, namespace, workload, branch, commit) (hinomi_release_info{@namespace}) unless "
            "group by (cluster, namespace, workload, branch, commit) (hinomi_release_info{@namespace} offset 5m)"
            " and on (cluster, namespace, workload) hinomi_release_info{@namespace} offset 5m")
ANNOTATIONS = [
    {"name": "Releases", "color": "blue", "query": RELEASED, "title": "Release: {{namespace}}/{{workload}}",
     "text": "{{branch}} {{commit}} {{cluster}}", "empty_unless": "a workload changes its commit"},
    {"name": "Sink down", "color": "red", "query": "group by (cluster, sink) (hinomi_sink_up{@node} == 0)",
     "title": "Sink {{sink}} takes nothing", "text": "From down to up, on some node. {{cluster}}",
     "empty_unless": "a sink takes nothing"},
]


def bottleneck():
    """{resource: expression}, as the file has them."""
    return yaml.safe_load((HERE / "bottleneck.yaml").read_text())


def bottlenecks():
    """One expression for all five, by the label `resource`."""
    parts = [f'label_replace({text.strip()}, "resource", "{name}", "", "")' for name, text in bottleneck().items()]
    return "\nor ".join(parts)


def expanded(expression):
    """The expression as Grafana gets it."""
    expression = expression.strip().replace("@bottlenecks", bottlenecks())
    for name, matchers in MATCHERS.items():
        expression = expression.replace(name, matchers)
    return expression


def variables(namespaces):
    """The four; the namespaces are those of the metric of that name."""
    def query(name, label, selector):
        definition = f"label_values({selector}, {label})"
        return {"name": name, "label": label.capitalize(), "type": "query", "datasource": DATASOURCE,
                "definition": definition, "query": {"query": definition, "refId": f"variable-{name}", "qryType": 1},
                "multi": True, "includeAll": True, "allValue": ".*", "refresh": 2, "sort": 1, "hide": 0, "options": [],
                "current": {"text": ["All"], "value": ["$__all"], "selected": True}}
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
         "multi": False, "includeAll": False, "refresh": 1, "options": [], "current": {}},
        query("cluster", "cluster", "hinomi_build_info"),
        query("node", "node", 'hinomi_build_info{cluster=~"$cluster"}'),
        query("namespace", "namespace", f"{namespaces}{{{NODE}}}"),
    ]


def annotation(described):
    return {"name": described["name"], "datasource": DATASOURCE, "enable": True, "iconColor": described["color"],
            "expr": expanded(described["query"]), "step": "60s", "titleFormat": described["title"],
            "textFormat": described["text"], "useValueForTime": False}


def targets(described):
    """The queries of a panel."""
    made = []
    for number, query in enumerate(queries_of(described)):
        instant = kind_of(described) in INSTANT
        made.append({"refId": chr(ord("A") + number), "datasource": DATASOURCE, "expr": expanded(query["query"]),
                     "legendFormat": query.get("legend", "__auto"), "instant": instant, "range": not instant,
                     "format": "table" if kind_of(described) == "table" else "time_series", "editorMode": "code"})
    return made


def kind_of(described):
    return described.get("kind", "timeseries")


def queries_of(described):
    return described.get("queries") or [{"query": described["query"], "legend": described.get("legend", "__auto")}]


def description(described):
    """It says itself when nothing is to be seen."""
    unless = described.get("empty_unless")
    return " ".join(described["description"].split()) + (f" Empty unless {unless}." if unless else "")


def steps(described):
    """Thresholds by the names of Grafana's palette, which has a shade of each for both themes."""
    given = described.get("thresholds") or {}
    return [{"color": "green" if given else "text", "value": None},
            *({"color": color, "value": value} for color, value in given.items())]


def field_config(described):
    kind = kind_of(described)
    defaults = {"unit": described["unit"], "thresholds": {"mode": "absolute", "steps": steps(described)},
                "color": {"mode": "thresholds" if kind != "timeseries" else "palette-classic"}}
    defaults.update({key: described[key] for key in ("min", "max", "decimals") if key in described})
    if "values" in described:
        options = {str(value): {"text": text, "color": color, "index": index}
                   for index, (value, (text, color)) in enumerate(described["values"].items())}
        defaults["mappings"] = [{"type": "value", "options": options}]
    overrides = []
    if kind == "timeseries":
        stack = described.get("stack", False)
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 25 if stack else 5,
                              "showPoints": "never", "spanNulls": False,
                              "stacking": {"mode": "normal" if stack else "none", "group": "A"},
                              "thresholdsStyle": {"mode": "dashed" if described.get("thresholds") else "off"}}
    if kind == "table":
        for query in queries_of(described):
            if "unit" in query:
                overrides.append({"matcher": {"id": "byName", "options": query["legend"]},
                                  "properties": [{"id": "unit", "value": query["unit"]}]})
    return {"defaults": defaults, "overrides": overrides}


def options(described):
    kind = kind_of(described)
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    legend = {"displayMode": "table", "placement": "bottom", "showLegend": True}
    return {
        "timeseries": {"legend": {**legend, "calcs": ["lastNotNull", "max"], "sortBy": "Last *", "sortDesc": True},
                       "tooltip": {"mode": "multi", "sort": "desc"}},
        "stat": {"reduceOptions": reduced, "colorMode": "value" if described.get("thresholds") else "none",
                 "graphMode": "area", "textMode": "auto", "justifyMode": "auto", "orientation": "auto"},
        "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
        "bargauge": {"reduceOptions": reduced, "displayMode": "basic", "orientation": "horizontal",
                     "showUnfilled": True, "valueMode": "text", "minVizHeight": 16},
        "state-timeline": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                           "mergeValues": True, "showValue": "auto", "rowHeight": 0.9, "alignValue": "left"},
    }[kind]


def transformations(described):
    """Of a table: one row for the same labels, columns by their legends, no time."""
    queries = queries_of(described)
    names = ["Value"] if len(queries) == 1 else [f"Value #{chr(ord('A') + i)}" for i in range(len(queries))]
    renamed = {name: query["legend"] for name, query in zip(names, queries)}
    return [{"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": renamed}}]


def panel(described, number, place):
    kind = kind_of(described)
    unknown = described.keys() - PANEL_KEYS
    assert not unknown, f'"{described.get("title")}": unknown: {unknown}'
    made = {"id": number, "type": kind, "title": described["title"], "description": description(described),
            "datasource": DATASOURCE, "gridPos": place, "targets": targets(described),
            "fieldConfig": field_config(described), "options": options(described)}
    return {**made, "transformations": transformations(described)} if kind == "table" else made


def panels(rows):
    """Those of all rows, from left to right and from top to bottom."""
    made, top = [], 0
    for row in rows:
        made.append({"id": len(made) + 1, "type": "row", "title": row["title"], "collapsed": False, "panels": [],
                     "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}})
        top, left, tallest = top + 1, 0, 0
        for described in row["panels"]:
            width, height = SIZES[kind_of(described)]
            width, height = described.get("width", width), described.get("height", height)
            if left + width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            made.append(panel(described, len(made) + 1, {"x": left, "y": top, "w": width, "h": height}))
            left, tallest = left + width, max(tallest, height)
        top += tallest
    return made


def dashboard(name, source):
    links = {"type": "dashboards", "title": "Hinomi", "tags": ["hinomi"], "asDropdown": True, "includeVars": True,
             "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "", "url": ""}
    return {"uid": f"hinomi-{name.replace('_', '-')}", "title": source["title"], "description": source["description"],
            "tags": ["hinomi"], "schemaVersion": 38, "version": 1, "editable": True, "graphTooltip": 1,
            "refresh": "1m", "time": {"from": "now-3h", "to": "now"}, "timezone": "browser", "links": [links],
            "templating": {"list": variables(source.get("namespaces", "container_memory_working_set_bytes"))},
            "annotations": {"list": [annotation(each) for each in ANNOTATIONS]}, "panels": panels(source["rows"])}


def sources():
    """{name: source}"""
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted((HERE / "source").glob("*.yaml"))}


def texts():
    """{name of a file: its text}"""
    return {f"{name}.json": json.dumps(dashboard(name, source), indent=1, ensure_ascii=False) + "\n"
            for name, source in sources().items()}


def main():
    made = texts()
    for stale in {file.name for file in HERE.glob("*.json")} - made.keys():
        (HERE / stale).unlink()
    for name, text in made.items():
        (HERE / name).write_text(text)
    print(f"{len(made)} dashboards in {HERE.relative_to(HERE.parents[1])}", file=sys.stderr)


if __name__ == "__main__":
    main()
