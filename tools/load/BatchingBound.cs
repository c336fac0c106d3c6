using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Model.Synthetic;

namespace Handwritten.Load;

/// <summary>
/// What batching can be worth at most on this machine, whatever the engine and the server do: the encoder has to hear every
/// window by itself, and only the steps of the decoder, which read all weights for a single row, are cheaper together.
/// <code>
///     alone       │── log-mel, encoder, keys and values ──│ step │ step │ step │ ...       gain = ───────────────────
///     of eight    │── log-mel, encoder, keys and values ──│ ⅛ of │ ⅛ of │ ⅛ of │ ...              the second line
/// </code>
/// Processor time of one thread, which hangs less than the clock on what else the machine does.
/// </summary>
internal sealed record BatchingBound(IReadOnlyList<BoundRow> Rows) : IFindings
{
    /// <summary>Tokens of a window: a command, a window of speech, the most that a window can have.</summary>
    private static readonly int[] Tokens = [12, 60, 224];

    private const int Texts = 8, Position = 20, EncoderRuns = 3, StepRuns = 40;

    public string Title => $"What {Texts} texts at a time can gain over one, by processor time";

    public string? Failure => null;

    /// <summary>The demo model, and made-up weights in the shapes of larger ones.</summary>
    public static IReadOnlyList<string> UsualShapes { get; } = ["tiny", "base", "small"];

    /// <summary>Measures the parts.</summary>
    /// <param name="shapes">Published sizes, besides the demo model.</param>
    /// <param name="cancellation">Ends it between two models.</param>
    public static BatchingBound Measure(IEnumerable<string> shapes, CancellationToken cancellation)
    {
        using CpuKernels kernels = new(threads: 1);
        List<BoundRow> rows = [];
        using (WhisperModel demo = WhisperModel.Load(Recording.ModelFolder, kernels))
        {
            rows.Add(MeasureParts(demo.Name, demo.Network));
        }

        foreach (string shape in shapes)
        {
            cancellation.ThrowIfCancellationRequested();
            WhisperDimensions dimensions = WhisperDimensions.Known[shape];
            using WhisperNetwork network = new(dimensions, tiedOutput: true, new SyntheticWeights(dimensions, DType.F16), kernels);
            rows.Add(MeasureParts($"{shape}'s shape", network));
        }

        return new BatchingBound(rows);
    }

    public Table ToTable()
    {
        Table table = new(
            ["model", "encoder, keys and values, ms", "a step alone, ms", $"a step of {Texts}, ms a text", "steps gain", .. Tokens.Select(tokens => $"a window of {tokens} tokens gains")]);
        foreach (BoundRow row in Rows)
        {
            table.Add(
                [row.Model, Table.Number(row.Listening * 1e3, 1), Table.Number(row.StepAlone * 1e3, 2), Table.Number(row.StepTogether * 1e3, 2), $"{Table.Number(row.StepAlone / row.StepTogether, 1)}x", .. Tokens.Select(tokens => $"{Table.Number(row.Gain(tokens), 2)}x")]);
        }

        return table;
    }

    private static BoundRow MeasureParts(string name, WhisperNetwork network)
    {
        using EncoderState encoder = network.Encoder.CreateState();
        using DecoderState decoder = network.Decoder.CreateState(windows: Texts, lanes: Texts, outputs: Texts);
        float[] silence = new float[WhisperAudio.WindowSamples];
        double listening = ProcessorSeconds(EncoderRuns, () =>
        {
            network.Frontend.Compute(silence, padding: 0).Dispose();
            network.Encoder.Forward(encoder);
            network.Decoder.Listen(decoder, encoder.Output, 0);
        });
        return new BoundRow(name, listening, Step(1), Step(Texts) / Texts);

        double Step(int texts)
        {
            decoder.Rows.Clear();
            for (int text = 0; text < texts; text++)
            {
                decoder.Rows.Add(token: 0, lane: text, Position, window: text, wantsLogits: true);
            }

            return ProcessorSeconds(StepRuns, () => network.Decoder.Forward(decoder));
        }
    }

    private static double ProcessorSeconds(int runs, Action work)
    {
        work(); // a warm-up
        double before = Environment.CpuUsage.TotalTime.TotalSeconds;
        for (int run = 0; run < runs; run++)
        {
            work();
        }

        return (Environment.CpuUsage.TotalTime.TotalSeconds - before) / runs;
    }
}

/// <summary>What the parts of a window take, in seconds of one thread.</summary>
/// <param name="Model">Of which model.</param>
/// <param name="Listening">Log-mel, encoder, and the projection to keys and values: each window by itself.</param>
/// <param name="StepAlone">A step of a single text.</param>
/// <param name="StepTogether">A text's share of a step of eight.</param>
internal sealed record BoundRow(string Model, double Listening, double StepAlone, double StepTogether)
{
    /// <summary>Time alone over time together, for a window of so many tokens.</summary>
    public double Gain(int tokens) => (Listening + (tokens * StepAlone)) / (Listening + (tokens * StepTogether));
}
