using System.Diagnostics;
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

    [LinuxFact]
    public async Task The_first_interruption_ends_the_speech_and_writes_it_and_the_second_ends_at_once()
    {
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(
            _sandbox.StartHandwritten("serve", "--port", "0", "--device", "cpu", "--model", TestData.Weights("whisper-nano")));

        // "Please play rock": the sentence has not ended, nobody pauses behind it, and the recorder goes on.
        const int spokenBytes = 48_000;
        WriteRecorder($"tail -c +{WavHeaderBytes + 1} '{_recording}' | head -c {spokenBytes}; exec sleep 600");
        using Process speaking = StartRecorded(server.Address, "--json");
        Task<string> complaints = speaking.StandardError.ReadToEndAsync();
        string heard = "";
        while (!heard.Contains("\"partial\"", StringComparison.Ordinal))
        {
            heard = await speaking.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"It ended before it was interrupted. {await complaints}");
        }

        Interrupt(speaking);
        string rest = await speaking.StandardOutput.ReadToEndAsync();
        await speaking.WaitForExitAsync();
        Assert.Equal(("", 0), (await complaints, speaking.ExitCode));
        Assert.Contains("play", Assert.Single(rest.Split('\n'), line => line.Contains("\"final\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.EndsWith("{\"type\":\"done\"}\n", rest, StringComparison.Ordinal);

        // A server that is stopped like this answers nothing. The recorder ends when the first interruption has been heard.
        WriteRecorder("echo $$ > recorder.new && mv recorder.new recorder.id; exec sleep 600");
        using Process waiting = StartRecorded(server.Address, "--json");
        await waiting.StandardOutput.ReadLineAsync();
        await UntilAsync(() => File.Exists(_sandbox["recorder.id"]));
        string recorder = (await File.ReadAllTextAsync(_sandbox["recorder.id"])).Trim();
        Assert.Equal(0, _sandbox.Run("kill", ["-STOP", $"{server.Process.Id}"]).ExitCode);
        Interrupt(waiting);
        await UntilAsync(() => !Directory.Exists($"/proc/{recorder}"));
        Assert.False(waiting.HasExited);
        Interrupt(waiting);
        await waiting.WaitForExitAsync();
        Assert.NotEqual(0, waiting.ExitCode);
    }

    /// <summary>Streams what a program of the name of Linux's recorder writes.</summary>
    private Outcome Recorded(string script, string server)
    {
        WriteRecorder(script);
        return _sandbox.Handwritten([Path], "stream", "--language", "en", "--server", server);
    }

    private Process StartRecorded(string server, params string[] options) =>
        _sandbox.StartInShell("exec \"$DOTNET\" \"$PROGRAM\" stream --language en --server \"$SERVER\" " + string.Join(' ', options), Path, ("SERVER", server));

    private void WriteRecorder(string script) => _sandbox.Write("bin/arecord", $"#!/bin/sh\n{script}\n", executable: true);

    private (string, string?) Path => ("PATH", $"{_sandbox["bin"]}:{Environment.GetEnvironmentVariable("PATH")}");

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (int attempt = 0; !condition(); attempt++)
        {
            Assert.True(attempt < 600, "Nothing happened within a minute.");
            await Task.Delay(100);
        }
    }

    private void Interrupt(Process process) => Assert.Equal(0, _sandbox.Run("kill", ["-INT", $"{process.Id}"]).ExitCode);
}
