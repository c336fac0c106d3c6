using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Cli.Charts;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.VoiceActivity;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten vad</c>: where in a recording somebody speaks.</summary>
internal sealed class VadCommand : Command
{
    private readonly RecordingInputs _inputs = new();

    private readonly SettingOptions<SpeechChoice> _settings = new(SpeechChoice.Settings, new SpeechChoice());

    private readonly Option<string?> _plot = Define.Text("--plot", "Draw waveform, probability and speech of the recording to this file.", "FILE.png");

    private readonly Option<bool> _json = Define.Json();

    public VadCommand()
        : base("vad", "Find the speech in recordings.")
    {
        _inputs.AddTo(this);
        foreach (Option option in _settings.Options)
        {
            Add(option);
        }

        Add(_plot);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        IReadOnlyList<string> recordings = _inputs.Read(parsed);
        VoiceActivityOptions options = _settings.Read(parsed).ToOptions(new());
        if (options.NegativeThreshold > options.Threshold)
        {
            throw new UsageException("--neg-threshold is above --threshold, so that speech would end before it begins: give a smaller one, or leave it out.");
        }

        string? plot = parsed.GetValue(_plot);
        if (plot is not null)
        {
            ChartFile.Check(_plot.Name, plot);
            if (recordings.Count > 1)
            {
                throw new UsageException($"{_plot.Name} draws one recording, but there are {recordings.Count}: give them one by one.");
            }
        }

        SileroVad? vad = null;
        Dictionary<string, object> results = [];
        ExitCode exitCode = EachFile.Do(recordings, recording =>
        {
            AudioClip clip = _inputs.Load(parsed, recording, cancellation);
            vad ??= SileroVad.Load();
            float[] probabilities = vad.Probabilities(clip.Samples, cancellation);
            IReadOnlyList<SpeechRegion> regions = SpeechRegions.Find(probabilities, clip.Samples.Length, options);
            if (plot is not null)
            {
                ChartFile.Write(SpeechChart.Draw(Path.GetFileName(RecordingInputs.PathOf(recording)), clip.Samples, probabilities, regions, options), plot, 1200, 300);
            }

            double speech = regions.Sum(region => region.EndSeconds - region.StartSeconds);
            if (parsed.GetValue(_json))
            {
                results[recording] = new
                {
                    clip.Seconds,
                    SpeechSeconds = speech,
                    Regions = regions.Select(region => new { Start = region.StartSeconds, End = region.EndSeconds }),
                };
                return;
            }

            Print(recording, clip.Seconds, speech, regions);
        }, cancellation);

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(results, Terminal.Json));
        }

        return exitCode;
    }

    private static void Print(string recording, double seconds, double speech, IReadOnlyList<SpeechRegion> regions)
    {
        Console.Out.WriteLine(recording);
        if (regions.Count > 0)
        {
            Table table = Terminal.Table(">start", ">end", ">seconds");
            foreach (SpeechRegion region in regions)
            {
                table.AddRow(Time(region.StartSeconds), Time(region.EndSeconds), (region.EndSeconds - region.StartSeconds).ToString("F2", CultureInfo.InvariantCulture));
            }

            Terminal.Write(table);
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{speech:F2} s of speech in {seconds:F2} s"));
    }

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds));
}
