#!/usr/bin/env bash
# Starts an OpenSearch node on loopback and prints its pid once it serves.
#   start.sh PORT DATA [SETTING=VALUE...]
# The transport listens on PORT+1. Settings go to the node as -E. Its output is DATA/out; the download is
# kept in HINOMI_CACHE.
# Environment: OPENSEARCH_VERSION.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"

[ $# -ge 2 ] || die "usage: start.sh PORT DATA [SETTING=VALUE...]"
port=$1; mkdir -p "$2"; data=$(cd "$2" && pwd); shift 2
if running "$data"; then cat "$data/pid"; exit; fi

version=${OPENSEARCH_VERSION:-$(version "$here/pom.xml")}
name=opensearch-$version
get() { fetch "$CACHE/$1" "$here/pom.xml" "${@:2}" -Dserver.version="$version"; }
get "$name" unpack-dependencies -DincludeTypes=zip
get "$name-modules" copy-dependencies -DincludeTypes=jar -DexcludeTransitive=true
home=$CACHE/$name/$name
module=$home/modules/analysis-common
if [ ! -d "$module" ]; then
  new=$(mktemp -d "$CACHE/module.XXXXXX")
  cp "$CACHE/$name-modules/"*.jar "$new"
  printf '%s\n' name=analysis-common description=analyzers "version=$version" "opensearch.version=$version" java.version=11 \
    classname=org.opensearch.analysis.common.CommonAnalysisPlugin >"$new/plugin-descriptor.properties"
  mv -T "$new" "$module" 2>/dev/null || rm -rf "$new"  # of two that start together, one has been faster
fi

conf=$data/config
mkdir -p "$conf" "$data/tmp"
cp "$home/config/log4j2.properties" "$conf"
sed -e "s|@PORT@|$port|; s|@TRANSPORT_PORT@|$((port + 1))|; s|@DATA@|$data|" \
  "$here/opensearch.yml.in" >"$conf/opensearch.yml"
# 2.x asks for the security manager, which JDKs from 24 on have no more; 3.x has an agent in its place.
agent=$home/agent/opensearch-agent.jar
if [ -e "$agent" ]; then
  OPENSEARCH_JAVA_HOME=$(find_jdk 21 99) guard=-javaagent:$agent
else
  OPENSEARCH_JAVA_HOME=$(java_home 17 23) guard=-Djava.security.manager=allow
fi
printf '%s\n' -Xms512m -Xmx512m "${JVM[@]}" -Djava.io.tmpdir="$data/tmp" "$guard" >"$conf/jvm.options"
export OPENSEARCH_JAVA_HOME OPENSEARCH_PATH_CONF=$conf OPENSEARCH_TMPDIR=$data/tmp

# Every step of this chain is an exec, so the pid of the job is the server's.
settings=(); for s in "$@"; do settings+=("-E$s"); done
not_root "$home/bin/opensearch" "${settings[@]}" >"$data/out" 2>&1 </dev/null &
echo $! >"$data/pid"
await 120 $! curl -fsS --max-time 5 "http://127.0.0.1:$port/_cluster/health" || give_up "$data" OpenSearch
cat "$data/pid"
