#!/usr/bin/env bash
# node.sh STATE is the first process in the namespaces that up.sh makes. Everything it starts dies with it.
set -euo pipefail
state=$1
read -r pid _ < /proc/self/stat # /proc is still the machine's, and so is the number
echo "$pid" > "$state/pid"

# The node's own view of the machine: /proc, /run and the cgroups.
mount --make-rshared /
mount -t proc proc /proc
hierarchies=$(awk '{
    for (i = 7; i <= NF; i++) if ($i == "-" && $(i + 1) ~ /^cgroup2?$/) print $(i + 1), $5, $(i + 3)
  }' /proc/self/mountinfo)
umount -R /sys/fs/cgroup
if [ "$(wc -l <<< "$hierarchies")" = 1 ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # cgroup v2 takes no process in a group whose children have controllers. Threads of the kernel stay.
  mkdir /sys/fs/cgroup/system
  while read -r pid; do
    [ ! -e "/proc/$pid/exe" ] || echo "$pid" > /sys/fs/cgroup/system/cgroup.procs
  done < /sys/fs/cgroup/cgroup.procs
  for name in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$name" > /sys/fs/cgroup/cgroup.subtree_control; done
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  while read -r type at options; do
    mkdir "$at"
    names=$(tr , '\n' <<< "$options" | { grep -vxE 'rw|xattr|clone_children|release_agent=.*' || true; } | paste -sd,)
    case $type in
      cgroup2) mount -t cgroup2 cgroup2 "$at" ;;
      cgroup) mount -t cgroup -o "${names/#name=/none,name=}" cgroup "$at" ;;
    esac
  done <<< "$hierarchies"
fi
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up

cat > /run/containerd.toml <<END
version = 2
root = "$state/root"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "hinomi.test/busybox:1"
  restrict_oom_score_adj = true # a machine without CAP_SYS_RESOURCE lets nobody lower it
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
containerd -c /run/containerd.toml > "$state/containerd.log" 2>&1 &
for _ in $(seq 400); do
  ! ctr -a "$state/containerd.sock" version > /dev/null 2>&1 || break
  sleep 0.05
done
for image in "$state"/images/*.tar; do ctr -a "$state/containerd.sock" -n k8s.io images import "$image"; done
touch "$state/ready"
wait
