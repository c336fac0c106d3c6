using System.Diagnostics;
using Handwritten.Kernels.Cpu;
using Handwritten.Load;
using Handwritten.Model;
using Handwritten.Model.Safetensors;
using Handwritten.Runtime.Transcription;
using Whisper.net;

namespace Handwritten.Rivals;

/// <summary>
/// Whole recordings, from samples to text, by the demo model in Whisper.net (whisper.cpp as .NET programs use it) and here, in turns; greedy,
/// with the language given, nothing else set on either side.
/// </summary>
/// <param name="Threads">Threads of both.</param>
/// <param name="Rows">The recordings.</param>
internal sealed record RecordingComparison(int Threads, IReadOnlyList<RecordingRow> Rows) : IFindings
{
    public string Title => $"Recordings in Whisper.net and ours, the demo model with {Threads} threads each; {Rows.Count(row => row.SameText)} of {Rows.Count} texts are the same";

    public string? Failure => null;

    /// <summary>Measures.</summary>
    /// <param name="threads">Threads of both.</param>
    /// <param name="turns">Turns that count.</param>
    /// <param name="cancellation">Ends it between two turns.</param>
    public static async Task<RecordingComparison> MeasureAsync(int threads, int turns, CancellationToken cancellation)
    {
        using CpuKernels kernels = new(threads);
        using WhisperModel model = WhisperModel.Load(Recording.ModelFolder, kernels);
        using Transcriber transcriber = new(model);
        using TemporaryFile file = new();
        using (SafetensorsFolder weights = new(Recording.ModelFolder))
        {
            GgmlFile.Write(file.Path, model.Dimensions, weights, model.Tokenizer);
        }

        using WhisperFactory factory = WhisperFactory.FromPath(file.Path);
        List<RecordingRow> rows = [];
        foreach (Recording recording in Recording.Short.Concat(Recording.Long))
        {
            await using WhisperProcessor processor = factory.CreateBuilder().WithLanguage(recording.Language).WithThreads(threads).Build();
            TranscriptionOptions options = new() { Decoding = new() { Language = recording.Language } };
            List<(double Ours, double Theirs)> times = [];
            string our = "", their = "";
            for (int turn = 0; turn <= turns; turn++)
            {
                long start = Stopwatch.GetTimestamp();
                our = transcriber.Transcribe(recording.Samples, options, cancellation: cancellation).Text;
                double ours = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

                start = Stopwatch.GetTimestamp();
                their = "";
                await foreach (SegmentData segment in processor.ProcessAsync(recording.Samples, cancellation))
                {
                    their += segment.Text;
                }

                double theirs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (turn > 0)
                {
                    times.Add((ours, theirs));
                }
            }

            rows.Add(new RecordingRow(
                recording.Name, recording.Seconds, times.Select(time => time.Ours).Median(), times.Select(time => time.Theirs).Median(), times.Select(time => time.Theirs / time.Ours).Median(),
                our.Trim() == their.Trim()));
        }

        return new RecordingComparison(threads, rows);
    }

    public Table ToTable()
    {
        Table table = new("recording", "seconds", "ours, ms", "Whisper.net, ms", "times as fast", "same text");
        foreach (RecordingRow row in Rows)
        {
            table.Add(row.Recording, Table.Number(row.Seconds, 1), Table.Number(row.Ours, 1), Table.Number(row.Theirs, 1), $"{Table.Number(row.Ratio, 2)}x", row.SameText ? "yes" : "no");
        }

        return table;
    }
}

/// <summary>A recording; medians of the turns.</summary>
/// <param name="Recording">Its file.</param>
/// <param name="Seconds">Its length.</param>
/// <param name="Ours">Milliseconds.</param>
/// <param name="Theirs">Milliseconds.</param>
/// <param name="Ratio">Median of theirs over ours, turn by turn.</param>
/// <param name="SameText">Whether both heard the same.</param>
internal sealed record RecordingRow(string Recording, double Seconds, double Ours, double Theirs, double Ratio, bool SameText);
