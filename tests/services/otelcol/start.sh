#!/usr/bin/env bash
# Starts an OpenTelemetry Collector on loopback and prints its pid once it serves.
#   start.sh PORT DATA SECURE_PORT
# It takes logs by OTLP over gRPC at PORT, and at SECURE_PORT by TLS from those with a certificate of the authority
# DATA/tls/ca.crt, such as DATA/tls/server.crt itself; with BROKER and TOPIC also from that topic of Kafka. What it has
# taken is in DATA/logs.json, a line a request in OTLP's JSON, and stays there when it is started again. Its output is
# DATA/out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"

[ $# -eq 3 ] || die "usage: start.sh PORT DATA SECURE_PORT"
port=$1 secure=$3; mkdir -p "$2/tls"; data=$(cd "$2" && pwd)
if running "$data"; then cat "$data/pid"; exit; fi

otelcol=$("$here/build.sh")
make_certificates "$data/tls"
kafka=
[ -z "${BROKER:-}" ] ||
  kafka='  kafka: {brokers: ["'$BROKER'"], initial_offset: earliest, logs: {topics: ["'$TOPIC'"], encoding: otlp_proto}}'
cat >"$data/otelcol.yaml" <<END
receivers:
  otlp: {protocols: {grpc: {endpoint: "127.0.0.1:$port"}}}
  otlp/secure:
    protocols:
      grpc:
        endpoint: "127.0.0.1:$secure"
        tls: {cert_file: "$data/tls/server.crt", key_file: "$data/tls/server.key", client_ca_file: "$data/tls/ca.crt"}
$kafka
exporters:
  file: {path: "$data/logs.json", append: true, flush_interval: 100ms}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp, otlp/secure${kafka:+, kafka}], exporters: [file]}}
END
setsid "$otelcol" --config "file:$data/otelcol.yaml" >"$data/out" 2>&1 </dev/null &
echo $! >"$data/pid"
await 30 $! grep -q 'Everything is ready' "$data/out" || give_up "$data" "the OpenTelemetry Collector"
cat "$data/pid"
