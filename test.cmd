@echo off
rem The Windows twin of ./test, see there.
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0tools\test.ps1" %*
