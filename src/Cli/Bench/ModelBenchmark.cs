using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;

namespace Handwritten.Cli.Bench;

/// <summary>How long one part of a model takes.</summary>
/// <param name="Name">The part.</param>
/// <param name="Milliseconds">Median time of one run.</param>
/// <param name="FirstMilliseconds">Time of the very first run, which on a GPU compiles or loads kernels.</param>
/// <param name="Flops">Floating-point operations of one run, see <see cref="WhisperCost"/>; 0 where they say nothing.</param>
/// <param name="Bytes">Bytes that one run has to read from memory at least; 0 where they say nothing.</param>
internal sealed record BenchStage(string Name, double Milliseconds, double FirstMilliseconds, double Flops, double Bytes)
{
    /// <summary>10^9 floating-point operations a second.</summary>
    public double Gigaflops => Flops / Milliseconds / 1e6;

    /// <summary>10^9 bytes a second.</summary>
    public double GigabytesPerSecond => Bytes / Milliseconds / 1e6;
}

/// <summary>
/// Times the parts of a model on 30-second windows, each after a warm-up, several times; the median counts. Steps of the
/// decoder are timed as they run in a transcription: a recorded pass, a hundred of them in a row.
/// </summary>
internal static class ModelBenchmark
{
    /// <summary>The most tokens of the prompt stage, and the most that are decoded one by one after it.</summary>
    private const int PromptTokens = 64, MostSteps = 100;

    /// <summary>Runs the benchmark, part by part; while the last part is looked at, all of a transcription's memory is still taken.</summary>
    /// <param name="network">The model.</param>
    /// <param name="batch">Windows at a time.</param>
    /// <param name="runs">Runs of each part that are counted.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    public static IEnumerable<BenchStage> Run(WhisperNetwork network, int batch, int runs, CancellationToken cancellation)
    {
        IKernels kernels = network.Kernels;
        WhisperCost cost = new(network.Dimensions);
        int[] windows = [.. Enumerable.Range(0, batch)];
        using EncoderState encoder = network.Encoder.CreateState(batch);
        using EndlessText text = new(network, batch);
        int prompt = Math.Min(PromptTokens, text.LongestPrompt), steps = CudaLibrary.IsEmulated ? 2 : MostSteps;
        float[] samples = Noise.Samples(WhisperAudio.WindowSamples);

        yield return Time("log-mel", () => network.Frontend.Compute(samples, 0).Dispose());
        using (Tensor mel = network.Frontend.Compute(samples, 0))
        {
            Array.ForEach(windows, window => kernels.CopyWindow(mel, 0, mel.Shape[0], encoder.LogMel, window));
        }

        yield return Time("encoder", () => network.Encoder.Forward(encoder, batch, cancellation: cancellation), batch * cost.EncoderFlops);
        yield return Time("cross keys and values", () => network.Decoder.Listen(text.State, encoder.Output, windows), batch * cost.ListenFlops);
        yield return Time($"prompt of {prompt} tokens", () => text.Prompt(batch, prompt), batch * cost.DecoderFlops(prompt, 0, 1));

        // A step reads the weights once for all windows, and what each window was heard to say.
        int cacheBytes = kernels is IGpuKernels gpu ? gpu.ElementBytes : sizeof(float);
        int weightBytes = kernels.HasInt8Weights ? sizeof(sbyte) : kernels is IGpuKernels ? cacheBytes : network.WeightType.ByteSize();
        double stepBytes = (cost.StepParameters * weightBytes) + (batch * cost.CrossCacheElements * cacheBytes);
        yield return Step("one token", text);
        if (kernels is IGpuKernels { Device: { CanLaunchEarly: true } device })
        {
            // The same step the other way: what is recorded now may begin before what is in front has ended, or may not any more.
            device.LaunchesEarly = !device.LaunchesEarly;
            using EndlessText other = new(network, batch);
            network.Decoder.Listen(other.State, encoder.Output, windows);
            other.Prompt(batch, prompt);
            yield return Step(device.LaunchesEarly ? "one token, kernels early" : "one token, kernels in turn", other);
            device.LaunchesEarly = !device.LaunchesEarly;
        }

        BenchStage Step(string name, EndlessText text)
        {
            text.Follow(batch, prompt);
            double first = Milliseconds(() => text.Steps(2)); // one of them unrecorded
            BenchStage all = Time(name, () => text.Steps(steps), prepare: () =>
            {
                text.Prompt(batch, prompt);
                text.Follow(batch, prompt);
            });
            return new BenchStage(name, all.Milliseconds / steps, first, batch * cost.DecoderFlops(1, prompt + (steps / 2), 1), stepBytes);
        }

        BenchStage Time(string name, Action action, double flops = 0, Action? prepare = null)
        {
            List<double> times = [];
            for (int run = 0; run <= runs; run++)
            {
                cancellation.ThrowIfCancellationRequested();
                prepare?.Invoke();
                times.Add(Milliseconds(action));
            }

            return new BenchStage(name, times.Skip(1).Order().ElementAt(runs / 2), times[0], flops, 0);
        }

        double Milliseconds(Action action)
        {
            kernels.Synchronize();
            long start = Stopwatch.GetTimestamp();
            action();
            kernels.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }
}
