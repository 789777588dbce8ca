#!/usr/bin/env bash
# tools.sh prints the directory of `helm`, which is Helm 4, `helm3` and `kubeconform`, and builds them first if these
# versions are not in the cache. That takes a minute or two of two cores after build.sh, which shares most of what they are
# made of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
. "$here/../common/go.sh"

# build_helm MODULE FILE
build_helm() {
  local version
  version=$("$go" list -m -f '{{.Version}}' "$1")
  go_build -ldflags "-s -w -X $1/internal/version.version=$version" -o "$2" "$1/cmd/helm"
}

make_tools() {
  build_helm helm.sh/helm/v4 "$1/helm" && build_helm helm.sh/helm/v3 "$1/helm3" &&
    go_build -ldflags "-s -w" -o "$1/kubeconform" github.com/yannh/kubeconform/cmd/kubeconform
}

cd "$here/tools"
built tools make_tools ../tools.sh go.mod go.sum
