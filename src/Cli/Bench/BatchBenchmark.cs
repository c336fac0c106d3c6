using System.Diagnostics;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli.Bench;

/// <summary>How long a set of recordings takes in one way, with batches of several sizes.</summary>
/// <param name="Way">How windows are decoded.</param>
/// <param name="Seconds">Median seconds for each of <see cref="BatchBenchmark.Sizes"/>.</param>
/// <param name="Speedups">Median of the ratios to a batch of one, turn by turn.</param>
internal sealed record BatchTiming(string Way, double[] Seconds, double[] Speedups);

/// <summary>
/// Times recordings in batches of several sizes, greedily and with beams, with words and without. The sizes take turns, so
/// that whatever else the machine does hits all of them; ratios are taken within a turn. The recordings are loaded and cut
/// before; the first turn is a warm-up.
/// </summary>
internal static class BatchBenchmark
{
    /// <summary>Windows of a batch.</summary>
    public static IReadOnlyList<int> Sizes { get; } = [1, 4, 8, 16];

    /// <summary>Runs the benchmark.</summary>
    /// <param name="model">The model.</param>
    /// <param name="recordings">What to transcribe, with its windows.</param>
    /// <param name="runs">Turns that are counted.</param>
    /// <param name="cancellation">Ends it.</param>
    public static IEnumerable<BatchTiming> Run(WhisperModel model, IReadOnlyList<(AudioClip Clip, IReadOnlyList<SpeechWindow> Windows)> recordings, int runs, CancellationToken cancellation)
    {
        foreach (int? beams in new int?[] { null, 5 })
        {
            foreach (bool words in new[] { false, true })
            {
                // Without the fallback, every size does the same work.
                TranscriptionOptions options = new() { WordTimestamps = words, Temperatures = [0], Decoding = new() { Language = "en", BeamSize = beams } };
                BatchedTranscriber[] transcribers = [.. Sizes.Select(size => new BatchedTranscriber(model, options, size))];
                double[][] turns = [.. Enumerable.Range(-1, runs + 1).Select(_ => (double[])[.. transcribers.Select(Time)]).Skip(1)];
                Array.ForEach(transcribers, transcriber => transcriber.Dispose());
                yield return new BatchTiming(
                    $"{(beams is int count ? $"{count} beams" : "greedy")}{(words ? ", words" : "")}",
                    [.. Sizes.Select((_, size) => Median(turns.Select(turn => turn[size])))],
                    [.. Sizes.Select((_, size) => Median(turns.Select(turn => turn[0] / turn[size])))]);
            }
        }

        double Time(BatchedTranscriber transcriber)
        {
            long start = Stopwatch.GetTimestamp();
            BatchedRun[] started = [.. recordings.Select(recording => transcriber.Start(recording.Clip.Samples, recording.Windows, cancellation))];
            foreach (BatchedRun run in started)
            {
                using (run)
                {
                    foreach (Segment _ in run.Segments())
                    {
                        // Only the time counts.
                    }
                }
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
