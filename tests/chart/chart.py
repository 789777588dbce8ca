"""The chart, as helm renders it."""
import functools
import json
import os
import pathlib
import subprocess
from typing import NamedTuple

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/hinomi"
RECIPE = ROOT / "tests/services/kubernetes"
BUILD_SECONDS_MAX = 3000
SHORTEST = ("cluster=prod", "elasticsearch.endpoints={https://es.test:9200}")
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")


class Done(NamedTuple):
    ok: bool
    text: str
    error: str


@functools.cache
def tools():
    """Where both helms and kubeconform are."""
    return pathlib.Path(subprocess.run([RECIPE / "tools.sh"], check=True, stdout=subprocess.PIPE, text=True,
                                       timeout=BUILD_SECONDS_MAX).stdout.strip())


@functools.cache
def schemas():
    """Where the types of the Kubernetes API are."""
    kube = subprocess.run([RECIPE / "build.sh"], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=BUILD_SECONDS_MAX).stdout.strip()
    return pathlib.Path(kube).with_name("schemas")


def helm(*words, program="helm"):
    # Its own files are this machine's: the tests have none.
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run([tools() / program, *map(str, words)], capture_output=True, text=True, timeout=60,
                          env=environment)
    return Done(done.returncode == 0, done.stdout, done.stderr)


def sets(values):
    return [word for value in values for word in ("--set", value)]


def rendered(*words, values=SHORTEST, program="helm"):
    """The text of all manifests, those of `helm test` included."""
    done = helm("template", "watch", CHART, "--namespace", "monitoring", *sets(values), *words, program=program)
    assert done.ok, done.error
    return done.text


def objects(*words, values=SHORTEST, program="helm"):
    """{(kind, name): object}"""
    found = {}
    for document in yaml.safe_load_all(rendered(*words, values=values, program=program)):
        if document is not None:
            key = document["kind"], document["metadata"]["name"]
            assert key not in found, key
            found[key] = document
    return found


def faults(manifests):
    """What of these files is not as Kubernetes has it, and how many objects are."""
    where = f"{schemas()}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    done = subprocess.run([tools() / "kubeconform", "-strict", "-summary", "-output", "json", "-schema-location", where,
                           "-skip", "PodMonitor,PrometheusRule", *manifests], capture_output=True, text=True, timeout=60)
    answer = json.loads(done.stdout)
    assert done.returncode == 0 or answer.get("resources"), done.stdout
    return answer.get("resources", []), answer["summary"]["valid"]


def refusal(*words, values=SHORTEST):
    """What helm says when it does not render these values."""
    done = helm("template", "watch", CHART, *sets(values), *words)
    assert not done.ok, "it is rendered"
    return done.error
