@echo off
rem The Windows twin of ./handwritten: builds the command when its sources changed, then runs it.
setlocal
set "dotnet="
for /f "usebackq delims=" %%d in (`powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0tools\build.ps1" ^< nul`) do set "dotnet=%%d"
if not defined dotnet exit /b 1
"%dotnet%" "%~dp0src\Cli\bin\Release\net10.0\handwritten.dll" %*
