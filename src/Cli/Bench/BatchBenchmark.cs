using System.Diagnostics;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli.Bench;

/// <summary>One of the ways to transcribe the same windows.</summary>
/// <param name="Beams">Beams; null for the greedy search.</param>
/// <param name="Words">Whether words get times.</param>
/// <param name="Size">Windows of a batch.</param>
/// <param name="Shape">What the windows come as.</param>
internal sealed record BatchSetting(int? Beams, bool Words, int Size, BatchShape Shape = BatchShape.Recordings);

/// <summary>What windows come as.</summary>
internal enum BatchShape
{
    /// <summary>As the recordings they are of, which share batches.</summary>
    Recordings,

    /// <summary>As those of one long recording.</summary>
    OneRecording,

    /// <summary>As the recordings they are of, each of which ends before the next begins.</summary>
    OneByOne,
}

/// <summary>Seconds that the settings took, turn by turn.</summary>
/// <param name="Settings">The settings.</param>
/// <param name="Turns">[turns][settings]</param>
internal sealed record BatchTimes(IReadOnlyList<BatchSetting> Settings, double[][] Turns)
{
    /// <summary>Median seconds of a setting.</summary>
    public double Seconds(BatchSetting setting) => Median(Turns.Select(turn => turn[IndexOf(setting)]));

    /// <summary>How many times as long one setting took as another: the median of the ratios within a turn.</summary>
    public double Ratio(BatchSetting setting, BatchSetting other) => Median(Turns.Select(turn => turn[IndexOf(setting)] / turn[IndexOf(other)]));

    private int IndexOf(BatchSetting setting) => Settings.Index().First(one => one.Item == setting).Index;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>
/// Times the same windows greedily and with beams, with words and without, in batches of several sizes, and as many
/// recordings or as one. All settings take turns, in another order each time, so that whatever else the machine does hits all
/// of them, and only ratios within a turn are compared. The recordings are loaded and cut before; the first turn is a warm-up.
/// </summary>
internal static class BatchBenchmark
{
    private const int MostBeams = 5;

    /// <summary>Windows of a batch.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [1, 4, 8, 16];

    /// <summary>Searches and words.</summary>
    public static IReadOnlyList<(int? Beams, bool Words)> Ways { get; } = [(null, false), (null, true), (MostBeams, false), (MostBeams, true)];

    /// <summary>The setting in which the windows come as one recording, and one by one, as well.</summary>
    public static BatchSetting Shared { get; } = new(Beams: null, Words: false, Size: 8);

    /// <summary>All settings of a turn.</summary>
    public static IReadOnlyList<BatchSetting> Settings { get; } =
    [
        .. Ways.SelectMany(way => Sizes.Select(size => new BatchSetting(way.Beams, way.Words, size))),
        Shared with { Shape = BatchShape.OneRecording },
        Shared with { Shape = BatchShape.OneByOne },
    ];

    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="recordings">What to transcribe, with its windows.</param>
    /// <param name="turns">Turns that are counted.</param>
    /// <param name="progress">Told after each timing, warm-up included.</param>
    /// <param name="cancellation">Ends it.</param>
    public static BatchTimes Run(
        WhisperModel model, IReadOnlyList<(ReadOnlyMemory<float> Samples, IReadOnlyList<SpeechWindow> Windows)> recordings, int turns, Action<double> progress, CancellationToken cancellation)
    {
        (ReadOnlyMemory<float>, IReadOnlyList<SpeechWindow>)[] one = [Join(recordings)];
        using BatchedTranscriber transcriber = new(model);
        Random order = new(Seed: 1);
        int done = 0;
        return new BatchTimes(Settings, [.. Enumerable.Range(-1, turns + 1).Select(_ => Turn()).Skip(1)]);

        double[] Turn()
        {
            int[] places = [.. Enumerable.Range(0, Settings.Count)];
            order.Shuffle(places);
            double[] seconds = new double[places.Length];
            Array.ForEach(places, place => seconds[place] = Time(Settings[place]));
            return seconds;
        }

        double Time(BatchSetting setting)
        {
            // Without the fallback, every setting does the same work for the same text.
            TranscriptionOptions options = new()
            {
                WordTimestamps = setting.Words,
                Temperatures = [0],
                Decoding = new() { Language = "en", BeamSize = setting.Beams },
                Windows = new() { BatchSize = setting.Size },
            };
            long start = Stopwatch.GetTimestamp();
            IEnumerable<BatchedRun> started = (setting.Shape == BatchShape.OneRecording ? one : recordings).Select(recording => transcriber.Start(recording.Samples, recording.Windows, options, cancellation));
            foreach (BatchedRun run in setting.Shape == BatchShape.OneByOne ? started : [.. started])
            {
                using (run)
                {
                    foreach (Segment _ in run.Segments())
                    {
                        // Only the time counts.
                    }
                }
            }

            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            progress(++done);
            return seconds;
        }
    }

    /// <summary>Recordings as one long recording, with the same windows.</summary>
    private static (ReadOnlyMemory<float> Samples, IReadOnlyList<SpeechWindow> Windows) Join(IReadOnlyList<(ReadOnlyMemory<float> Samples, IReadOnlyList<SpeechWindow> Windows)> recordings)
    {
        float[] samples = new float[recordings.Sum(recording => recording.Samples.Length)];
        List<SpeechWindow> windows = [];
        int start = 0;
        foreach ((ReadOnlyMemory<float> part, IReadOnlyList<SpeechWindow> own) in recordings)
        {
            part.Span.CopyTo(samples.AsSpan(start));
            int offset = start;
            windows.AddRange(own.Select(window => new SpeechWindow([.. window.Regions.Select(region => new SpeechRegion(offset + region.Start, offset + region.End))])));
            start += part.Length;
        }

        return (samples, windows);
    }
}
