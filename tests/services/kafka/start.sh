#!/usr/bin/env bash
# Starts a Kafka broker on loopback and prints its pid once it serves.
#   start.sh PORT DATA [SECURE_PORT]
# Its controller listens on PORT+1. SECURE_PORT adds a listener with SASL over TLS for the users hinomi, who may do
# everything, and guest and reader (PLAIN only), who may do nothing; all have the password hinomi-secret; the
# authority's certificate is DATA/tls/ca.crt. At SECURE_PORT+1 clients show a certificate: DATA/tls/client.crt is one
# who may do everything. A cluster: run it once per node, at the same time, each with NODES="PORT PORT ...";
# a node alone never becomes ready. Started again on the same DATA it has the same records. Its output is DATA/out;
# the download is kept in HINOMI_CACHE.
# Environment: KAFKA_VERSION, AUTO_CREATE (false: topics must be made first), PARTITIONS (of a new topic, 3).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"

[ $# -ge 2 ] || die "usage: start.sh PORT DATA [SECURE_PORT]"
port=$1 secure=${3:-} user=hinomi password=hinomi-secret
mkdir -p "$2/tmp"; data=$(cd "$2" && pwd)
if running "$data"; then cat "$data/pid"; exit; fi

version=${KAFKA_VERSION:-$(version "$here/pom.xml")}
lib=$CACHE/kafka-$version
fetch "$lib" "$here/pom.xml" copy-dependencies -DincludeScope=runtime -Dserver.version="$version"
jdk=$(java_home 17 99)
java=("$jdk/bin/java" "${JVM[@]}" -Djava.io.tmpdir="$data/tmp" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
      -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info -cp "$lib/*")

id=0 self=1 voters=
for node in ${NODES:-$port}; do
  id=$((id + 1)); voters+="${voters:+,}$id@127.0.0.1:$((node + 1))"
  [ "$node" != "$port" ] || self=$id
done
replicas=$((id < 3 ? id : 3)) min_isr=$((id < 3 ? 1 : 2))

conf=$data/server.properties
listeners=${secure:+,SASL_SSL://localhost:$secure,CERTIFICATE://localhost:$((secure + 1))}
cat "$here/server.properties.in" ${secure:+"$here/secure.properties.in"} | sed \
  -e "s|@ID@|$self|; s|@VOTERS@|$voters|; s|@PORT@|$port|; s|@CONTROLLER_PORT@|$((port + 1))|" \
  -e "s|@SECURE_LISTENERS@|$listeners|; s|@DATA@|$data|" \
  -e "s|@REPLICAS@|$replicas|; s|@MIN_ISR@|$min_isr|; s|@USER@|$user|; s|@PASSWORD@|$password|g" \
  -e "s|@PARTITIONS@|${PARTITIONS:-3}|; s|@AUTO_CREATE@|${AUTO_CREATE:-true}|" >"$conf"
if [ -n "$secure" ] && [ ! -s "$data/tls/server.pem" ]; then
  mkdir -p "$data/tls"
  make_certificates "$data/tls"
  make_client_certificate "$data/tls" client
  cat "$data/tls/server.key" "$data/tls/server.crt" >"$data/tls/server.pem"
fi

if [ ! -e "$data/log/meta.properties" ]; then
  scram=()
  [ -z "$secure" ] || for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
    scram+=(--add-scram "$mechanism=[name=$user,password=$password]")
  done
  # Any cluster id will do that is the same on all nodes.
  "${java[@]}" kafka.tools.StorageTool format -t aGlub21pLXRlc3Qta2Fma2 -c "$conf" "${scram[@]}" \
    >"$data/out" 2>&1 || give_up "$data" Kafka
fi

setsid "${java[@]}" -Xms64m -Xmx256m kafka.Kafka "$conf" >"$data/out" 2>&1 </dev/null &
pid=$!
echo $pid >"$data/pid"
await 90 $pid grep -q 'Kafka Server started' "$data/out" || give_up "$data" Kafka
echo $pid
