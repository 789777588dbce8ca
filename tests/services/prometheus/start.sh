#!/usr/bin/env bash
# Starts a Prometheus on loopback and prints its pid once it serves.
#   start.sh PORT DATA
# Its configuration is DATA/prometheus.yml where there is one. Otherwise it scrapes every second what DATA/targets.json
# names (the file format of file_sd_configs), and takes up changes of that file at once. Its output is DATA/out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"

[ $# -eq 2 ] || die "usage: start.sh PORT DATA"
port=$1; mkdir -p "$2"; data=$(cd "$2" && pwd)
if running "$data"; then cat "$data/pid"; exit; fi

[ -e "$data/targets.json" ] || echo '[]' >"$data/targets.json"
[ -e "$data/prometheus.yml" ] || cat >"$data/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: hinomi, file_sd_configs: [{files: ["$data/targets.json"]}]}
END
setsid prometheus --config.file="$data/prometheus.yml" --storage.tsdb.path="$data/data" \
  --web.listen-address="127.0.0.1:$port" >"$data/out" 2>&1 </dev/null &
echo $! >"$data/pid"
await 60 $! curl -fsS --max-time 5 "http://127.0.0.1:$port/-/ready" || give_up "$data" Prometheus
cat "$data/pid"
