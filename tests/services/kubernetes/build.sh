#!/usr/bin/env bash
# build.sh prints the path of `kube`, the program of kube/main.go, and builds it first if this version of it is not in
# the cache. That takes five minutes of two cores, as their least important work.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
. "$here/../common/go.sh"

make_kube() {
  local version minor package flags
  version=$("$go" list -m -f '{{.Version}}' k8s.io/kubernetes)
  minor=${version#v1.}
  # Its parts compare their versions at start, so it must know one.
  package=k8s.io/component-base/version
  flags="-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  flags+=" -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
  # With the types of its API, for kubeconform.
  go_build -ldflags "$flags" -o "$1/kube" . &&
    /usr/bin/python3 ../schemas.py "$("$go" list -m -f '{{.Dir}}' k8s.io/kubernetes)/api/openapi-spec/swagger.json" \
      "$1/schemas"
}

cd "$here/kube"
directory=$(built kube make_kube ../build.sh ../schemas.py go.mod go.sum main.go)
echo "$directory/kube"
