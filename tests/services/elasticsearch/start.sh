#!/usr/bin/env bash
# Starts an Elasticsearch node on loopback and prints its pid once it serves.
#   [SECURE=1] start.sh PORT DATA [SETTING=VALUE...]
# The transport listens on PORT+1. SECURE=1 serves HTTPS to user hinomi / hinomi-secret alone, with the
# authority's certificate in DATA/config/ca.crt. Settings go to the node as -E. Started again on the same
# DATA it has the same documents. Its output is DATA/out; the download is kept in HINOMI_CACHE.
# Environment: ELASTICSEARCH_VERSION.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"

[ $# -ge 2 ] || die "usage: start.sh PORT DATA [SETTING=VALUE...]"
port=$1; mkdir -p "$2"; data=$(cd "$2" && pwd); shift 2
if running "$data"; then cat "$data/pid"; exit; fi

version=${ELASTICSEARCH_VERSION:-$(version "$here/pom.xml")}
name=elasticsearch-$version
fetch "$CACHE/$name" "$here/pom.xml" unpack-dependencies -Dserver.version="$version"
home=$CACHE/$name/$name
secure=false; [ -z "${SECURE:-}" ] || secure=true

conf=$data/config
mkdir -p "$conf" "$data/tmp"
cp "$home"/config/{log4j2.properties,role_mapping.yml,roles.yml,users,users_roles} "$conf"
cat "$here/elasticsearch.yml.in" ${SECURE:+"$here/secure.yml.in"} | sed \
  -e "s|@PORT@|$port|; s|@TRANSPORT_PORT@|$((port + 1))|; s|@DATA@|$data|; s|@SECURE@|$secure|" \
  >"$conf/elasticsearch.yml"
# The temporary directory must be private: Elasticsearch refuses to start when its own home lies in it.
printf '%s\n' -Xms512m -Xmx512m "${JVM[@]}" -XX:-AlwaysPreTouch -Djava.io.tmpdir="$data/tmp" >"$conf/jvm.options"
if [ -n "${SECURE:-}" ]; then
  make_certificates "$conf"
  cat "$here/users" >"$conf/users"
  echo superuser:hinomi >"$conf/users_roles"
fi

settings=(); for s in "$@"; do settings+=("-E$s"); done
case $version in
  [78].*) ES_JAVA_HOME=$(java_home 17 23) ;;
  *) ES_JAVA_HOME=$(find_jdk 21 99) ;;
esac
CLI_JAVA_OPTS="${JVM[*]} -Djava.io.tmpdir=$data/tmp"
export ES_JAVA_HOME CLI_JAVA_OPTS ES_PATH_CONF=$conf ES_TMPDIR=$data/tmp

# With -d the launcher returns once the node serves.
rm -f "$data/pid"
(not_root timeout 120 "$home/bin/elasticsearch" -d -p "$data/pid" "${settings[@]}") >"$data/out" 2>&1 </dev/null ||
  give_up "$data" Elasticsearch
case $version in # and in 7.x before that
  7.*) await 120 $$ curl -fsS --max-time 5 "http://127.0.0.1:$port/_cluster/health" || give_up "$data" Elasticsearch ;;
esac
cat "$data/pid"
