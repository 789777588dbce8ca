# Sourced by every script: strict mode, the project's root as working directory, and one way to speak.
# What the scripts say goes to standard error, so that the output of what they run stays usable.
set -euo pipefail
caller_dir=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '==> %s\n' "$*" >&2; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
# The path as the caller meant it, whatever the working directory is now.
from_caller() { (cd "$caller_dir" && realpath --no-symlinks -- "$1"); }
