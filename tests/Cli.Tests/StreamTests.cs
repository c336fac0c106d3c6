using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The client of live streams, with sound from elsewhere than a file.</summary>
public sealed class StreamTests : IDisposable
{
    private const int WavHeaderBytes = 44;

    private readonly Sandbox _sandbox = new();
    private readonly string _recording = TestData.Weights("samples", "01-en.wav"); // 16-bit, 16 kHz, one channel

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public async Task Sound_comes_from_the_microphone_and_from_standard_input_and_a_recorder_that_fails_is_told()
    {
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(
            _sandbox.StartHandwritten("serve", "--port", "0", "--device", "cpu", "--model", TestData.Weights("whisper-nano")));

        Outcome piped = _sandbox.InShell($"tail -c +{WavHeaderBytes + 1} '{_recording}' | \"$DOTNET\" \"$PROGRAM\" stream - --language en --server {server.Address}");
        Assert.Equal(("", 0), (piped.Error, piped.ExitCode));
        Assert.Contains("rock music", piped.Output, StringComparison.Ordinal);

        Outcome spoken = Recorded($"tail -c +{WavHeaderBytes + 1} '{_recording}'", server.Address);
        Assert.Equal(("", 0), (spoken.Error, spoken.ExitCode));
        Assert.Contains("rock music", spoken.Output, StringComparison.Ordinal);

        Outcome silent = Recorded("echo 'audio open error: No such file or directory' >&2; exit 1", server.Address);
        Assert.Equal(3, silent.ExitCode);
        string sentence = Assert.Single(silent.ErrorLines);
        Assert.Contains("arecord ended with status 1 (audio open error: No such file or directory)", sentence, StringComparison.Ordinal);

        Outcome unplugged = Recorded($"tail -c +{WavHeaderBytes + 1} '{_recording}'; exit 1", server.Address);
        Assert.Equal(3, unplugged.ExitCode);
        Assert.Contains("rock music", unplugged.Output, StringComparison.Ordinal); // what was heard before is not lost
        server.Terminate(_sandbox);
    }

    /// <summary>Streams what a program of the name of Linux's recorder writes.</summary>
    private Outcome Recorded(string script, string server)
    {
        _sandbox.Write("bin/arecord", $"#!/bin/sh\n{script}\n", executable: true);
        string path = $"{_sandbox["bin"]}:{Environment.GetEnvironmentVariable("PATH")}";
        return _sandbox.Handwritten([("PATH", path)], "stream", "--language", "en", "--server", server);
    }
}
