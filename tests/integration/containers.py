"""Real containers, made over the container runtime interface as the kubelet makes them."""
import importlib
import pathlib
import subprocess
import sys
import uuid

import grpc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
IMAGE = "hinomi.test/busybox:1"


def generate(directory):
    """The Python code of proto/cri.proto, made in that new directory: its messages and its service."""
    directory.mkdir()
    subprocess.run(["/usr/bin/python3", "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={directory}",
                    f"--grpc_python_out={directory}", "cri.proto"], check=True, timeout=30)
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module("cri_pb2"), importlib.import_module("cri_pb2_grpc")
    finally:
        sys.path.remove(str(directory))


class Runtime:
    def __init__(self, socket, generated):
        """`generated`: a folder for the Python code of proto/cri.proto."""
        self.cri, service = generate(generated)
        self.channel = grpc.insecure_channel(f"unix://{socket}")
        self.service = service.RuntimeServiceStub(self.channel)
        self.pods = {}  # by container: its pod's UID and sandbox

    def run(self, pods_dir, pod, script, namespace="default", container="main", labels=(), annotations=(),
            **resources):
        """Runs `script` by a shell in a container of a pod of its own, and returns the container's id. Its log is
        <pods_dir>/<namespace>_<pod>_<uid>/<container>/0.log."""
        cri, uid = self.cri, str(uuid.uuid4())
        # The node's own network: there is no plug-in that would make another.
        spaces = cri.NamespaceOption(network=cri.NODE)
        sandbox = cri.PodSandboxConfig(
            metadata=cri.PodSandboxMetadata(name=pod, uid=uid, namespace=namespace),
            log_directory=f"{pods_dir}/{namespace}_{pod}_{uid}", labels=dict(labels), annotations=dict(annotations),
            linux=cri.LinuxPodSandboxConfig(
                cgroup_parent=f"/kubepods/pod{uid}",
                security_context=cri.LinuxSandboxSecurityContext(namespace_options=spaces)))
        pathlib.Path(sandbox.log_directory, container).mkdir(parents=True)
        sandbox_id = self.service.RunPodSandbox(cri.RunPodSandboxRequest(config=sandbox), timeout=20).pod_sandbox_id
        config = cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=container), image=cri.ImageSpec(image=IMAGE),
            command=["sh", "-c", script], log_path=f"{container}/0.log",
            linux=cri.LinuxContainerConfig(
                resources=cri.LinuxContainerResources(**resources),
                security_context=cri.LinuxContainerSecurityContext(namespace_options=spaces)))
        request = cri.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox)
        identity = self.service.CreateContainer(request, timeout=20).container_id
        self.pods[identity] = uid, sandbox_id
        self.service.StartContainer(cri.StartContainerRequest(container_id=identity), timeout=20)
        return identity

    def remove(self, identity):
        """Ends the container's pod and makes the runtime forget it; returns the pod's UID."""
        uid, sandbox = self.pods.pop(identity)
        self.service.StopPodSandbox(self.cri.StopPodSandboxRequest(pod_sandbox_id=sandbox), timeout=20)
        self.service.RemovePodSandbox(self.cri.RemovePodSandboxRequest(pod_sandbox_id=sandbox), timeout=20)
        return uid

    def exit_code(self, identity):
        """None while it runs."""
        request = self.cri.ContainerStatusRequest(container_id=identity)
        status = self.service.ContainerStatus(request, timeout=10).status
        return status.exit_code if status.state == self.cri.CONTAINER_EXITED else None

    def close(self):
        self.channel.close()
