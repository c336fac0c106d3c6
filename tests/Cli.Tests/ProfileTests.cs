using System.Text.Json;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What the kernels do, and how long the parts of a model take, on the emulated GPU.</summary>
public sealed class ProfileTests : IDisposable
{
    private const int Layers = 4; // of the demo model, on both sides

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Profile_counts_what_each_kernel_does_and_draws_it()
    {
        Outcome outcome = _sandbox.Handwritten(EmulatedGpu.Environment, "profile", "--device", "emulated", "--batch-size", "2", "--json", "--plot", _sandbox["kernels.png"]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonElement profile = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(("whisper-nano", 2, true), (profile.GetProperty("model").GetString(), profile.GetProperty("batchSize").GetInt32(), profile.GetProperty("emulated").GetBoolean()));
        JsonElement[] passes = [.. profile.GetProperty("passes").EnumerateArray()];
        Assert.Equal(["encode", "step"], passes.Select(pass => pass.GetProperty("name").GetString()));

        JsonElement attention = Kernels(passes[0]).Single(kernel => Name(kernel).StartsWith("EncoderAttention", StringComparison.Ordinal));
        Assert.Equal(Layers, attention.GetProperty("launches").GetInt32());
        Assert.Equal("tensorF16", attention.GetProperty("floors").GetProperty("h200").GetProperty("wall").GetString());
        Assert.True(attention.GetProperty("flops").GetInt64() >= 2 * Layers * 4L * 1500 * 1500 * 128); // 2 windows; tiles round up

        // A step reads the decoder's matrices and the token table, of 2 bytes an element, and the caches of what was heard.
        JsonElement[] step = Kernels(passes[1]);
        long weights = (Layers * 128L * ((6 * 128) + (2 * 512))) + (51_865L * 128), heard = 2 * Layers * 1500L * 2 * 128;
        Assert.InRange(step.Sum(kernel => kernel.GetProperty("bytes").GetInt64()), 2 * (weights + heard), 2.4 * (weights + heard));
        Assert.Contains(step, kernel => Name(kernel) == "TokenChooser.ChooseTokens");

        // Embedding; Q, K and V, self-attention, its output, cross query, cross-attention, its output, and two of the
        // feed-forward network in each layer, norms within the products; the rows that choose, their logits, the choice.
        Assert.Equal(1 + (Layers * 8) + 3, step.Sum(kernel => kernel.GetProperty("launches").GetInt32()));
        Assert.All(step, kernel =>
        {
            Assert.Equal(["a10", "a100", "h200", "t4"], kernel.GetProperty("floors").EnumerateObject().Select(card => card.Name).Order());
            Assert.False(kernel.TryGetProperty("microseconds", out _)); // the emulator's own time means nothing
        });
        Assert.Equal("\x89PNG"u8.ToArray()[^3..], File.ReadAllBytes(_sandbox["kernels.png"])[1..4]);
    }

    [Fact]
    public void Profile_shows_kernels_in_the_order_of_what_they_cost()
    {
        Outcome outcome = _sandbox.Handwritten(EmulatedGpu.Environment, "profile", "--device", "emulated", "--card", "t4");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("floors are those of t4", outcome.OutputLines[0], StringComparison.Ordinal);
        Assert.Matches(@"(?s) step .*SkinnyProduct<Float16>\.\S+.*memory.*Embedding<Float16>\.Kernel<\S+ +1 .*step: \d+ launches, \d+\.\d us at least", outcome.Output);
    }

    [Fact]
    public void Profile_without_a_GPU_says_which_device_there_is()
    {
        _sandbox.Handwritten("profile", "--device", "cpu").Is(ExitCode.WrongUsage, "--device cuda", "--device emulated");
        _sandbox.Handwritten("profile", "--device", "emulated", "--plot", "kernels.svg").Is(ExitCode.WrongUsage, "--plot writes PNG");
        _sandbox.Handwritten(EmulatedGpu.Environment, "profile", "--device", "emulated", "--counters", "counters.json").Is(ExitCode.WrongUsage, "--counters", "real GPU");
    }

    [Fact]
    public void Bench_times_a_batch_its_operations_and_a_recording()
    {
        Outcome outcome = _sandbox.Handwritten(EmulatedGpu.Environment,
            "bench", "--device", "emulated", "--runs", "1", "--batch-size", "2", "--products", "--audio-seconds", "61", "--tokens", "3", "--json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        JsonElement bench = JsonDocument.Parse(outcome.Output).RootElement;
        Assert.Equal(
            ["log-mel", "encoder", "cross keys and values", "prompt of 64 tokens", "one token", "one token, kernels early"],
            bench.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("name").GetString()));
        Assert.All(bench.GetProperty("stages").EnumerateArray(), stage => Assert.True(stage.GetProperty("milliseconds").GetDouble() > 0));

        JsonElement[] operations = [.. bench.GetProperty("operations").EnumerateArray()];
        Assert.Equal(15, operations.Length);
        Assert.Contains(operations, operation => Shape(operation) is [3000, 384, 128]); // Q, K and V of two windows
        Assert.Contains(operations, operation => Shape(operation) is [2, 51865, 128]);
        Assert.Contains(operations, operation => Shape(operation) is [2, 2, 1, 1500]);

        JsonElement audio = bench.GetProperty("audio");
        Assert.Equal((3, 3), (audio.GetProperty("windows").GetInt32(), audio.GetProperty("tokens").GetInt32()));
        double[] parts = [.. new[] { "logMel", "encoder", "listen", "decoder" }.Select(part => audio.GetProperty($"{part}Milliseconds").GetDouble())];
        Assert.All(parts, part => Assert.True(part > 0));
        Assert.InRange(parts.Sum(), 0.8 * audio.GetProperty("milliseconds").GetDouble(), 1.001 * audio.GetProperty("milliseconds").GetDouble());

        Assert.Contains(bench.GetProperty("deviceMemory").EnumerateArray(), use => use.GetProperty("label").GetString() == "weights");
        Assert.True(bench.GetProperty("coldStart").GetProperty("compiledKernels").GetInt32() >= 0);
        Assert.True(bench.GetProperty("limits").GetProperty("gigaflops").GetDouble() > 0);
    }

    [Fact]
    public void Bench_of_a_batch_and_a_recording_works_on_the_CPU_as_well()
    {
        Outcome outcome = _sandbox.Handwritten("bench", "--device", "cpu", "--runs", "1", "--batch-size", "3", "--products", "--audio-seconds", "31", "--tokens", "1");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"encoder +self-attention +3 x 2 x 1500 x 1500 +\d", outcome.Output);
        Assert.Matches(@"31 s of noise, 2 windows of 1 tokens: \d+\.\d\d s, real-time factor 0\.\d+", outcome.Output);
        Assert.Matches(@"Cold start: \d+ ms to load, \d+ ms for every part's first run\.", outcome.Output);
    }

    private static JsonElement[] Kernels(JsonElement pass) => [.. pass.GetProperty("kernels").EnumerateArray()];

    private static string Name(JsonElement kernel) => kernel.GetProperty("kernel").GetString()!;

    private static int[] Shape(JsonElement operation) => [.. operation.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt32())];
}
