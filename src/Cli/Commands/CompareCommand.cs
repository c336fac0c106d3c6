using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Handwritten.Cli.Charts;
using Handwritten.Cli.Comparison;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Transcription;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten compare</c>: several models, or one with several settings, on the same recordings: errors, time and
/// memory. Each candidate runs in a process of its own, one after the other, so that none profits from what another has
/// warmed up and memory is its own; that process is this command with a single candidate.
/// </summary>
internal sealed class CompareCommand : Command
{
    /// <summary>The option whose values are options.</summary>
    public const string With = "--with";

    private readonly RecordingInputs _inputs = new();

    private readonly Option<string> _references = new("--references")
    {
        Description = "What was said: a folder with NAME.txt for each recording, a table (.tsv: name, tab, text), or a manifest (.json, .jsonl).",
        HelpName = "FOLDER|FILE",
        Required = true,
    };

    private readonly Option<string?> _models = Define.Text("--models", "Models to compare, with commas between them.", "NAME,...");

    private readonly Option<string[]> _with = new(With)
    {
        Description = "Options to compare, such as \"--model tiny --beam-size None\"; may be given several times. Options outside are those of all.",
        HelpName = "OPTIONS",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string> _normalizer = Define.Choice("--normalizer",
        "How texts are made comparable; auto is english for English, letters where words are not parted, else basic.", [.. TextNormalizers.Names]);

    private readonly Option<string?> _plot = Define.Text("--plot", "Draw the comparison to this file.", "FILE.png");

    private readonly Option<bool> _json = Define.Json();

    private readonly ModelOptions _model = new();

    private readonly DecodingSettings _decoding = new();

    private readonly BatchingSettings _batching = new();

    private readonly Command _settings = new("settings");

    public CompareCommand()
        : base("compare", "Compare models or settings on the same recordings.")
    {
        _inputs.AddTo(this);
        foreach (Option option in new Option[] { _references, _models, _with, _normalizer, _plot, _json })
        {
            Add(option);
        }

        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        _model.AddTo(_settings);
        _decoding.AddTo(_settings);
        _batching.AddTo(_settings);
        SetAction(async (parsed, cancellation) => (int)await RunAsync(parsed, cancellation).ConfigureAwait(false));
    }

    private async Task<ExitCode> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string? plot = parsed.GetValue(_plot);
        if (plot is not null)
        {
            ChartFile.Check(_plot.Name, plot);
        }

        List<Candidate> candidates = Candidates(parsed);
        List<Measurement> measurements = [];
        ExitCode exitCode = ExitCode.Ok;
        if (candidates.Count <= 1)
        {
            measurements.Add(Measure(parsed, candidates.Count == 0 ? null : candidates[0], cancellation));
        }
        else
        {
            foreach (Candidate candidate in candidates)
            {
                (ExitCode code, string output) = await OtherProcess.RunAsync(Alone(parsed, candidate), cancellation).ConfigureAwait(false);
                exitCode = exitCode == ExitCode.Ok ? code : exitCode;
                if (code == ExitCode.Ok)
                {
                    measurements.Add(JsonSerializer.Deserialize<Report>(output, Terminal.Json)!.Candidates.Single() with { Settings = candidate.Name });
                }
                else if (code is not (ExitCode.UnusableModel or ExitCode.UnusableDevice))
                {
                    // What is wrong with a recording is wrong for all; it has been told.
                    return code;
                }
            }
        }

        if (plot is not null && measurements.Count > 0)
        {
            ChartFile.Write(ComparisonChart.Draw(measurements), plot, 1350, 110 + (90 * measurements.Count));
        }

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new Report(measurements), Terminal.Json));
        }
        else if (measurements.Count > 0)
        {
            Print(measurements);
        }

        return exitCode;
    }

    /// <summary>What is to be compared; everything that can be wrong with it is found before the work.</summary>
    private List<Candidate> Candidates(ParseResult parsed)
    {
        string[] models = parsed.GetValue(_models)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        List<Candidate> candidates =
        [
            .. models.Select(model => Candidate.Read(_models.Name, model, [$"--model={model}"], _settings, parsed)),
            .. parsed.GetRequiredValue(_with).Select(text => Candidate.Read(_with.Name, text, CommandLineParser.SplitCommandLine(text), _settings, parsed)),
        ];
        foreach (ParseResult settings in candidates.Select(candidate => candidate.Parsed).DefaultIfEmpty(parsed))
        {
            _batching.Read(settings, _decoding);
            _model.Folder(settings);
        }

        return candidates.Count > 1 && _inputs.Read(parsed).Contains(AudioFile.StandardInput)
            ? throw new UsageException("Standard input can be heard once only: give the names of files to compare on.")
            : candidates;
    }

    /// <summary>The command line that measures one candidate.</summary>
    private IEnumerable<string> Alone(ParseResult parsed, Candidate candidate) =>
    [
        Name, $"{_references.Name}={parsed.GetRequiredValue(_references)}", $"{_normalizer.Name}={parsed.GetRequiredValue(_normalizer)}", _json.Name,
        .. candidate.Arguments, .. Candidate.Given(_inputs.Options, parsed), "--", .. _inputs.Read(parsed),
    ];

    private Measurement Measure(ParseResult parsed, Candidate? candidate, CancellationToken cancellation)
    {
        ParseResult settings = candidate?.Parsed ?? parsed;
        IReadOnlyList<string> recordings = _inputs.Read(parsed);
        ReferenceTexts references = ReferenceTexts.Open(parsed.GetRequiredValue(_references));
        ReferenceText[] said = [.. recordings.Select(recording => references.Find(RecordingInputs.PathOf(recording)))];
        TranscriptionOptions options = _batching.Read(settings, _decoding);
        Measurement? measurement = null;
        Terminal.WithProgress(candidate?.Name ?? "comparing", recordings.Count, show: true, progress =>
            measurement = Measurement.Take(
                candidate?.Name, recordings, recording => _inputs.Load(parsed, recording, cancellation), said, parsed.GetRequiredValue(_normalizer), () => _model.Load(settings),
                model => DecodingSettings.For(options, model, Console.Error.WriteLine),
                progress.Report, cancellation));
        return measurement!;
    }

    private static void Print(List<Measurement> measurements)
    {
        Table table = Terminal.Table("settings", "model", ">words", ">WER", ">CER", ">seconds", ">real-time factor", ">loading", ">peak memory");
        foreach (Measurement measurement in measurements)
        {
            table.AddRow(
                Markup.Escape(measurement.Settings), Markup.Escape(measurement.Model), measurement.Words.Length.ToString(CultureInfo.InvariantCulture),
                Format(measurement.Words.Rate, "P2"), Format(measurement.Characters.Rate, "P2"), Format(measurement.Seconds, "0.00"),
                Format(measurement.RealTimeFactor, "0.000"), Format(measurement.LoadSeconds, "0.00 s"), Format(measurement.PeakMemoryBytes / 1e6, "0 MB"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{measurements[0].AudioSeconds:0.0} s of audio in {measurements[0].Files.Count} {(measurements[0].Files.Count == 1 ? "recording" : "recordings")}, on {string.Join("; ", measurements.Select(measurement => measurement.Device).Distinct())}"));
        Terminal.Write(table);

        static string Format(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>What the command prints as JSON.</summary>
    private sealed record Report(IReadOnlyList<Measurement> Candidates);
}
