"""A container runtime that has one pod and starts nothing: for agents whose node is a tree of files. A real one is in
tests/services/containerd."""
import concurrent.futures
import contextlib

import grpc

from containers import generate


@contextlib.contextmanager
def runtime(socket, generated, *, uid, sandbox, container, image, started_at=0):
    """It listens at `socket`; the pod is default/hello, its running container `main`. `started_at`: in ns."""
    cri, service = generate(generated)
    metadata = cri.ContainerMetadata(name="main")

    class Service(service.RuntimeServiceServicer):
        def Version(self, _, context):
            return cri.VersionResponse(runtime_name="containerd")

        def ListPodSandbox(self, _, context):
            pod = cri.PodSandboxMetadata(name="hello", uid=uid, namespace="default")
            return cri.ListPodSandboxResponse(items=[cri.PodSandbox(id=sandbox, metadata=pod)])

        def ListContainers(self, _, context):
            return cri.ListContainersResponse(containers=[cri.Container(
                id=container, pod_sandbox_id=sandbox, metadata=metadata, state=cri.CONTAINER_RUNNING)])

        def ContainerStatus(self, request, context):
            return cri.ContainerStatusResponse(status=cri.ContainerStatus(
                id=container, metadata=metadata, state=cri.CONTAINER_RUNNING, started_at=started_at,
                image=cri.ImageSpec(image=image)))

        def ListContainerStats(self, _, context):
            layer = cri.FilesystemUsage(fs_id=cri.FilesystemIdentifier(mountpoint="/"), used_bytes=cri.UInt64Value(value=4096))
            return cri.ListContainerStatsResponse(stats=[cri.ContainerStats(
                attributes=cri.ContainerAttributes(id=container), writable_layer=layer)])

    socket.parent.mkdir(parents=True)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    service.add_RuntimeServiceServicer_to_server(Service(), server)
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait(10)
