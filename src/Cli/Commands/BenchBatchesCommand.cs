using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Cli.Bench;
using Handwritten.Model;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.VoiceActivity;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten bench batches</c>: what it gains to decode the windows of recordings side by side.</summary>
internal sealed class BenchBatchesCommand : Command
{
    private readonly Argument<string[]> _recordings = Define.Recordings();

    private readonly ModelOptions _model = new();

    private readonly Option<int?> _runs = Define.Count("--runs", "Turns of each size; the median counts. [default: 3]", maximum: 1000);

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public BenchBatchesCommand()
        : base("batches", "Time recordings in batches of several sizes.")
    {
        Add(_recordings);
        _model.AddTo(this);
        Add(_runs);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        SileroVad vad = SileroVad.Load();
        List<(AudioClip Clip, IReadOnlyList<SpeechWindow> Windows)> recordings = [];
        foreach (string name in parsed.GetRequiredValue(_recordings))
        {
            AudioClip clip = AudioFile.Load(name, cancellation);
            recordings.Add((clip, SpeechWindows.Collect(SpeechRegions.Find(vad, clip.Samples, VoiceActivityOptions.ForWindows, cancellation))));
        }

        using WhisperModel model = _model.Load(parsed);
        int runs = parsed.GetValue(_runs) ?? 3;
        List<BatchTiming> timings = [.. BatchBenchmark.Run(model, recordings, runs, cancellation)];
        double audio = recordings.Sum(recording => recording.Clip.Seconds);
        int windows = recordings.Sum(recording => recording.Windows.Count);
        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { model = model.Name, device = model.Network.Kernels.DeviceDescription, recordings = recordings.Count, seconds = audio, windows, runs, sizes = BatchBenchmark.Sizes, timings },
                Terminal.Json));
            return ExitCode.Ok;
        }

        Table table = Terminal.Table(["decoding", .. BatchBenchmark.Sizes.Select(size => $">batch {size}"), .. BatchBenchmark.Sizes.Skip(1).Select(size => $">{size} : 1")]);
        foreach (BatchTiming timing in timings)
        {
            table.AddRow([timing.Way, .. timing.Seconds.Select(seconds => Number(seconds, "0.00 s")), .. timing.Speedups.Skip(1).Select(speedup => Number(speedup, "0.00x"))]);
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{model.Name} on {model.Network.Kernels.DeviceDescription}; {recordings.Count} recordings of {audio:0.0} s with {windows} windows, median of {runs} turns"));
        Terminal.Write(table);
        return ExitCode.Ok;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
