#!/usr/bin/env bash
# Builds the containers of deploy/ and transcribes a recording in the CPU one, on a machine without a registry: what stands
# for the base images of Microsoft and of Node.js is made of Debian and of what is installed here. As root, with the Debian
# packages buildah, mmdebstrap, curl and jq:
#
#   tools/deploy-check.sh
#
# Everything it makes lies in artifacts/deploy-check and can be deleted.
set -euo pipefail
root=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
work=$root/artifacts/deploy-check
dotnet=$(dirname -- "$(readlink -f -- "$(command -v dotnet)")")
mkdir -p "$work"
cd "$root"

# Without a daemon and without namespaces: a build step runs in a chroot.
export BUILDAH_ISOLATION=chroot
image() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

[ -f "$work/debian.tar" ] || mmdebstrap --variant=minbase --include=ca-certificates bookworm "$work/debian.tar"

base() { # NAME FOLDER...: an image with these folders of the SDK, and the user that Microsoft's images have
  local name=$1 container folder
  shift
  container=$(image from scratch)
  image add -q "$container" "$work/debian.tar" / >/dev/null
  for folder; do image copy -q "$container" "$dotnet/$folder" "/usr/share/dotnet/$folder" >/dev/null; done
  image copy -q "$container" "$dotnet/dotnet" /usr/share/dotnet/dotnet >/dev/null
  image copy -q "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null # of a proxy, if there is one
  image run "$container" -- sh -c 'ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet && useradd --uid 1654 --create-home app'
  image config --env APP_UID=1654 --env DOTNET_CLI_TELEMETRY_OPTOUT=1 --env NUGET_CERT_REVOCATION_MODE=offline --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
  image commit -q --rm "$container" "mcr.microsoft.com/dotnet/$name:10.0" >/dev/null
}
base sdk host packs sdk sdk-manifests shared templates
base aspnet host shared

# Node.js and npm, which build the web page.
container=$(image from scratch)
image add -q "$container" "$work/debian.tar" / >/dev/null
image copy -q "$container" "$(readlink -f -- "$(command -v node)")" /usr/local/bin/node >/dev/null
image copy -q "$container" "$(npm root -g)/npm" /usr/local/lib/node_modules/npm >/dev/null
image run "$container" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
image commit -q --rm "$container" docker.io/library/node:22-bookworm-slim >/dev/null

for name in Dockerfile Dockerfile.cuda; do
  image build --pull-never -q -f "deploy/$name" -t "localhost/handwritten-${name,,}" . >/dev/null
  echo "deploy/$name is built."
done

# The program as the image starts it, as the image's user, with nothing writable but /tmp.
container=$(image from --pull-never localhost/handwritten-dockerfile)
trap 'kill "${server-}" 2>/dev/null || true; wait; image rm "$container" >/dev/null' EXIT
mapfile -t command < <(image inspect "$container" | jq -r '.OCIv1.config | (.Entrypoint + .Cmd)[]')
image run "$container" -- "${command[@]}" --port 8765 2>"$work/server.log" &
server=$!
curl -sf --retry 60 --retry-delay 1 --retry-all-errors -o /dev/null http://127.0.0.1:8765/health/ready
curl -sf http://127.0.0.1:8765/v1/audio/transcriptions -F file=@weights/samples/01-en.wav -F model=whisper-1
echo
curl -sf http://127.0.0.1:8765/v1/audio/transcriptions -F "file=@tests/data/audio/formats.mp3" -F model=whisper-1 >/dev/null && echo "ffmpeg reads mp3 there."
curl -sf http://127.0.0.1:8765/ | grep 'src="./assets/' >/dev/null && echo "The web page is there."
