"""What an archive holds, as the zstd tool and nobody of ours reads it."""
import collections
import hashlib
import json
import pathlib
import subprocess


def files(directory):
    """All of an archive's files, by container and then by hour."""
    return sorted(path for path in pathlib.Path(directory).rglob("*.zst*"))


def text(path):
    """A file's content. One that is being written may end within a frame: then what is before it."""
    return subprocess.run(["zstd", "-dc", path], capture_output=True, timeout=30).stdout.decode()


def whole(path):
    return subprocess.run(["zstd", "-tq", path], capture_output=True, timeout=30).returncode == 0


def facts(path):
    """What a manifest has to say of a file: lines, bytes, SHA-256."""
    content = path.read_bytes()
    return text(path).count("\n"), len(content), hashlib.sha256(content).hexdigest()


def manifests(directory):
    """What the manifests say of each file."""
    entries = {}
    for manifest in pathlib.Path(directory).glob("*/.manifests/*/*.ndjson"):
        for line in manifest.read_text().splitlines():
            entry = json.loads(line)
            assert entry["file"] not in entries
            entries[manifest.parents[2] / entry["file"]] = entry["lines"], entry["bytes"], entry["sha256"]
    return entries


def messages(directory):
    """The messages of each pod in the order in which they are stored."""
    found = collections.defaultdict(list)
    for path in files(directory):
        for line in text(path).splitlines():
            document = json.loads(line)
            found[document["kubernetes"]["pod"]["name"]].append(document["message"])
    return found


def count(directory):
    return sum(map(len, messages(directory).values()))
