# Sourced by ./handwritten and ./test with $root set to the repository: leaves in $dotnet the `dotnet` of a .NET 10 SDK.
# Looked for on the PATH, then in .dotnet; found in neither, the SDK is installed into .dotnet by Microsoft's script.

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # nothing here needs libicu, which a bare machine lacks
[ -w "${HOME:-/nowhere}" ] || export HOME=$root/.dotnet/home # where NuGet keeps its packages

fail() {
  echo "${0##*/}: $1" >&2
  exit 1
}

has() { command -v "$1" >/dev/null; }

# A release, no preview: global.json takes none either. (No grep -q: with pipefail, closing the pipe early is a failure.)
is_sdk() { "$1" --list-sdks 2>/dev/null | grep -E '^10\.0\.[0-9]+ ' >/dev/null; }

has_library() { "$(command -v ldconfig || echo /sbin/ldconfig)" -p 2>/dev/null | grep "$1" >/dev/null; }

# Installs Debian packages; false where that takes another system or another user.
apt_install() {
  has apt-get && [ "$(id -u)" = 0 ] &&
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"; } \
      </dev/null >/dev/null
}

# What a bare Debian or Ubuntu lacks for downloading the SDK and its packages over TLS.
install_prerequisites() {
  has apt-get || return 0
  local missing=()
  has curl || has wget || missing+=(curl)
  has_library 'libssl\.so' || missing+=(openssl)
  has_library 'libstdc++\.so\.6' || missing+=(libstdc++6)
  [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" ||
    fail "The .NET SDK needs packages that are not installed: run 'sudo apt-get install ${missing[*]}', then try again."
}

install_sdk() {
  install_prerequisites
  local url=https://dot.net/v1/dotnet-install.sh manual='install the .NET 10 SDK from https://dotnet.microsoft.com/download'
  local fetch
  if has curl; then fetch='curl -fsSL'; elif has wget; then fetch='wget -qO-'; else
    fail "There is neither a .NET 10 SDK nor curl or wget to download it: install one of these, or $manual."
  fi
  echo "${0##*/}: installing the .NET 10 SDK into $root/.dotnet (once, about 250 MB)..." >&2
  # An SDK cut off half way would look like a whole one the next time, so it goes.
  (
    trap 'rm -rf "$root/.dotnet"' EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$root/.dotnet"
    script=$root/.dotnet/install.sh
    $fetch "$url" >"$script" && [ -s "$script" ] &&
      bash "$script" --channel 10.0 --install-dir "$root/.dotnet" --no-path >&2 &&
      is_sdk "$root/.dotnet/dotnet" && trap - EXIT
  ) </dev/null || fail "The .NET 10 SDK could not be downloaded from $url: check the network, or $manual."
}

if has dotnet && is_sdk dotnet; then
  dotnet=dotnet
else
  dotnet=$root/.dotnet/dotnet
  is_sdk "$dotnet" || install_sdk
  export DOTNET_ROOT=$root/.dotnet # for programs that look for the runtime themselves, such as the test host
fi
