#!/usr/bin/env bash
# promtool.sh prints the path of the promtool of Prometheus 3, and builds it first if this version is not in the cache, in a
# minute or two of two cores. Nothing is discovered with it, so what discovers services is left out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
. "$here/../common/go.sh"

make_promtool() {
  go_build -tags remove_all_sd -ldflags "-s -w" -o "$1/promtool" github.com/prometheus/prometheus/cmd/promtool
}

cd "$here/tools"
directory=$(built promtool make_promtool ../promtool.sh go.mod go.sum)
echo "$directory/promtool"
