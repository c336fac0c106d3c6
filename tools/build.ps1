# For handwritten.cmd: builds the command when its sources differ from those of the last build, and prints the path of
# the `dotnet` to run it with.
. (Join-Path $PSScriptRoot 'dotnet.ps1')

$program = Join-Path $root 'src/Cli/bin/Release/net10.0/handwritten.dll'
$built = Join-Path $root 'src/Cli/bin/last-build' # names and contents of the sources it was built from
$files = @(Get-ChildItem $root -File -Filter 'Directory.*.props') + @(Get-Item (Join-Path $root 'global.json')) +
  @(Get-ChildItem (Join-Path $root 'src') -File -Recurse | Where-Object { $_.FullName -notmatch '[\\/](bin|obj|node_modules)[\\/]' })
$sources = ($files | Get-FileHash -Algorithm MD5 | ForEach-Object { "$($_.Hash) $($_.Path)" }) -join "`n"
if (Get-Command npm -ErrorAction Ignore) { $sources += "`nnpm" } # without it the server's web page is a plain one

if (-not (Test-Path $program) -or -not (Test-Path $built) -or [IO.File]::ReadAllText($built) -ne $sources) {
  [Console]::Error.WriteLine('handwritten: building...')
  Push-Location $root # where global.json counts
  $output = & $dotnet build src/Cli/Cli.csproj -c Release -v quiet --nologo -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false
  Pop-Location
  if ($LASTEXITCODE -ne 0) {
    $output | Out-StandardError
    Fail 'The build failed, see above.'
  }
  [IO.File]::WriteAllText($built, $sources)
}

$dotnet
