#!/usr/bin/env bash
# Fetches NVIDIA's assembler and disassembler (ptxas, cuobjdump, nvdisasm of CUDA 12.4) into artifacts/cuda-toolkit-12, unless
# they are there. They come out of one package of Debian's non-free section, 87 MB, which is unpacked and not installed:
# nothing else on the machine changes. NVIDIA's licence for them is in artifacts/cuda-toolkit-12/copyright.
#
# With them, tests/Kernels.Tests assembles every kernel for every architecture and counts instructions; without them these
# tests do not exist.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
output=$root/artifacts/cuda-toolkit-12
programs=(ptxas cuobjdump nvdisasm)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "fetch.sh: $1" >&2
  exit 1
}

complete() {
  local program
  for program in "${programs[@]}"; do [ -x "$output/$program" ] || return 1; done
}

mkdir -p "$output"
exec 9>"$output/.lock"
! command -v flock >/dev/null || flock 9 # two at a time would write the same files
! complete || exit 0

[ "$(uname -sm)" = 'Linux x86_64' ] || fail "NVIDIA's tools are fetched for Linux on x64 only; this is $(uname -sm)."
for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || fail "There is no $program here: the tools are taken out of a Debian package."
done
[ -e "$keyring" ] || fail "$keyring is missing: install the package debian-archive-keyring."

# The mirror that this machine uses already, with the section that has the package; the lists stay in a folder of their own.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -E '/debian/?$' | head -n 1) || true
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt drops its privileges to download
mkdir -p "$work/lists/partial" "$work/archives/partial"
echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} trixie non-free" >"$work/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Dir::State::Lists="$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User= "$@" >&2
}

echo "fetch.sh: fetching ptxas, cuobjdump and nvdisasm (87 MB, once)..." >&2
cd "$work"
apt update && apt download nvidia-cuda-toolkit || fail "Debian's package nvidia-cuda-toolkit could not be downloaded."
dpkg-deb --fsys-tarfile nvidia-cuda-toolkit_*.deb | tar -x --wildcards \
  './usr/bin/*' './usr/lib/nvidia-cuda-toolkit/bin/*' './usr/share/doc/nvidia-cuda-toolkit/copyright' 2>/dev/null || true
for program in "${programs[@]}"; do
  found=$(find . -name "$program" -type f | head -n 1)
  [ -n "$found" ] || fail "The package has no $program."
  install -m 755 "$found" "$output/$program.new"
  mv "$output/$program.new" "$output/$program" # whole or not at all
done
install -m 644 usr/share/doc/nvidia-cuda-toolkit/copyright "$output/copyright"
