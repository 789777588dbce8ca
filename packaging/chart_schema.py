#!/usr/bin/python3
"""Puts the schema of the agent's configuration, docs/configuration.schema.json, into the chart's values.schema.json as
that of the value `config`. There a sink needs no type: what stands below `config.sinks.kafka` may be merged over what the
chart makes of `kafka`."""
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "helm/hinomi/values.schema.json"


def merged():
    values = json.loads(SCHEMA.read_text())
    agent = json.loads((ROOT / "docs/configuration.schema.json").read_text())
    del agent["$schema"], agent["title"]
    sink = agent["properties"]["sinks"]["additionalProperties"]
    sink.pop("required")
    for case in sink["allOf"]:
        case["then"].pop("required")
    values["properties"]["config"] = agent
    return json.dumps(values, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(merged())
