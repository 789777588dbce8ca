"""The commands of docs/kubernetes.md, as somebody at a terminal of the node would type them."""
import re

import chart

PAGE = chart.ROOT / "docs/kubernetes.md"
SERVER, KIBANA = "https://es:9200", "https://kibana:5601"  # of which the page speaks
RESOURCES = {"podmonitors": "PodMonitor", "prometheusrules": "PrometheusRule"}


def commands():
    """In their order; one that goes over several lines is one."""
    text = re.sub(r" \\\n +", " ", PAGE.read_text())
    return [line.strip() for line in text.splitlines() if re.match(r" {4}(helm|kubectl|curl) ", line)]


def operators_kinds():
    """So that the API server takes the objects of Prometheus's operator, whatever is in them."""
    for plural, kind in RESOURCES.items():
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
        yield {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
               "metadata": {"name": f"{plural}.monitoring.coreos.com"},
               "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "versions": [version],
                        "names": {"plural": plural, "singular": kind.lower(), "kind": kind}}}


class Terminal:
    """Its directory has the chart, and the authority that the page's Secret is made of. `names`: what stands here for
    those in the page."""

    def __init__(self, cluster, directory, names):
        self.cluster, self.directory, self.names = cluster, directory, names
        programs = directory / "bin"
        programs.mkdir(parents=True)
        (programs / "helm").symlink_to(chart.tools() / "helm")
        kubectl = programs / "kubectl"
        kubectl.write_text(f'#!/bin/sh\nexec {cluster.state}/kube kubectl "$@"\n')
        kubectl.chmod(0o755)
        (directory / "helm").symlink_to(chart.ROOT / "helm")
        (directory / "ca.crt").write_bytes((cluster.state / "pki/ca.crt").read_bytes())

    def run(self, command, more=""):
        for name, ours in self.names.items():
            command = command.replace(name, ours)
        command += more
        return self.cluster.run("sh", "-ec", f'cd {self.directory}; export PATH="{self.directory}/bin:$PATH"; {command}',
                                seconds=120)
