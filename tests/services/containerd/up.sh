#!/usr/bin/env bash
# up.sh STATE IMAGE.tar... starts a container runtime of its own (Debian's containerd and runc, with RUNTIME=docker its
# docker.io, with RUNTIME=kubernetes a node and its control plane), and returns when it answers at
# STATE/containerd.sock (the CRI) or STATE/docker.sock, or is Ready, and has taken in the images. Needs root.
#
# It is a process tree in namespaces of its own (mounts, pids, network, cgroups), as a node of "kind" is: no
# mount, no address and no file outside STATE is seen or left. Its cgroups lie below the caller's own, in one
# named after STATE and its parent, so that two runs on one machine keep apart. down.sh ends it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
runtime=${RUNTIME:-containerd}
seconds_max=${SECONDS_MAX:-30}
mkdir -p "$1"; state=$(cd "$1" && pwd); shift
parent=${state%/*}
group=${parent##*/}-${state##*/}
fail() {
  tail -n 20 "$state"/*.log >&2
  echo "$0: cannot start \"$runtime\": $1; the end of its logs is above" >&2
  exit 1
}

mkdir -p "$state/images"
cp "$@" "$state/images/"

# A cgroup of the node's under the caller's own, in every hierarchy that is mounted.
: > "$state/cgroups"
while IFS=: read -r _ names path; do
  kind=cgroup want=${names#name=}
  [ -n "$names" ] || kind=cgroup2
  mount=$(awk -v kind=$kind -v want="$want" '{
      for (i = 7; i <= NF; i++) if ($i == "-") {
        if ($(i + 1) == kind && (kind == "cgroup2" || (","$(i + 3)",") ~ (",(name=)?"want","))) print $5 }
    }' /proc/self/mountinfo | head -1)
  [ -n "$mount" ] || continue
  directory=$mount${path%/}/$group
  mkdir -p "$directory"
  for file in cpuset.cpus cpuset.mems; do # cgroup v1: a new set starts empty
    [ "$kind" = cgroup2 ] || [ ! -e "$directory/$file" ] || cat "$directory/../$file" > "$directory/$file"
  done
  echo "$directory" >> "$state/cgroups"
done < /proc/self/cgroup

(
  # $BASHPID, not $$: the script itself stays where it is.
  while read -r directory; do echo $BASHPID > "$directory/cgroup.procs"; done < "$state/cgroups"
  exec setsid unshare --mount --propagation private --pid --fork --kill-child=KILL --net --cgroup \
    "$here/node.sh" "$state" "$here/../$runtime/runtime.sh" > "$state/node.log" 2>&1 < /dev/null
) &
unshare=$!
for _ in $(seq $((20 * seconds_max))); do
  [ ! -e "$state/ready" ] || exit 0
  kill -0 $unshare 2> /dev/null || fail "it ended"
  sleep 0.05
done
fail "it was not ready within $seconds_max s"
