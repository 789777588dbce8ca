#!/usr/bin/env bash
# in.sh STATE COMMAND... runs a command in the node that containerd/up.sh made in STATE:
#   in.sh STATE kubectl get pods -A
set -eu
state=$1
shift
[ "$1" != kubectl ] || set -- "$state/kube" kubectl --kubeconfig "$state/admin.conf" "${@:2}"
exec nsenter --target "$(cat "$state/pid")" --mount --net --pid --cgroup -- "$@"
