using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The commands around transcription.</summary>
public sealed class OtherCommandTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Devices_lists_the_cpu()
    {
        Outcome outcome = _sandbox.Handwritten("devices");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches($@"cpu +CPU \(.*{Environment.ProcessorCount} threads?, \d+-bit vectors\)", outcome.Output);
    }

    [Fact]
    public void Detect_language_shows_the_five_most_probable_languages()
    {
        Outcome outcome = _sandbox.Handwritten("detect-language", TestData.Path("audio", "13-de.wav"), TestData.Path("audio", "01-en.wav"));
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"(?s)13-de\.wav.*de +german +\d+\.\d\d %.*01-en\.wav.*en +english +\d+\.\d\d %", outcome.Output);
        Assert.Equal(10, outcome.OutputLines.Count(line => line.TrimEnd().EndsWith(" %", StringComparison.Ordinal)));
    }

    [Fact]
    public void Detect_language_gives_all_probabilities_as_json()
    {
        string[] recordings = [TestData.Path("audio", "13-de.wav"), "missing.wav", TestData.Path("audio", "14-fr.wav")];
        Outcome outcome = _sandbox.Handwritten(["detect-language", "--json", .. recordings]);
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("'missing.wav'");
        Dictionary<string, Dictionary<string, double>> results = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, double>>>(outcome.Output)!;
        Assert.Equal([recordings[0], recordings[2]], results.Keys);
        Assert.Equal(["de", "fr"], results.Values.Select(languages => languages.MaxBy(language => language.Value).Key));
        Assert.All(results.Values, languages => Assert.Equal((99, 1.0), (languages.Count, Math.Round(languages.Values.Sum(), 5))));
    }

    [Fact]
    public void Inspect_shows_architecture_and_tensors()
    {
        Outcome outcome = _sandbox.Handwritten("inspect");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches("encoder +4 layers, 2 heads, width 128", outcome.Output);
        Assert.Matches("vocabulary +51865 tokens, 99 languages", outcome.Output);
        Assert.Matches("parameters +8,818,560", outcome.Output);
        Assert.Matches(@"model\.encoder\.conv1\.weight +F16 +\[128, 80, 3\] +61,440", outcome.Output);
    }

    [Fact]
    public void Inspect_gives_the_same_as_json_with_hashes()
    {
        Outcome outcome = _sandbox.Handwritten("inspect", TestData.Weights("whisper-nano"), "--json", "--hashes");
        JsonElement model = JsonDocument.Parse(outcome.Output).RootElement;
        JsonElement[] tensors = [.. model.GetProperty("tensors").EnumerateArray()];
        Assert.Equal("whisper-nano", model.GetProperty("name").GetString());
        Assert.Equal(128, model.GetProperty("dimensions").GetProperty("width").GetInt32());
        Assert.Equal(8_818_560, model.GetProperty("parameters").GetInt64());
        Assert.Equal(2 * 8_818_560, tensors.Sum(tensor => tensor.GetProperty("bytes").GetInt64()));
        Assert.Equal(2 * 8_818_560, model.GetProperty("memory").GetProperty("weights").GetInt64());
        Assert.All(tensors, tensor => Assert.Matches("^[0-9a-f]{16}$", tensor.GetProperty("xxHash3").GetString()));
    }

    [Fact]
    public void Parity_finds_the_activations_of_the_original()
    {
        Outcome outcome = _sandbox.Handwritten("parity");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"decoder\.logits +.* ok", outcome.Output);
        Assert.Matches(@"whisper-nano on CPU .*: (\d+) of \1 activations are the original's", outcome.OutputLines[^1]);
    }
}
