"""A real Kubernetes of one node, in namespaces of its own, and the agent on that node."""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess

import requests

from agent import BINARY, Agent
from services import RECIPES, ContainerRuntime
from waiting import eventually

RECIPE = RECIPES / "kubernetes"
BUILD_SECONDS_MAX = 3000
Answer = collections.namedtuple("Answer", "ok text")


def links():
    """The machine's network devices."""
    return {path.name for path in pathlib.Path("/sys/class/net").iterdir()}


def processes_on(node):
    """Those that see the mounts of that node, by their ids."""
    found = []
    for mounts in pathlib.Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            if f"{node}/" in mounts.read_text():
                found.append(mounts.parent.name)
        except OSError:
            pass  # it has ended
    return found


class Cluster(ContainerRuntime):
    """`logs` and `lib` are the node's /var/log and /var/lib."""

    def __init__(self, directory):
        kube = subprocess.run([RECIPE / "build.sh"], check=True, stdout=subprocess.PIPE, text=True,
                              timeout=BUILD_SECONDS_MAX).stdout.strip()
        self.links_before = links()
        super().__init__(directory, "kubernetes", seconds_max=150, KUBE=kube)
        self.logs, self.lib = directory / "var/log", directory / "var/lib"

    def stop(self):
        """Ends it all; fails when anything of it is left."""
        cgroups = [pathlib.Path(line) for line in (self.state / "cgroups").read_text().splitlines()]
        super().stop()
        assert not self.state.exists()
        assert not [cgroup for cgroup in cgroups if cgroup.exists()]
        assert not processes_on(self.state)
        assert links() <= self.links_before

    def inside(self, *words):
        """The command that runs this one on the node."""
        return [str(RECIPE / "in.sh"), str(self.state), *map(str, words)]

    def kubectl(self, *words, text=None):
        done = subprocess.run(self.inside("kubectl", *words), input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def run(self, *words, seconds=60):
        """On the node, as its administrator; what it printed."""
        command = self.inside("env", f"KUBECONFIG={self.state}/admin.conf", f"HOME={self.state}", *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}"
        return done.stdout

    def create(self, *objects):
        self.kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def delete(self, *pods):
        """At once, as a node under pressure does; returns when the API server has forgotten them."""
        self.kubectl("delete", "pod", *pods, "--grace-period=1", "--timeout=50s")

    def clear(self):
        """Deletes all pods and what makes pods, and their logs, for which the kubelet may take a minute. Pods go by
        themselves, not with their owners, which would give each its full thirty seconds to end."""
        self.kubectl("delete", "deployment,replicaset,job,pod", "--all", "--cascade=orphan", "--grace-period=1",
                     "--timeout=50s")
        for left in self.logs.glob("pods/default_*"):
            shutil.rmtree(left, ignore_errors=True)

    def status(self, pod):
        """None when there is no such pod."""
        found = self.kubectl("get", "pod", pod, "--ignore-not-found", "-o", "json")
        return json.loads(found)["status"] if found else None

    def container(self, pod):
        """The status of its container."""
        return (self.status(pod).get("containerStatuses") or [{"restartCount": 0, "state": {}}])[0]

    def log_files(self, pod):
        """What the kubelet has of the pod's logs at the moment, by name."""
        return sorted(path.name for path in self.logs.glob(f"pods/default_{pod}_*/*/*"))


class NodeAgent(Agent):
    """The agent as it runs on a node: the paths are the defaults, and its archive is on the node's disk."""

    def __init__(self, cluster, directory):
        super().__init__(directory)
        self.cluster = cluster
        self.command = cluster.inside(BINARY, "run")
        self.state = cluster.lib / "hinomi"
        self.archive, self.noticed = cluster.lib / "archive", cluster.lib / "noticed"

    def configure(self, **changes):
        super().configure({}, **{
            "state_dir": "/var/lib/hinomi", "escrow": {"free_percent_min": 0}, "sources": {"kubernetes": {}},
            "metadata": {"labels": ["app", "team"]},
            "sinks": {"files": {"type": "archive", "directory": "/var/lib/archive", "sync_every": "200ms"},
                      "noticed": {"type": "archive", "directory": "/var/lib/noticed", "sync_every": "200ms"}},
            "routes": [{"name": "all", "sink": "files"}, {"name": "events", "sink": "noticed", "events": "only"}],
            **changes})

    def signal(self, number):
        """To the agent: what was started is the one that went into the node's namespaces and waits for it."""
        child = subprocess.check_output(["pgrep", "--parent", str(self.process.pid)], text=True)
        os.kill(int(child), number)

    def get(self, path):
        url = f"http://127.0.0.1:{self.port}{path}"
        curl = self.cluster.inside("curl", "-s", "--noproxy", "*", "-m", 5, "-w", "\n%{http_code}", url)
        done = subprocess.run(curl, capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            raise requests.ConnectionError(done.stderr)
        text, _, status = done.stdout.rpartition("\n")
        return Answer(status == "200", text)

    def documents(self, pod, archive=None):
        """What its archive holds of a pod, in order."""
        printed = subprocess.run([BINARY, "cat", archive or self.archive, "--pod", pod], capture_output=True, timeout=60)
        return [json.loads(line) for line in printed.stdout.splitlines()]

    def ends(self, pod, count=1):
        """What it shipped of the ends of the pod's container, once there are so many, which it tells with a container's
        last lines; and what its timeline tells of the pod."""
        def died():
            events = [document["hinomi"]["event"] for document in self.documents(pod, self.noticed)]
            return [event for event in events if event["action"] == "container-died"]
        eventually(lambda: len(died()) >= count, 20, lambda: f"{len(died())} of {count} ends of {pod}")
        told = subprocess.run([BINARY, "timeline", "--set", f"state_dir={self.state}", "--pod", pod],
                              capture_output=True, text=True, timeout=60, check=True)
        return died(), told.stdout

    def messages(self, pod):
        return [document["message"] for document in self.documents(pod)]
