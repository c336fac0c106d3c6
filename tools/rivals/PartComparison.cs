using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Load;
using Handwritten.Model;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Synthetic;

namespace Handwritten.Rivals;

/// <summary>
/// The parts of a window of 30 s here and in whisper.cpp, with the same float16 weights, the same samples and the same tokens, in turns, so that
/// whatever else the machine does hits both. The last logits of both are compared: it is the same computation.
/// </summary>
/// <param name="Model">The model.</param>
/// <param name="Version">whisper.cpp's version.</param>
/// <param name="Threads">Threads of both.</param>
/// <param name="Rows">The parts.</param>
/// <param name="Difference">Relative L2 distance of the last logits.</param>
internal sealed record PartComparison(string Model, string Version, int Threads, IReadOnlyList<PartRow> Rows, double Difference) : IFindings
{
    /// <summary>The demo model's name; every other one is a published shape with made-up weights.</summary>
    public const string Demo = "nano";

    private const int PromptTokens = 64, Steps = 48, SettleMilliseconds = 60, WarmUps = 5;

    /// <summary>whisper.cpp multiplies in float16 where we do in float32.</summary>
    private const double LargestDifference = 0.05;

    public string Title => $"{Model} in parts, whisper.cpp {Version} and ours with {Threads} threads each; the last logits differ by {Difference:0.0E0}";

    public string? Failure => Difference < LargestDifference ? null : "The two do not compute the same.";

    /// <summary>Measures.</summary>
    /// <param name="library">whisper.cpp.</param>
    /// <param name="shape"><see cref="Demo"/>, or a published model whose tokens are the demo model's.</param>
    /// <param name="threads">Threads of both.</param>
    /// <param name="turns">Turns that count.</param>
    /// <param name="cancellation">Ends it between two turns.</param>
    public static PartComparison Measure(string library, string shape, int threads, int turns, CancellationToken cancellation)
    {
        using CpuKernels kernels = new(threads);
        using WhisperModel demo = WhisperModel.Load(Recording.ModelFolder, kernels);
        WhisperDimensions dimensions = shape == Demo ? demo.Dimensions : WhisperDimensions.Known[shape];
        using ITensorSource weights = shape == Demo ? new SafetensorsFolder(Recording.ModelFolder) : new SyntheticWeights(dimensions, DType.F16);
        using WhisperNetwork network = new(dimensions, tiedOutput: true, weights, kernels);
        using TemporaryFile file = new();
        GgmlFile.Write(file.Path, dimensions, weights, demo.Tokenizer);
        using WhisperCpp theirs = new(library, file.Path, dimensions.Vocabulary, threads);
        using OurWindow ours = new(network);

        float[] samples = Recording.Long[0].Samples[..WhisperAudio.WindowSamples];
        int[] tokens = [.. demo.Tokenizer.EncodeOrdinary(string.Concat(Enumerable.Repeat(" one two three four", 40))).Take(PromptTokens + Steps)];
        (string Name, Action Ours, Action Theirs, int Times)[] parts =
        [
            ("log-mel", () => ours.LogMel(samples), () => theirs.LogMel(samples), 1),
            ("encoder, keys and values", ours.Listen, theirs.Listen, 1),
            ($"prompt of {PromptTokens} tokens", () => ours.Decode(tokens.AsSpan(0, PromptTokens), 0), () => theirs.Decode(tokens.AsSpan(0, PromptTokens), 0), 1),
            ("one token", () => Step(ours.Decode), () => Step(theirs.Decode), Steps),
        ];

        List<(double Ours, double Theirs)>[] times = [.. parts.Select(_ => new List<(double, double)>())];
        for (int turn = -WarmUps; turn < turns; turn++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[] our = [.. Settled(parts.Select(part => (part.Ours, part.Times)))];
            double[] their = [.. Settled(parts.Select(part => (part.Theirs, part.Times)))];
            for (int part = 0; turn >= 0 && part < parts.Length; part++)
            {
                times[part].Add((our[part], their[part]));
            }
        }

        return new PartComparison(
            shape == Demo ? demo.Name : $"{shape}'s shape", theirs.Version, threads,
            [.. parts.Zip(times, (part, pairs) => new PartRow(part.Name, pairs.Select(pair => pair.Ours).Median(), pairs.Select(pair => pair.Theirs).Median(), pairs.Select(pair => pair.Theirs / pair.Ours).Median()))],
            RelativeDistance(ours.Logits, theirs.Logits));

        void Step(TokenPass pass)
        {
            for (int step = 0; step < Steps; step++)
            {
                pass(tokens.AsSpan(PromptTokens + step, 1), PromptTokens + step);
            }
        }
    }

    public Table ToTable()
    {
        Table table = new("part", "ours, ms", "whisper.cpp, ms", "times as fast");
        foreach (PartRow row in Rows)
        {
            table.Add(row.Part, Table.Number(row.Ours, 2), Table.Number(row.Theirs, 2), $"{Table.Number(row.Ratio, 2)}x");
        }

        return table;
    }

    /// <summary>Times of the parts in milliseconds, behind a pause: idle threads of either side spin for a while in case more work comes.</summary>
    private static IEnumerable<double> Settled(IEnumerable<(Action Part, int Times)> parts)
    {
        Thread.Sleep(SettleMilliseconds);
        foreach ((Action part, int times) in parts)
        {
            long start = Stopwatch.GetTimestamp();
            part();
            yield return Stopwatch.GetElapsedTime(start).TotalMilliseconds / times;
        }
    }

    /// <summary>Euclidean distance over the length of what is expected.</summary>
    private static double RelativeDistance(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double distance = 0, length = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            distance += Math.Pow(expected[i] - actual[i], 2);
            length += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(distance / length);
    }

    /// <summary>Runs tokens from a position on.</summary>
    private delegate void TokenPass(ReadOnlySpan<int> tokens, int position);
}

/// <summary>A part; medians of the turns.</summary>
/// <param name="Part">Its name.</param>
/// <param name="Ours">Milliseconds.</param>
/// <param name="Theirs">Milliseconds.</param>
/// <param name="Ratio">Median of theirs over ours, turn by turn.</param>
internal sealed record PartRow(string Part, double Ours, double Theirs, double Ratio);
