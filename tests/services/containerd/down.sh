#!/usr/bin/env bash
# down.sh STATE ends the runtime that up.sh started, its containers with it, and removes its cgroups and STATE.
# It may be run at any time.
set -uo pipefail
[ -d "$1" ] || exit 0
state=$(cd "$1" && pwd)
if [ -s "$state/pid" ]; then
  node=$(cat "$state/pid")
  # The first process of its pid namespace: all the others go with it.
  ! grep -qF "$state" "/proc/$node/cmdline" 2> /dev/null || kill -KILL "$node"
  for _ in $(seq 200); do [ -e "/proc/$node" ] || break; sleep 0.05; done
fi
left=0
while read -r directory; do
  for _ in $(seq 100); do
    [ -d "$directory" ] || break
    find "$directory" -depth -type d -exec rmdir {} + 2> /dev/null && break
    sleep 0.05
  done
  [ ! -d "$directory" ] || { echo "$0: cannot remove \"$directory\": something still runs in it" >&2; left=1; }
done < <(cat "$state/cgroups" 2> /dev/null)
[ $left = 1 ] || rm -rf "$state"
exit $left
