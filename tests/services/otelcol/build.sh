#!/usr/bin/env bash
# build.sh prints the path of an OpenTelemetry Collector of its own modules (main.go names them), and builds it first if
# this version is not in the cache, in a minute or two of two cores.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
. "$here/../common/go.sh"

make_otelcol() { go_build -ldflags "-s -w" -o "$1/otelcol" .; }

cd "$here"
directory=$(built otelcol make_otelcol build.sh main.go go.mod go.sum)
echo "$directory/otelcol"
