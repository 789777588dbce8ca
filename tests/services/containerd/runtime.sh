# A containerd, answering the CRI at $state/containerd.sock. Sourced by node.sh and kubernetes/runtime.sh.
cat > /run/containerd.toml <<END
version = 2
root = "${containerd_root:-$state/root}"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "hinomi.test/busybox:1"
  restrict_oom_score_adj = true # a machine without CAP_SYS_RESOURCE lets nobody lower it
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/run/cni.d" # for pods with a network of their own
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
containerd -c /run/containerd.toml > "$state/runtime.log" 2>&1 &
for _ in $(seq 1200); do
  ! ctr -a "$state/containerd.sock" version > /dev/null 2>&1 || break
  sleep 0.05
done
for image in "$state"/images/*.tar; do ctr -a "$state/containerd.sock" -n k8s.io images import "$image"; done
