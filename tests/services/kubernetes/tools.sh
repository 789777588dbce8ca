#!/usr/bin/env bash
# tools.sh prints the directory of `helm` and `kubeconform`, and builds them first if these versions are not in the cache.
# That takes a minute or two of two cores after build.sh, which shares most of what they are made of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common/lib.sh"
. "$here/../common/go.sh"

make_tools() {
  local version
  version=$("$go" list -m -f '{{.Version}}' helm.sh/helm/v4)
  go_build -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" -o "$1/helm" helm.sh/helm/v4/cmd/helm &&
    go_build -ldflags "-s -w" -o "$1/kubeconform" github.com/yannh/kubeconform/cmd/kubeconform
}

cd "$here/tools"
built tools make_tools ../tools.sh go.mod go.sum
