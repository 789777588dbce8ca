"""What the house style says about the tree and a machine can decide: who may include whom, which file may
know an outside library, names and sizes. Prints `path:line: what is wrong` and ends with 1 if anything is.
"""

import re
import subprocess
import sys
from pathlib import Path

LINES_MAX = 600

# A folder may include itself and those before it; the stages of the shipper know only its shared words.
LAYERS = ["base", "config", "metadata", "collector", "shipper", "app"]
APART = [{"collector", "shipper"}]
STAGES = {"source", "codec", "transform", "encode", "compress", "sink"}
CALLS = {("sink", "compress"), ("source", "compress")}  # before sending; and rotated files are compressed

# Outside libraries, by how their headers begin, and the only places that may include them.
SEAMS = {
    "absl/": ["base/time_zone.cc"],
    "CLI/": ["app/main.cc", "app/command"],
    "benchmark/": ["bench/"],
    "civetweb": ["app/http/"],
    "curl/": ["base/http_client.cc"],
    "grpc": ["metadata/cri.cc", "shipper/sink/otlp_client.cc", "shipper/sink/otlp_socket."],
    "isa-l": ["shipper/compress/"],
    "igzip_lib": ["shipper/compress/"],
    "librdkafka/": ["shipper/sink/kafka"],
    "openssl/": ["base/certificate.cc", "base/sha256.cc"],
    "prometheus/": ["base/metrics.cc"],
    "proto/": ["metadata/cri.cc", "shipper/sink/otlp_client.cc", "shipper/sink/otlp_json.cc"],
    "rapidjson/": ["app/json_writer.h", "base/json_walk.cc", "config/schema.cc",
                   "metadata/pod_json.cc", "shipper/checkpoint_format.cc", "shipper/event.cc"],
    "re2/": ["base/pattern.cc"],
    "simdjson": ["shipper/transform/json_body.cc", "shipper/encode/", "shipper/sink/bulk_response.cc",
                "shipper/sink/dead_letter_format.cc"],
    "spdlog/": ["base/logging.cc"],
    "zstd": ["shipper/compress/"],
    "xxhash": ["base/hash.cc", "shipper/codec/", "shipper/encode/"],
    "yaml-cpp/": ["config/yaml.cc"],
}
# What is not part of the agent may look at a library's answer directly.
OUTSIDE_SEAMS = ("bench/", "tests/")

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
SNAKE_CASE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


def stage_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "shipper" and len(parts) > 2 else None


def layer_error(path, included):
    """Why `path` may not include "included", or None."""
    mine, theirs = path.split("/")[0], included.split("/")[0]
    if mine not in LAYERS:
        return None
    if theirs not in LAYERS:
        return f'"{included}" is in no layer: include from the root of the project'
    if LAYERS.index(theirs) > LAYERS.index(mine) or {mine, theirs} in APART:
        return f"{mine} may not know {theirs}"
    my_stage, their_stage = stage_of(path), stage_of(included)
    if {my_stage, their_stage} <= STAGES and my_stage != their_stage and (my_stage, their_stage) not in CALLS:
        return f"{my_stage} may not know {their_stage}: share a word in shipper/batch.h"
    return None


def seam_error(path, included):
    if path.startswith(OUTSIDE_SEAMS) or path.endswith(("_test.cc", "_fixture.h")):
        return None
    for library, places in SEAMS.items():
        if included.startswith(library) and not path.startswith(tuple(places)):
            return f"<{included}> belongs behind {' or '.join(places)}"
    return None


def name_error(path):
    if not all(SNAKE_CASE.fullmatch(part) for part in path.split("/")):
        return "names of files and folders are snake_case"
    return None


def check_text(path, text):
    """All complaints about one file, as (line, complaint)."""
    lines = text.split("\n")
    found = []
    if len(lines) - 1 > LINES_MAX:
        found.append((LINES_MAX + 1, f"{len(lines) - 1} lines; a file has at most {LINES_MAX}"))
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            found.append((number, "a tab"))
        match = INCLUDE.match(line)
        if match:
            own, outside = match.groups()
            error = layer_error(path, own) if own else seam_error(path, outside)
            if error:
                found.append((number, error))
    if path.endswith(".h"):
        if not text.startswith("//"):
            found.append((1, "a header begins with a comment: what it is and what it must not know"))
        if "#pragma once" not in lines:
            found.append((1, "no #pragma once"))
    if name_error(path):
        found.append((1, name_error(path)))
    return found


def name_clashes(texts):
    """Classes that two headers of the agent define: the linker would take one's members for the other's."""
    seen = {}
    for path, text in texts.items():
        if not path.endswith(".h") or path.startswith(OUTSIDE_SEAMS):
            continue
        for match in re.finditer(r"^(?:class|struct|enum class) (\w+)(?: final)?(?: :[^;{]*)? \{", text, re.MULTILINE):
            other = seen.setdefault(match[1], path)
            if other != path:
                yield path, text[: match.start()].count("\n") + 1, f"{match[1]} is defined in {other} too"


def sources(root):
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "*.cc", "*.h", "*.py"],
        check=True, capture_output=True, text=True)
    return [path for path in listed.stdout.splitlines() if (root / path).is_file()]


def main():
    root = Path(__file__).resolve().parents[2]
    failed = False
    texts = {path: (root / path).read_text(encoding="utf-8") for path in sources(root)}
    found = [(path, *complaint) for path, text in texts.items() for complaint in check_text(path, text)]
    for path, line, complaint in [*found, *name_clashes(texts)]:
        print(f"{path}:{line}: {complaint}")
        failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
