"""schemas.py SWAGGER.json DIRECTORY: a JSON schema for each kind of the Kubernetes API, as kubeconform wants them, with
the definitions that it needs. An object that lists its properties may have no others."""
import json
import pathlib
import sys

REFERENCE = "#/definitions/"
LEFT_OUT = ("description", "format", "default")


def closed(node, needed):
    """The schema without what kubeconform need not know; the names of the definitions that it uses go into `needed`."""
    if isinstance(node, list):
        return [closed(item, needed) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        needed.add(node["$ref"].removeprefix(REFERENCE))
        return {"$ref": node["$ref"]}
    if node.get("format") == "int-or-string":
        return {"type": ["string", "integer"]}
    kept = {key: value if key in ("properties", "required") else closed(value, needed)
            for key, value in node.items() if key not in LEFT_OUT and not key.startswith("x-kubernetes")}
    if "properties" in kept:
        kept["properties"] = {name: closed(value, needed) for name, value in kept["properties"].items()}
        kept.setdefault("additionalProperties", False)
    return kept


def with_definitions(schema, definitions):
    needed, found = set(), {}
    top = closed(schema, needed)
    while missing := needed - found.keys():
        name = missing.pop()
        found[name] = closed(definitions[name], needed)
    return {**top, "definitions": found}


def main(swagger, directory):
    definitions = json.loads(pathlib.Path(swagger).read_text())["definitions"]
    # A quantity may be written as a number, and the server takes it.
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] = ["string", "number"]
    directory = pathlib.Path(directory)
    directory.mkdir()
    for schema in definitions.values():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            whole = with_definitions(schema, definitions)
            properties = whole.setdefault("properties", {})
            properties["apiVersion"] = {"enum": ["/".join(filter(None, (kind["group"], kind["version"])))]}
            properties["kind"] = {"enum": [kind["kind"]]}
            name = "-".join(filter(None, (kind["kind"], kind["group"].split(".")[0], kind["version"])))
            (directory / f"{name.lower()}.json").write_text(json.dumps(whole, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
