#!/usr/bin/env bash
# Compiles the emulated CUDA driver to artifacts/cuda-emulator/libcuda.so, unless that is newer than all it is made from.
# The library is for the processor that compiles it. Native AOT links with gcc and zlib: where one is missing it is
# installed, if this is root on Debian or Ubuntu.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
output=$root/artifacts/cuda-emulator
library=$output/libcuda.so
cd "$root"

mkdir -p "$output"
exec 9>"$output/.lock"
! command -v flock >/dev/null || flock 9 # two at a time would write the same files

sources=(tools/CudaEmulator Directory.Build.props Directory.Packages.props global.json)
changed() {
  [ ! -e "$library" ] ||
    [ -n "$(find "${sources[@]}" -name bin -prune -o -name obj -prune -o -type f ! -name '*.md' -newer "$library" -print -quit)" ]
}
changed || exit 0

case $(uname -sm) in
  'Linux x86_64') rid=linux-x64 ;;
  'Linux aarch64') rid=linux-arm64 ;;
  *) echo "build.sh: The emulated CUDA driver is made for Linux on x64 or arm64; this is $(uname -sm)." >&2 && exit 1 ;;
esac

source "$root/tools/dotnet.sh"
missing=()
has gcc || missing+=(gcc libc6-dev)
[ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" ||
  fail "Compiling the emulated CUDA driver takes packages that are not installed: run 'sudo apt-get install ${missing[*]}', then try again."

echo "build.sh: compiling the emulated CUDA driver..." >&2
started=$(mktemp) # a source that changes from now on makes the library old
"$dotnet" publish tools/CudaEmulator -c Release -r "$rid" -v quiet --nologo --artifacts-path "$output/build" >&2
mv "$output/build/publish/CudaEmulator/release_$rid/Handwritten.CudaEmulator.so" "$library"
touch -r "$started" "$library"
rm -f "$started"
