using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Cli.Bench;

/// <summary>How long one part of a model takes.</summary>
/// <param name="Name">The part.</param>
/// <param name="Milliseconds">Median time of one run.</param>
/// <param name="Flops">Floating-point operations of one run, see <see cref="WhisperCost"/>; 0 where they say nothing.</param>
/// <param name="Bytes">Bytes that one run has to read from memory at least; 0 where they say nothing.</param>
internal sealed record BenchStage(string Name, double Milliseconds, double Flops, double Bytes)
{
    /// <summary>10^9 floating-point operations a second.</summary>
    public double Gigaflops => Flops / Milliseconds / 1e6;

    /// <summary>10^9 bytes a second.</summary>
    public double GigabytesPerSecond => Bytes / Milliseconds / 1e6;
}

/// <summary>Times the parts of a model on one 30-second window, each after a warm-up, several times; the median counts.</summary>
internal static class ModelBenchmark
{
    /// <summary>Tokens of the prompt stage, and tokens decoded one by one after it.</summary>
    private const int PromptTokens = 64, Steps = 100;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="network">The model.</param>
    /// <param name="bytesPerWeight">Bytes of a stored weight.</param>
    /// <param name="runs">Runs of each part that are counted.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    public static IEnumerable<BenchStage> Run(WhisperNetwork network, int bytesPerWeight, int runs, CancellationToken cancellation)
    {
        WhisperDimensions dimensions = network.Dimensions;
        WhisperCost cost = new(dimensions);
        using EncoderState encoder = network.Encoder.CreateState();
        using DecoderState decoder = network.Decoder.CreateState();
        float[] logits = new float[dimensions.Vocabulary];
        float[] samples = Noise(WhisperAudio.WindowSamples);

        yield return Time("log-mel", () => network.Frontend.Compute(samples, 0).Dispose());
        using (Tensor mel = network.Frontend.Compute(samples, 0))
        {
            network.Kernels.CopyWindow(mel, 0, mel.Shape[0], encoder.LogMel, 0);
        }

        yield return Time("encoder", () => network.Encoder.Forward(encoder), cost.EncoderFlops);
        yield return Time("cross keys and values", () => network.Decoder.Listen(decoder, encoder.Output, 0), cost.ListenFlops);
        yield return Time($"prompt of {PromptTokens} tokens", () => Feed(0, PromptTokens), cost.DecoderFlops(PromptTokens, 0, 1));

        double stepBytes = (cost.StepParameters * bytesPerWeight) + (cost.CrossCacheElements * sizeof(float));
        BenchStage steps = Time("decoding", () =>
        {
            for (int step = 0; step < Steps; step++)
            {
                Feed(PromptTokens + step, 1);
            }
        });
        yield return new BenchStage("one token", steps.Milliseconds / Steps, cost.DecoderFlops(1, PromptTokens + (Steps / 2), 1), stepBytes);

        BenchStage Time(string name, Action action, double flops = 0)
        {
            action();
            network.Kernels.Synchronize();
            double[] times = new double[runs];
            for (int run = 0; run < runs; run++)
            {
                cancellation.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                action();
                network.Kernels.Synchronize();
                times[run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            Array.Sort(times);
            return new BenchStage(name, times[runs / 2], flops, 0);
        }

        void Feed(int position, int count)
        {
            decoder.Rows.Clear();
            for (int i = 0; i < count; i++)
            {
                decoder.Rows.Add(token: (position + i) % dimensions.Vocabulary, lane: 0, position + i, window: 0, wantsLogits: i == count - 1);
            }

            network.Decoder.Forward(decoder);
            decoder.ReadLogits(logits);
        }
    }

    private static float[] Noise(int count)
    {
        float[] samples = new float[count];
        Model.Synthetic.DeterministicValues.Fill(samples, "noise", scale: 0.1);
        return samples;
    }
}
