#!/bin/sh
# Gathers what the GPU programs need on a machine that has neither this build nor its libraries:
#   tests/gpu/carry.sh BUILD_FOLDER TARGET_FOLDER PROGRAM…
set -eu
build=$1 target=$2
shift 2
mkdir -p "$target/bin"
for program in "$@"; do
  file=$(find "$build" -type f -name "$program" -perm -u+x | head -n 1)
  cp "$file" "$target/bin/"
  strip "$target/bin/$program"
  ldd "$file" | awk '/libfmt/ {print $3}' | xargs -I{} cp -L {} "$target/bin/"
done
