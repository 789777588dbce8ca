#!/usr/bin/python3
"""manifests.py HELM DIRECTORY writes there what `helm template` makes of helm/hinomi, for clusters without Helm: one file a sink.

What Helm alone would look at is left out, and a checksum of the configuration, which would be wrong once that is edited."""
import pathlib
import re
import subprocess
import sys

CHART = pathlib.Path(__file__).resolve().parents[1] / "helm/hinomi"
SINKS = {"elasticsearch": ("elasticsearch.endpoints={https://elasticsearch.example:9200}", "the address of Elasticsearch"),
         "kafka": ("kafka.brokers={kafka.example:9092}", "the address of Kafka")}
VALUES = ("cluster=example", "image.registry=registry.example", "dashboards.enabled=false")
HELMS_OWN = re.compile(r"^# Source: .*\n|^ *(helm\.sh/chart|app\.kubernetes\.io/managed-by|checksum/config): .*\n"
                       r"|^ *annotations:\n(?= *checksum/config: )", re.MULTILINE)
HEAD = """\
# Hinomi for a cluster without Helm, made of helm/hinomi by `script/package manifests`.
# Edit what says "example": the name of the cluster, {address}, and twice the registry that has the image. Then
#   kubectl apply -f {name}.yaml
# A Kubernetes older than 1.30 does not know appArmorProfile: leave out both of its lines.
# The configuration can be changed here too (docs/configuration.md); running agents take it with
#   kubectl -n hinomi rollout restart daemonset/hinomi
# More than that (passwords, TLS, the kubelet, alert rules): docs/kubernetes.md.
apiVersion: v1
kind: Namespace
metadata:
  name: hinomi
  labels:
    # The agent mounts the node's root, which the other levels forbid.
    pod-security.kubernetes.io/enforce: privileged
"""


def manifests(helm, name):
    value, address = SINKS[name]
    sets = [word for one in (*VALUES, value) for word in ("--set", one)]
    text = subprocess.run([helm, "template", "hinomi", CHART, "--namespace", "hinomi", "--no-hooks", *sets],
                          check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    return HEAD.format(name=name, address=address) + HELMS_OWN.sub("", text).replace("\n\n---\n", "\n---\n")


def main(helm, directory):
    for name in SINKS:
        pathlib.Path(directory, f"{name}.yaml").write_text(manifests(helm, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
