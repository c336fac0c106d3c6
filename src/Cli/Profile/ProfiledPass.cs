using System.Text.Json;
using Handwritten.Cli.Bench;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Profiling;
using Handwritten.Model;

namespace Handwritten.Cli.Profile;

/// <summary>What the kernels do in one pass of a model.</summary>
/// <param name="Name">The pass: "encode" or "step".</param>
/// <param name="Kernels">They, in the order of their first launches.</param>
internal sealed record ProfiledPass(string Name, IReadOnlyList<KernelUse> Kernels)
{
    private const int PromptTokens = 64;

    /// <summary>
    /// Profiles two passes: "encode", from the log-mel of a batch of windows to the keys and values of cross-attention, and
    /// "step", from a token of each window to the next one, behind a prompt of up to 64 tokens.
    /// </summary>
    public static IReadOnlyList<ProfiledPass> Run(WhisperNetwork network, GpuDevice device, int batch)
    {
        int[] windows = [.. Enumerable.Range(0, batch)];
        using GpuProfiler profiler = GpuProfiler.For(device);
        using EncoderState encoder = network.Encoder.CreateState(batch);
        using EndlessText text = new(network, batch);
        using (Tensor mel = network.Frontend.Compute(Noise.Samples(WhisperAudio.WindowSamples), 0))
        {
            Array.ForEach(windows, window => network.Kernels.CopyWindow(mel, 0, mel.Shape[0], encoder.LogMel, window));
        }

        ProfiledPass encode = new("encode", profiler.Run(() =>
        {
            network.Encoder.Forward(encoder, batch);
            network.Decoder.Listen(text.State, encoder.Output, windows);
        }));

        int prompt = Math.Min(PromptTokens, text.LongestPrompt);
        text.Prompt(batch, prompt);
        text.Follow(batch, prompt);
        return [encode, new("step", profiler.Run(text.Pass))];
    }

    /// <summary>
    /// Adds to measured times what the emulator has counted of the same kernels: bytes, operations and floors.
    /// </summary>
    /// <param name="passes">Measured.</param>
    /// <param name="file">What <c>profile --device emulated --json</c> has printed for the same model and batch.</param>
    /// <exception cref="UsageException">The file is not that.</exception>
    public static IReadOnlyList<ProfiledPass> WithCounters(IReadOnlyList<ProfiledPass> passes, string file)
    {
        Dictionary<(string Pass, string Kernel), KernelUse> counted = Read(file);
        return
        [
            .. passes.Select(pass => pass with
            {
                Kernels = [.. pass.Kernels.Select(kernel => counted.TryGetValue((pass.Name, kernel.Kernel), out KernelUse? known) && known.Launches == kernel.Launches
                    ? kernel with { Bytes = known.Bytes, Flops = known.Flops, Floors = known.Floors }
                    : throw new UsageException($"'{file}' does not count {kernel.Launches} launches of {kernel.Kernel}: profile the same model, compute type and batch on the emulated device of the same compute capability."))],
            }),
        ];
    }

    private static Dictionary<(string Pass, string Kernel), KernelUse> Read(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            using JsonDocument document = JsonDocument.Parse(stream);
            Dictionary<(string, string), KernelUse> counted = [];
            foreach (JsonElement pass in document.RootElement.GetProperty("passes").EnumerateArray())
            {
                foreach (JsonElement kernel in pass.GetProperty("kernels").EnumerateArray())
                {
                    string name = kernel.GetProperty("kernel").GetString() ?? "";
                    counted[(pass.GetProperty("name").GetString() ?? "", name)] = new KernelUse(
                        name,
                        kernel.GetProperty("launches").GetInt32(),
                        kernel.GetProperty("bytes").GetInt64(),
                        kernel.GetProperty("flops").GetInt64(),
                        Microseconds: null,
                        kernel.GetProperty("floors").Deserialize<Dictionary<string, KernelFloor>>(Terminal.Json) ?? []);
                }
            }

            return counted;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new UsageException($"--counters: '{file}' is not what 'handwritten profile --device emulated --json' prints ({exception.Message.TrimEnd('.')}).");
        }
    }
}
