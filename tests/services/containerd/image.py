#!/usr/bin/python3
"""image.py OUT.tar [NAME REVISION] writes the image of the container tests, hinomi.test/busybox:1, or the same as of
another commit, in the archive format of Docker: static busybox with its applets, on its own a pause container. A name
without a dot in its host would be looked for in a default registry."""
import hashlib
import io
import json
import platform
import subprocess
import sys
import tarfile

NAME = "hinomi.test/busybox:1"
REVISION = "4f2e1d0c9b8a7f6e5d4c3b2a1908f7e6d5c4b3a2"
BUSYBOX = "/bin/busybox"


def add(tar, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        with open(BUSYBOX, "rb") as busybox:
            add(tar, "bin/busybox", busybox.read(), 0o755)
        for applet in subprocess.check_output([BUSYBOX, "--list"], text=True).split():
            if applet != "busybox":
                link = tarfile.TarInfo("bin/" + applet)
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
    return out.getvalue()


def main(path, name=NAME, revision=REVISION):
    content = layer()
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()], "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1d"],
                   "Labels": {"org.opencontainers.image.revision": revision}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(content).hexdigest()]},
    }).encode()
    with tarfile.open(path, "w") as tar:
        add(tar, "layer.tar", content)
        add(tar, "config.json", config)
        manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
        add(tar, "manifest.json", json.dumps(manifest).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
