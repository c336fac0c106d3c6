using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
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
        Assert.Matches(@"file +model\.safetensors, [\d,]+ bytes", outcome.Output);
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

        byte[] weights = File.ReadAllBytes(TestData.Weights("whisper-nano", "model.safetensors"));
        JsonElement file = Assert.Single(model.GetProperty("files").EnumerateArray());
        Assert.Equal(("model.safetensors", weights.Length), (file.GetProperty("name").GetString(), file.GetProperty("bytes").GetInt32()));
        Assert.Equal(XxHash3.HashToUInt64(weights).ToString("x16", CultureInfo.InvariantCulture), file.GetProperty("xxHash3").GetString());
    }

    [Fact]
    public void Parity_finds_the_activations_of_the_original()
    {
        Outcome outcome = _sandbox.Handwritten("parity");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"decoder\.logits +.* ok", outcome.Output);
        Assert.Matches(@"whisper-nano on CPU .*: (\d+) of \1 activations are the original's", outcome.OutputLines[^1]);
    }

    [Fact]
    public void Parity_writes_the_activations_that_other_programs_compute_too()
    {
        string path = _sandbox["activations.safetensors"];
        Assert.Equal(0, _sandbox.Handwritten("parity", "--device", "cpu", "--dump", path).ExitCode);
        using SafetensorsFile dump = new(path), original = new(TestData.Path("reference", "nano", "activations.safetensors"));
        Assert.Equal(["decoder.logits", "encoder.ln_post"], dump.Names.Order());
        Assert.Equal([13, 51865], dump.Describe("decoder.logits").Shape);
        using HostTensor actual = dump.Open("encoder.ln_post"), expected = original.Open("encoder.ln_post");
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.All(Floats(expected).Zip(Floats(actual)), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
        _sandbox.Handwritten("parity", "--device", "cpu", "--dump", _sandbox["none", "a.safetensors"]).Is(ExitCode.UnwritableOutput, "a.safetensors");

        static float[] Floats(HostTensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray();
    }

    [Fact]
    public void Parity_of_a_made_up_model_is_given_as_json()
    {
        Outcome outcome = _sandbox.Handwritten("parity", "--shape", "tiny", "--json");
        JsonElement result = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal((0, "tiny"), (outcome.ExitCode, result.GetProperty("model").GetString()));
        JsonElement logits = result.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("name").GetString() == "decoder.logits");
        Assert.Equal([8, 51865], logits.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt32()));
        Assert.True(logits.GetProperty("ok").GetBoolean());
    }

    [Fact]
    public void Parity_fails_where_an_activation_is_not_the_original_s()
    {
        // The scales of the decoder's last norm, all of them another number.
        string model = _sandbox.CopyModel();
        using (SafetensorsFile original = new(TestData.Weights("whisper-nano", "model.safetensors")))
        {
            SafetensorsWriter.Write(Path.Combine(model, "model.safetensors"), original.Names.Select(original.Describe), name =>
                original.Open(name == "model.decoder.layer_norm.weight" ? "model.encoder.layer_norm.weight" : name));
        }

        Outcome outcome = _sandbox.Handwritten("parity", "--model", model);
        Assert.Equal(((int)ExitCode.NoParity, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"encoder\.ln_post +.* ok", outcome.Output);
        Assert.Matches(@"decoder\.logits +.* wrong", outcome.Output);
        Assert.Contains(": 38 of 40 activations are the original's", outcome.OutputLines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Parity_refuses_a_reference_that_is_none_or_of_another_model()
    {
        _sandbox.Handwritten("parity", "--reference", "nowhere").Is(ExitCode.UnusableModel, "activations.safetensors", "does not exist");
        _sandbox.Handwritten("parity", "--shape", "tiny", "--reference", "nowhere").Is(ExitCode.UnusableModel, "There is no reference", "tiny.json");
        _sandbox.Write("damaged/tiny.json", "{}");
        _sandbox.Handwritten("parity", "--shape", "tiny", "--reference", "damaged").Is(ExitCode.UnusableModel, "tiny.json' is no reference");
        File.Copy(TestData.Weights("whisper-nano", "model.safetensors"), _sandbox["damaged", "activations.safetensors"]);
        _sandbox.Handwritten("parity", "--reference", "damaged").Is(ExitCode.UnusableModel, "activations.safetensors'", "alignment_heads");
        Directory.CreateDirectory(_sandbox["other"]);
        File.Copy(TestData.Path("reference", "shapes", "tiny.en.json"), _sandbox["other", "tiny.json"]);
        Directory.CreateDirectory(_sandbox["frontend"]);
        File.Copy(TestData.Path("reference", "frontend", "jfk.safetensors"), _sandbox["frontend", "jfk.safetensors"]);
        _sandbox.Handwritten("parity", "--shape", "tiny", "--reference", "other").Is(ExitCode.UnusableModel, "decoder.logits", "belongs to this model");
    }

    [Fact]
    public void Bench_times_the_parts_of_a_model()
    {
        Outcome outcome = _sandbox.Handwritten("bench", "--runs", "1");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith("whisper-nano, F16 weights, on CPU (", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(@"encoder +\d+\.\d\d +\d+\.\d +\d+%", outcome.Output);
        Assert.Matches(@"This machine: \d+ GFLOP/s of multiply-adds, \d+\.\d GB/s of reading\. Peak resident memory: \d+ MB\.", outcome.Output);
    }

    [Fact]
    public void Bench_gives_its_numbers_as_json()
    {
        Outcome outcome = _sandbox.Handwritten("bench", "--shape", "tiny", "--type", "bf16", "--runs", "1", "--json");
        JsonElement result = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal((0, "tiny", "BF16"), (outcome.ExitCode, result.GetProperty("model").GetString(), result.GetProperty("weights").GetString()));
        JsonElement[] stages = [.. result.GetProperty("stages").EnumerateArray()];
        Assert.Equal(
            ["log-mel", "encoder", "cross keys and values", "prompt of 64 tokens", "one token"],
            stages.Select(stage => stage.GetProperty("name").GetString()));
        Assert.All(stages, stage => Assert.True(stage.GetProperty("milliseconds").GetDouble() > 0));

        // 37 GFLOP for 30 seconds; 75 MB of weights are in memory.
        Assert.InRange(stages[1].GetProperty("flops").GetDouble(), 36e9, 38e9);
        Assert.InRange(result.GetProperty("peakMemoryBytes").GetInt64(), 75_000_000, 2_000_000_000);
        Assert.True(result.GetProperty("limits").GetProperty("gigaflops").GetDouble() > 0);
    }

    [Fact]
    public void Bench_compares_with_OpenBLAS_where_it_is_installed()
    {
        Outcome outcome = _sandbox.Handwritten("bench", "--runs", "1", "--compare", "openblas");
        if (outcome.ExitCode == (int)ExitCode.WrongUsage)
        {
            outcome.Is(ExitCode.WrongUsage, "libopenblas0-pthread");
            return;
        }

        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"Q, K and V +1500 +384 +128( +\d+\.\d){2} +\d+\.\d\d", outcome.Output);
    }
}
