# The Windows twin of ./test, see there: test.cmd [--slow] [arguments of dotnet test].
$passed = $failed = $skipped = $status = 0
try {
  . (Join-Path $PSScriptRoot 'dotnet.ps1')
  Set-Location $root

  function Wrong($sentence) {
    [Console]::Error.WriteLine("test: $sentence")
    $script:status = 1
  }

  $filter = 'Speed!=Slow'
  $chosen = $null
  $rest = @()
  for ($i = 0; $i -lt $args.Count; $i++) {
    if ($args[$i] -eq '--slow') { $filter = $null }
    elseif ($args[$i] -eq '--filter') { $chosen = $args[++$i] }
    else { $rest += $args[$i] }
  }
  if ($chosen -and $filter) { $filter = "($chosen)&($filter)" }
  elseif ($chosen) { $filter = $chosen }
  if ($filter) { $rest = @('--filter', $filter) + $rest }

  if (-not (Get-Command ffmpeg -ErrorAction Ignore)) {
    [Console]::Error.WriteLine('test: Tests that read compressed recordings will fail without ffmpeg: winget install ffmpeg.')
  }

  $node = 'artifacts/openai-node' # OpenAI's client for Node.js, which the server is tested with
  if (-not (Test-Path "$node/node_modules/openai")) {
    if (Get-Command npm -ErrorAction Ignore) {
      New-Item -ItemType Directory -Force $node | Out-Null
      Copy-Item tests/Server.Tests/OpenAi/node/package*.json $node
      npm ci --prefix $node --silent
    }
    if (-not (Test-Path "$node/node_modules/openai")) {
      [Console]::Error.WriteLine("test: There is no npm, or it cannot reach its registry: the server is tested without OpenAI's client for Node.js and without its web page (winget install OpenJS.NodeJS.LTS).")
    }
  }

  & $dotnet build Handwritten.sln -c Release -v quiet --nologo
  if ($LASTEXITCODE -ne 0) {
    Wrong 'The build failed, see above.'
    exit 1
  }
  & $dotnet format Handwritten.sln --verify-no-changes --no-restore
  if ($LASTEXITCODE -ne 0) { Wrong "Some files are not formatted: run 'dotnet format' and keep its changes." }

  $results = Join-Path ([IO.Path]::GetTempPath()) ([guid]::NewGuid())
  foreach ($project in Get-ChildItem tests -Directory -Filter *.Tests) {
    $trx = Join-Path $results "$($project.Name).trx"
    & $dotnet test "tests/$($project.Name)" -c Release --no-build --nologo --logger "trx;LogFileName=$trx" @rest
    if ($LASTEXITCODE -ne 0) { Wrong "tests/$($project.Name) failed." }
    if (Test-Path $trx) {
      # In a trx file skipped tests count as not executed; all that ran and did not pass has failed.
      $counters = ([xml](Get-Content -Raw $trx)).TestRun.ResultSummary.Counters
      $passed += [int]$counters.passed
      $failed += [int]$counters.executed - [int]$counters.passed
      $skipped += [int]$counters.total - [int]$counters.executed
    }
  }
  Remove-Item -Recurse -Force $results -ErrorAction Ignore
  if ($passed + $failed -eq 0) { Wrong 'No test ran.' }
  if ($failed -ne 0) { $status = 1 }
}
finally {
  "$passed passed, $failed failed, $skipped skipped"
}
exit $status
