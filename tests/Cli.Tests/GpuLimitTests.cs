using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>GPUs that are too small or too old for what is asked, and kernel caches that are no good, on the emulated driver.</summary>
public sealed class GpuLimitTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void A_model_larger_than_the_memory_is_refused_with_what_it_takes_and_what_would_fit()
    {
        Transcribe("t4:300MB", "--compute-type", "float32").Is(ExitCode.UnusableDevice, "does not fit", "with float32 it takes", "are free. With --compute-type float16 it takes", "and fits.");
        Transcribe("t4:200MB").Is(ExitCode.UnusableDevice, "does not fit", "with float16 it takes", "are free. It fits with no compute type: choose a smaller model or batch.");
    }

    [Fact]
    public void A_compute_type_that_the_GPU_lacks_is_refused_with_one_that_it_has() =>
        Transcribe("t4", "--compute-type", "bfloat16").Is(ExitCode.UnusableDevice, "Emulated NVIDIA T4", "does not compute with bfloat16", "--compute-type float16");

    [Fact]
    public void So_is_it_with_int8_weights() =>
        Transcribe("t4", "--compute-type", "int8_bfloat16").Is(ExitCode.UnusableDevice, "does not compute with bfloat16", "--compute-type int8_float16");

    [Fact]
    public void A_damaged_kernel_cache_is_said_once_and_compiled_anew()
    {
        string cache = _sandbox["kernels"];
        Outcome first = Transcribe("h200", cache);
        Assert.Equal(0, first.ExitCode);
        string[] entries = Directory.GetFiles(cache, "*.ptx");
        Assert.True(entries.Length > 10);
        foreach (string entry in entries)
        {
            File.AppendAllText(entry, "// and something that was not there");
        }

        Outcome damaged = Transcribe("h200", cache);
        Assert.Equal((0, first.Output), (damaged.ExitCode, damaged.Output));
        Assert.Single(Warnings(damaged)).IsSentenceWith("The kernel cache has a damaged file", cache, "compiled again");
        Assert.Empty(Warnings(first));
        Assert.Empty(Warnings(Transcribe("h200", cache))); // whole again
    }

    [Fact]
    public void A_kernel_cache_that_cannot_be_written_is_said_once()
    {
        string file = _sandbox.Write("file", "no folder");
        Outcome outcome = Transcribe("h200", Path.Combine(file, "kernels"));
        Assert.Equal(0, outcome.ExitCode);
        Assert.NotEmpty(outcome.Output);
        Assert.Single(Warnings(outcome)).IsSentenceWith("The kernel cache", file, "cannot be written", "HANDWRITTEN_KERNEL_CACHE");
    }

    private static string[] Warnings(Outcome outcome) => [.. outcome.ErrorLines.Where(line => line.StartsWith("handwritten: ", StringComparison.Ordinal))];

    /// <summary>Transcribes on an emulated device, by the kernels of the user's own cache.</summary>
    private Outcome Transcribe(string device, params string[] options) => Transcribe([("HANDWRITTEN_EMULATOR_DEVICE", device)], options);

    private Outcome Transcribe(string device, string cache) =>
        Transcribe([("HANDWRITTEN_EMULATOR_DEVICE", device), ("HANDWRITTEN_KERNEL_CACHE", cache)], []);

    private Outcome Transcribe((string, string?)[] environment, string[] options) => _sandbox.Handwritten(
        [.. EmulatedGpu.Environment, .. environment],
        ["transcribe", TestData.Path("audio", "01-en.wav"), "--device", "emulated", "--beam-size", "None", .. options]);
}
