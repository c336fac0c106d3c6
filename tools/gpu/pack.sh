#!/usr/bin/env bash
# Packs what a GPU machine without .NET and without a network needs to check and to time the CUDA back end:
#
#   tools/gpu/pack.sh [FOLDER]        leaves FOLDER/handwritten-gpu.tar.xz (artifacts/gpu by default), under 64 MiB
#
# There:  tar xf handwritten-gpu.tar.xz && handwritten-gpu/run.sh RESULTS
#
# Inside lies a repository in small: bin/ (the command and the tests, self-contained for linux-x64), the demo model, the
# reference data that CUDA tests read, and the scripts.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
output=$(readlink -m -- "${1:-$root/artifacts/gpu}")
limit=$((64 * 1024 * 1024))
source "$root/tools/dotnet.sh"
cd "$root"

package=$output/handwritten-gpu
rm -rf "$package"
mkdir -p "$package/tests/data/reference"
for project in src/Cli tools/gpu/GpuTests; do
  "$dotnet" publish "$project" -c Release -r linux-x64 --self-contained -v quiet --nologo \
    -p:DebugType=none -o "$package/bin" >&2
done
rm -f "$package"/bin/*.xml "$package"/bin/*.pdb "$package"/bin/createdump
cp tools/gpu/run.sh tools/gpu/*.py "$package/"
cp Handwritten.sln "$package/" # tests find their data below it
cp -r weights "$package/"
cp -r tests/data/audio "$package/tests/data/"
cp -r tests/data/reference/{frontend,nano,shapes,decoding} "$package/tests/data/reference/"

archive=$output/handwritten-gpu.tar.xz
tar -C "$output" -c handwritten-gpu | xz -T0 -6 >"$archive.part"
mv "$archive.part" "$archive"
rm -rf "$package"
size=$(stat -c %s "$archive")
echo "$archive: $((size / 1024 / 1024)) MiB"
((size <= limit)) || fail "The package has $size bytes, but a GPU machine takes at most $limit."
