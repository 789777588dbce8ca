"""A node whose pods are real containers. The agent sees it as the root of a host: the runtime's cgroups are the
machine's, below one that is named after the run."""
import json
import pathlib

from containers import Runtime
from waiting import eventually

CGROUPS = pathlib.Path("/sys/fs/cgroup")
ENDED = ("container-died", "container-completed")
# Until it is told which exit code to end with; see Pods.end().
WAITS = "mkfifo /end; read code < /end; exit $code"


class Pods:
    def __init__(self, agent, container_runtime, directory):
        self.agent, self.root = agent, directory / "host"
        socket = container_runtime.state / "containerd.sock"
        self.runtime = Runtime(socket, directory / "generated")
        self.cgroups = [pathlib.Path(line) for line in (container_runtime.state / "cgroups").read_text().splitlines()]
        for cgroup in self.cgroups:
            # What the kubelet makes, which keeps it for good.
            (cgroup / "kubepods").mkdir(exist_ok=True)
            link = self.root / "sys/fs/cgroup" / cgroup.relative_to(CGROUPS).parts[0]
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(cgroup)
        (self.root / "proc").symlink_to("/proc")
        # Links do not lead out of the root.
        self.agent.pods = self.root / "var/log/pods"
        self.agent.pods.mkdir(parents=True)
        (self.root / "runtime.sock").hardlink_to(socket)

    def start(self, **metrics):
        """The agent, which writes events to its output."""
        self.agent.configure({}, **{
            "host_root": str(self.root), "escrow": {"directory": "/var/log/escrow", "free_percent_min": 0},
            "metrics": metrics,
            "sources": {"kubernetes": {"pods_dir": "/var/log/pods"}}, "metadata": {"cri_socket": "/runtime.sock"},
            "sinks": {"screen": {"type": "stdout"}},
            "routes": [{"name": "events", "sink": "screen", "events": "only"}]})
        self.agent.start()

    def run(self, name, script=WAITS, **options):
        return self.runtime.run(self.agent.pods, name, script, **options)

    def of(self, identity):
        """The container's cgroups, by controller; of version 2 by ""."""
        uid, _ = self.runtime.pods[identity]
        groups = [cgroup / f"kubepods/pod{uid}/{identity}" for cgroup in self.cgroups]
        return {"" if (group / "cgroup.controllers").exists() else group.relative_to(CGROUPS).parts[0]: group
                for group in groups if group.exists()}

    def process(self, identity):
        (process, *_) = next(iter(self.of(identity).values())).joinpath("cgroup.procs").read_text().split()
        return int(process)

    def end(self, identity, code):
        """Lets a container that waits end with that exit code."""
        pipe = pathlib.Path(f"/proc/{self.process(identity)}/root/end")
        eventually(pipe.exists, 10, f"{identity} does not wait")
        pipe.write_text(f"{code}\n")

    def remove(self, identity):
        """The container, its pod and the pod's cgroups, as the kubelet does."""
        uid = self.runtime.remove(identity)
        for cgroup in self.cgroups:
            pod = cgroup / f"kubepods/pod{uid}"
            if pod.exists():
                pod.rmdir()
        return uid

    def ends(self, *identities):
        """What the agent has told of the ends of these containers."""
        events = [json.loads(line) for line in self.agent.log().splitlines() if line.startswith('{"@timestamp"')]
        return [event for event in events if event["hinomi"]["event"]["action"] in ENDED
                and event["container"]["id"] in identities]

    def close(self):
        """Removes what a test has left."""
        for identity in list(self.runtime.pods):
            self.remove(identity)
        self.runtime.close()
