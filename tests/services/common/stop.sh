#!/usr/bin/env bash
# Stops the server that a start.sh left in DATA: stop.sh DATA. What does not end within 30 s is killed.
set -eu
. "$(dirname "$0")/lib.sh"
data=$(cd "$1" && pwd)
running "$data" || { rm -f "$data/pid"; exit 0; }
pid=$(cat "$data/pid")
kill -TERM "$pid"
for _ in $(seq 600); do
  running "$data" || break
  sleep 0.05
done
! running "$data" || kill -KILL "$pid"
rm -f "$data/pid"
