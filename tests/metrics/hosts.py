"""Nodes made of files, from tests/fixtures/hosts; some as another runtime or driver would have them."""
import re

from agent import ROOT

POD = re.compile(r"/kubepods/(?P<qos>\w+)/pod(?P<uid>[0-9a-f-]{36})(?:/(?P<id>[0-9a-f]{64}))?")


def read(name):
    """{path: text}"""
    parts = re.split(r"^== (/.*)\n", (ROOT / f"tests/fixtures/hosts/{name}.txt").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def write(files, root):
    pod = None  # whose processes share one network namespace: a file and its further names
    for path, text in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/ns/net") and path != "/proc/1/ns/net" and pod:
            file.hardlink_to(pod)
            continue
        file.write_text(text)
        if path.endswith("/ns/net") and path != "/proc/1/ns/net":
            pod = file


def by_systemd(files, prefix="", scope="cri-containerd"):
    """The same cgroups by the systemd driver; below `prefix` where they are nested."""
    nested = f"{prefix}-" if prefix else ""

    def name(match):
        uid, qos = match["uid"].replace("-", "_"), match["qos"]
        slices = [f"{nested}kubepods.slice", f"{nested}kubepods-{qos}.slice", f"{nested}kubepods-{qos}-pod{uid}.slice"]
        return "/" + "/".join(slices + ([f"{scope}-{match['id']}.scope"] if match["id"] else []))

    def rename(path):
        if not path.startswith("/sys/fs/cgroup/"):
            return path
        path = POD.sub(name, path)
        path = re.sub(r"/kubepods/(\w+)/([^/]+)$", rf"/{nested}kubepods.slice/{nested}kubepods-\1.slice/\2", path)
        path = re.sub(r"/kubepods/([^/]+)$", rf"/{nested}kubepods.slice/\1", path)
        return path.replace(f"/{nested}kubepods.slice", f"/{prefix}.slice/{nested}kubepods.slice") if prefix else path

    return {rename(path): text for path, text in files.items()}


def by_docker(files):
    """Its one container as docker's own, without Kubernetes."""
    made = {}
    for path, text in files.items():
        match = POD.search(path)
        if path.startswith("/var/log") or "kubepods" in path and not (match and match["id"]):
            continue
        made[POD.sub(lambda found: f"/docker/{found['id']}", path)] = text
    for identity in {path.split("/docker/")[1].split("/")[0] for path in made if "/docker/" in path}:
        made[f"/var/lib/docker/containers/{identity}/config.v2.json"] = (
            '{"ID": "%s", "Name": "/shop-web-%s", "Config": {"Image": "nginx:1", "Env": ["PASSWORD=secret"], "Labels": '
            '{"com.docker.compose.project": "shop", "com.docker.compose.service": "we\\"b"}}}' % (identity, identity[:4]))
    return made


HOSTS = {
    "kubernetes_hybrid": lambda: read("kubernetes_hybrid"),
    "kubernetes_v1": lambda: {path: text for path, text in read("kubernetes_hybrid").items() if "/unified/" not in path},
    "kubernetes_v2": lambda: read("kubernetes_v2"),
    "crio_v2": lambda: by_systemd(read("kubernetes_v2"), scope="crio"),
    "rke2_v2": lambda: by_systemd(read("kubernetes_v2"), prefix="kubelet"),
    "systemd_v1": lambda: by_systemd(read("kubernetes_hybrid")),
    "docker_v1": lambda: by_docker(read("kubernetes_hybrid")),
    "docker_v2": lambda: by_docker(read("kubernetes_v2")),
}
