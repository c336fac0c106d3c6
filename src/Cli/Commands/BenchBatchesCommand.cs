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

/// <summary><c>handwritten bench batches</c>: what it gains to decode windows side by side, and what beams and words cost.</summary>
internal sealed class BenchBatchesCommand : Command
{
    private readonly RecordingInputs _inputs = new();

    private readonly ModelOptions _model = new();

    private readonly Option<int?> _runs = Define.Count("--runs", "Turns of all settings; medians count. [default: 3]", maximum: 1000);

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public BenchBatchesCommand()
        : base("batches", "Time recordings in batches of several sizes, greedily and with beams, with words and without.")
    {
        _inputs.AddTo(this);
        _model.AddTo(this);
        Add(_runs);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        SileroVad vad = SileroVad.Load();
        List<(ReadOnlyMemory<float> Samples, IReadOnlyList<SpeechWindow> Windows)> recordings = [];
        foreach (string name in _inputs.Read(parsed))
        {
            AudioClip clip = _inputs.Load(parsed, name, cancellation);
            recordings.Add((clip.Samples, SpeechWindows.Collect(SpeechRegions.Find(vad, clip.Samples, VoiceActivityOptions.ForWindows, cancellation))));
        }

        using WhisperModel model = _model.Load(parsed);
        int turns = parsed.GetValue(_runs) ?? 3;
        BatchTimes? times = null;
        Terminal.WithProgress("turns", (turns + 1) * BatchBenchmark.Settings.Count, show: true, progress =>
            times = BatchBenchmark.Run(model, recordings, turns, progress.Report, cancellation));

        double audio = recordings.Sum(recording => (double)recording.Samples.Length / AudioClip.SampleRate);
        int windows = recordings.Sum(recording => recording.Windows.Count);
        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { model = model.Name, device = model.Network.Kernels.DeviceDescription, recordings = recordings.Count, seconds = audio, windows, times!.Settings, times.Turns },
                Terminal.Json));
            return ExitCode.Ok;
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{model.Name} on {model.Network.Kernels.DeviceDescription}; {recordings.Count} recordings of {audio:0.0} s with {windows} windows, medians of {turns} turns"));
        PrintSizes(times!);
        PrintRatios(times!);
        PrintShapes(times!, recordings.Count);
        return ExitCode.Ok;
    }

    private static void PrintSizes(BatchTimes times)
    {
        Table table = Terminal.Table(["decoding", .. BatchBenchmark.Sizes.Select(size => $">batch {size}"), .. BatchBenchmark.Sizes.Skip(1).Select(size => $">1 : {size}")]);
        foreach ((int? beams, bool words) in BatchBenchmark.Ways)
        {
            BatchSetting[] sizes = [.. BatchBenchmark.Sizes.Select(size => new BatchSetting(beams, words, size))];
            table.AddRow(
            [
                $"{Search(beams)}{(words ? ", words" : "")}",
                .. sizes.Select(setting => Number(times.Seconds(setting), "0.00 s")),
                .. sizes.Skip(1).Select(setting => Number(times.Ratio(sizes[0], setting), "0.00x")),
            ]);
        }

        Terminal.Write(table);
    }

    /// <summary>What beams cost, and words.</summary>
    private static void PrintRatios(BatchTimes times)
    {
        Table table = Terminal.Table(["takes so much longer", .. BatchBenchmark.Sizes.Select(size => $">batch {size}")]);
        int beams = BatchBenchmark.Ways.Max(way => way.Beams) ?? 1;
        foreach (bool words in new[] { false, true })
        {
            AddRow($"{Search(beams)} : greedy{(words ? ", with words" : "")}", size => (new(beams, words, size), new(null, words, size)));
        }

        foreach (int? search in new int?[] { null, beams })
        {
            AddRow($"words : none, {Search(search)}", size => (new(search, true, size), new(search, false, size)));
        }

        Terminal.Write(table);

        void AddRow(string name, Func<int, (BatchSetting Setting, BatchSetting Other)> pair) =>
            table.AddRow([name, .. BatchBenchmark.Sizes.Select(size => pair(size)).Select(settings => Number(times.Ratio(settings.Setting, settings.Other), "0.00x"))]);
    }

    /// <summary>Whether many recordings take as long as one.</summary>
    private static void PrintShapes(BatchTimes times, int recordings)
    {
        BatchSetting shared = BatchBenchmark.Shared, one = shared with { Shape = BatchShape.OneRecording }, alone = shared with { Shape = BatchShape.OneByOne };
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The same windows as one recording, greedy, batch {shared.Size}: {times.Seconds(one):0.00} s; as {recordings} that share batches {times.Ratio(shared, one):0.00} times as long, as {recordings} one by one {times.Ratio(alone, one):0.00} times."));
    }

    private static string Search(int? beams) => beams is int count ? $"{count} beams" : "greedy";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
