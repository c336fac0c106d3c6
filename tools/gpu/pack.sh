#!/usr/bin/env bash
# Packs what a GPU machine without .NET and without a network needs to check and to time the CUDA back end:
#
#   tools/gpu/pack.sh [FOLDER]        leaves two archives in FOLDER (artifacts/gpu by default), together under 64 MiB:
#       program.tar.xz                the command and the tests, self-contained for linux-x64, and the scripts
#       data.tar.xz                   a repository in small: the demo model, and the reference data that CUDA tests read
#
# There:  tar xf program.tar.xz && tar xf data.tar.xz && handwritten-gpu/run.sh RESULTS
# Unpacked anywhere below a repository, the program uses that one's data, and needs no other.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
output=$(readlink -m -- "${1:-$root/artifacts/gpu}")
limit=$((64 * 1024 * 1024))
source "$root/tools/dotnet.sh"
cd "$root"

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
program=$staging/program/handwritten-gpu data=$staging/data/handwritten-gpu
mkdir -p "$output" "$program" "$data/tests/data/reference"
for project in src/Cli tools/gpu/GpuTests; do
  "$dotnet" publish "$project" -c Release -r linux-x64 --self-contained -v quiet --nologo \
    -p:DebugType=none -o "$program/bin" >&2
done
cp tools/gpu/run.sh tools/gpu/*.py "$program/"

# What only debuggers, profilers, the SDK's test runner and the server load.
(cd "$program/bin" && rm -rf -- wwwroot *.xml *.pdb createdump libmscordaccore.so libmscordbi.so libclrgc.so libclrgcexp.so \
  libcoreclrtraceptprovider.so Microsoft.VisualBasic*.dll Microsoft.TestPlatform.*.dll Microsoft.VisualStudio.*.dll \
  Microsoft.CodeCoverage.*.dll Microsoft.AspNetCore.*.dll Scalar.*.dll OpenTelemetry*.dll testhost* xunit.runner.visualstudio*.dll Newtonsoft.Json.dll)

cp Handwritten.sln "$data/" # tests find their data below it
cp -r weights "$data/"
cp -r tests/data/audio "$data/tests/data/"
cp -r tests/data/reference/{frontend,nano,shapes,decoding} "$data/tests/data/reference/"

size=0
for part in program data; do
  archive=$output/$part.tar.xz
  tar -C "$staging/$part" -c handwritten-gpu | xz -T0 --x86 --lzma2=preset=6 >"$archive.part"
  mv "$archive.part" "$archive"
  bytes=$(stat -c %s "$archive")
  ((size += bytes))
  echo "$archive: $((bytes / 1024 / 1024)) MiB"
done
((size <= limit)) || fail "The package has $size bytes, but a GPU machine takes at most $limit."
