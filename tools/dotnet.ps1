# The Windows twin of dotnet.sh, dot-sourced by build.ps1 and test.ps1: leaves the repository in $root and in $dotnet the
# `dotnet` of a .NET 10 SDK, from the PATH, from .dotnet, or installed there by Microsoft's script.
$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
$env:DOTNET_CLI_TELEMETRY_OPTOUT = $env:DOTNET_NOLOGO = '1'

function Fail($sentence) {
  [Console]::Error.WriteLine("handwritten: $sentence")
  exit 1
}

# Standard output is for the results of these scripts; what others say goes to standard error.
function Out-StandardError { process { [Console]::Error.WriteLine($_) } }

# A release, no preview: global.json takes none either.
function Test-Sdk($path) {
  [bool]((Get-Command $path -ErrorAction Ignore) -and ((& $path --list-sdks) -match '^10\.0\.\d+ '))
}

$dotnet = 'dotnet'
if (-not (Test-Sdk $dotnet)) {
  $folder = Join-Path $root '.dotnet'
  $dotnet = Join-Path $folder 'dotnet.exe'
  $env:DOTNET_ROOT = $folder # for programs that look for the runtime themselves, such as the test host
  if (-not (Test-Sdk $dotnet)) {
    [Console]::Error.WriteLine("handwritten: installing the .NET 10 SDK into $folder (once, about 300 MB)...")
    $url = 'https://dot.net/v1/dotnet-install.ps1'
    try {
      New-Item -ItemType Directory -Force $folder | Out-Null
      $script = Join-Path $folder 'install.ps1'
      $ProgressPreference = 'SilentlyContinue'
      [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
      Invoke-WebRequest -UseBasicParsing $url -OutFile $script
      & $script -Channel 10.0 -InstallDir $folder -NoPath *>&1 | Out-StandardError
      if (-not (Test-Sdk $dotnet)) { throw 'incomplete' }
    }
    catch {
      # An SDK cut off half way would look like a whole one the next time, so it goes.
      Remove-Item -Recurse -Force $folder -ErrorAction Ignore
      Fail "The .NET 10 SDK could not be downloaded from ${url}: check the network, or install the .NET 10 SDK from https://dotnet.microsoft.com/download."
    }
  }
}
