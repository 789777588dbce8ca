#!/usr/bin/python3
"""Writes helm/hinomi/README.md: packaging/chart_readme.md, and a table of the chart's values made from the comments in
values.yaml and from the types in values.schema.json."""
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
CHART = ROOT / "helm/hinomi"
KEY = re.compile(r"^( *)([A-Za-z]+):")


def comments(text):
    """{path of a key: the comment above it}"""
    found, path, said = {}, [], []
    for line in text.splitlines():
        if line.strip().startswith("#"):
            said.append(line.strip("# "))
        elif key := KEY.match(line):
            path[len(key[1]) // 2:] = [key[2]]
            found[".".join(path)] = " ".join(said)
            said = []
        elif not line.strip():
            said = []
    return found


def kind(schema):
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in schema["enum"] if one != "")
    names = schema.get("type", "any")
    return " or ".join([names] if isinstance(names, str) else names)


def rows(values, schema, said, path=()):
    for name, value in values.items():
        key, types = ".".join((*path, name)), schema.get("properties", {}).get(name, {})
        if isinstance(value, dict) and "properties" in types and key in said and any(f"{key}.{one}" in said for one in value):
            if said[key]:
                yield f"| `{key}` | | | {said[key]} |"
            yield from rows(value, types, said, (*path, name))
        else:
            default = json.dumps(value).replace("|", "\\|")
            yield f"| `{key}` | {kind(types)} | `{default}` | {said.get(key, '')} |"


def page():
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    table = ["| value | type | default | meaning |", "|---|---|---|---|", *rows(yaml.safe_load(text), schema, comments(text))]
    return pathlib.Path(__file__).with_suffix(".md").read_text() + "\n## Values\n\n" + "\n".join(table) + "\n"


if __name__ == "__main__":
    (CHART / "README.md").write_text(page())
