using System.Runtime.Versioning;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The server as a process, and its client.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public async Task A_server_streams_to_its_client_wants_its_keys_and_ends_well_when_told()
    {
        Outcome made = _sandbox.Handwritten("api-key", "reporter", "--api-keys", "keys");
        Assert.DoesNotContain(made.Output.Trim(), File.ReadAllText(_sandbox["keys"]), StringComparison.Ordinal);
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(
            _sandbox.StartHandwritten("serve", "--port", "0", "--device", "cpu", "--model", TestData.Weights("whisper-nano"), "--api-keys", "keys", "--batch-size", "2"));
        string recording = TestData.Weights("samples", "01-en.wav");
        Outcome refused = _sandbox.Handwritten("stream", recording, "--server", server.Address);
        Assert.Equal((2, true), (refused.ExitCode, refused.Error.Contains("wants an API key", StringComparison.Ordinal)));

        Outcome heard = _sandbox.Handwritten([("HANDWRITTEN_API_KEY", made.Output.Trim())], "stream", recording, "--server", server.Address, "--language", "en");
        Assert.Equal(("", 0), (heard.Error, heard.ExitCode));
        Assert.Contains("rock music", heard.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", heard.Output, StringComparison.Ordinal);
        server.Terminate(_sandbox);
    }

    [Theory]
    [InlineData("serve --port 0 --model no-such-model", 4, "no-such-model")]
    [InlineData("serve --port 0 --api-keys no-such-file", 2, "no-such-file")]
    [InlineData("serve --port 0 --otlp-endpoint nowhere", 2, "--otlp-endpoint")]
    [InlineData("serve --batch-size 0", 2, "--batch-size")]
    [InlineData("stream --server nowhere", 2, "--server")]
    [InlineData("stream missing.wav", 3, "missing.wav")]
    [InlineData("api-key a#b --api-keys keys", 2, "a#b")]
    public void What_makes_no_sense_is_told_in_a_sentence(string line, int exitCode, string named)
    {
        Outcome outcome = _sandbox.Handwritten(line.Split(' '));
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Contains(named, Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void Models_that_clients_could_not_tell_apart_are_refused()
    {
        string model = TestData.Weights("whisper-nano"), copy = _sandbox["other/whisper-nano"];
        Directory.CreateDirectory(copy);
        Array.ForEach(Directory.GetFiles(model), file => File.Copy(file, Path.Combine(copy, Path.GetFileName(file))));
        Outcome outcome = _sandbox.Handwritten("serve", "--port", "0", "--model", model, "--model", copy);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("Several models are called 'whisper-nano'", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whsec_!")]
    [InlineData("whsec_")]
    public void A_secret_that_cannot_sign_is_told_before_anything_is_served(string secret)
    {
        Outcome outcome = _sandbox.Handwritten([("HANDWRITTEN_WEBHOOK_SECRET", secret)], "serve", "--port", "0", "--lazy");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("whsec_", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }

    [LinuxFact]
    [SupportedOSPlatform("linux")]
    public void A_key_gets_a_line_of_its_own_in_a_file_that_only_its_owner_reads()
    {
        Assert.Equal(0, _sandbox.Handwritten("api-key", "first", "--api-keys", "keys").ExitCode);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_sandbox["keys"]));
        File.WriteAllText(_sandbox["keys"], File.ReadAllText(_sandbox["keys"]).TrimEnd('\n')); // as some editors leave it
        Assert.Equal(0, _sandbox.Handwritten("api-key", "second", "--api-keys", "keys").ExitCode);
        Assert.Equal(["first", "second"], File.ReadAllLines(_sandbox["keys"]).Select(line => line.Split(' ')[0]));
        Assert.EndsWith("\n", File.ReadAllText(_sandbox["keys"]), StringComparison.Ordinal);
    }
}
