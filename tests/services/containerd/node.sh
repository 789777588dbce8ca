#!/usr/bin/env bash
# node.sh STATE RUNTIME is the first process in the namespaces that up.sh makes. Everything it starts dies with it.
set -euo pipefail
state=$1
runtime=$2
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

source "$runtime"
touch "$state/ready"
wait
