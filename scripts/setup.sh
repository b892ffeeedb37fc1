#!/usr/bin/env bash
# Installs what is missing on Debian 12 or Ubuntu 24.04: packages of scripts/packages.txt and ONNX's
# schema. Safe to run again, and quick when nothing is missing.
#   scripts/setup.sh [GROUP…]     groups of packages.txt; default: build test
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
groups=("$@")
if [ ${#groups[@]} -eq 0 ]; then
  groups=(build test)
fi

packages_of() {
  awk -v group="[$1]" '
    /^\[/ { wanted = ($1 == group); next }
    wanted && NF && $1 !~ /^#/ { print $1 }' "$root/scripts/packages.txt"
}

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v apt-get >/dev/null; then
  echo "$0: this system has no apt-get; install the counterparts of scripts/packages.txt" >&2
  exit 1
fi

missing=()
for group in "${groups[@]}"; do
  names=$(packages_of "$group")
  if [ -z "$names" ]; then
    echo "$0: scripts/packages.txt has no group \"$group\"" >&2
    exit 1
  fi
  for name in $names; do
    is_installed "$name" || missing+=("$name")
  done
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The build fetches it too; here a missing network is noticed before anything is compiled.
"$root/scripts/fetch_onnx_proto.sh" "$root/.cache/onnx-1.23.2.proto"
