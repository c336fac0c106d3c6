using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten transcribe</c>: recordings to text. Segments are printed as they come, files are written when a
/// recording is done. Options, formats and file names are those of the <c>whisper</c> command.
/// </summary>
internal sealed class TranscribeCommand : Command
{
    private readonly Argument<string[]> _audio = Define.Recordings();

    private readonly ModelOptions _model = new();

    private readonly DecodingSettings _decoding = new();

    private readonly BatchingSettings _batching = new();

    private readonly Option<string[]> _formats = Define.Choices("--output-format",
        "Files to write, one for each recording and format; may be given several times. all are those of whisper. [default: none; all with --output-dir]",
        [.. TranscriptWriters.Names], "-f");

    private readonly Option<string?> _folder = Define.Text("--output-dir", "Where to write them. [default: the current folder]", "FOLDER", "-o");

    private readonly LayoutSettings _layout = new();

    private readonly Option<bool> _verbose = Define.Flag("--verbose", "Print the segments.", initially: true);

    private readonly Option<bool> _quiet = Define.Flag("--quiet", "Print nothing on standard error but failures.");

    /// <summary>The command.</summary>
    public TranscribeCommand()
        : base("transcribe", "Turn recordings into text.")
    {
        Add(_audio);
        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        foreach (Option option in new Option[] { _formats, _folder, _verbose, _quiet })
        {
            Add(option);
        }

        _layout.AddTo(this);

        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    /// <summary>Transcribes what can be transcribed; the exit code is that of the first failure.</summary>
    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string[] recordings = parsed.GetRequiredValue(_audio);
        TranscriptionOptions options = _decoding.Read(parsed);
        ITranscriptWriter[] formats = [.. parsed.GetRequiredValue(_formats).SelectMany(TranscriptWriters.Named).Distinct()];
        string? folder = parsed.GetValue(_folder);
        bool quiet = parsed.GetValue(_quiet);
        OutputFiles files = new(formats.Length == 0 && folder is not null ? TranscriptWriters.All : formats, folder ?? ".", _layout.Read(parsed, options.WordTimestamps, Teller(quiet)));
        files.Prepare(recordings);
        _batching.Verify(parsed, _decoding);

        TranscriptionOptions? fitting = null;
        using RecordingLoop loop = new(_model, parsed);
        if (_batching.IsBatched(parsed))
        {
            return RunBatched(parsed, recordings, loop, options, files, cancellation);
        }

        return loop.Run(recordings, (recording, clip, transcriber) =>
        {
            fitting ??= Fit(parsed, options, transcriber.Model);
            Stopwatch watch = Stopwatch.StartNew();
            using ITranscriptionRun run = _batching.Start(parsed, transcriber, clip, fitting, cancellation);
            Tell(parsed, run, recording, transcriber.Model);
            Summarise(parsed, clip.Source.Name, clip.Seconds, watch, transcriber.Model);
            files.Write(recording, run.Transcript);
        }, cancellation);
    }

    /// <summary>The same with windows side by side.</summary>
    private ExitCode RunBatched(ParseResult parsed, string[] recordings, RecordingLoop loop, TranscriptionOptions options, OutputFiles files, CancellationToken cancellation)
    {
        OverlappingWindows? overlap = _batching.Overlap(parsed);
        Stopwatch watch = Stopwatch.StartNew();
        (double seconds, List<string> done) = (0, []);
        ExitCode exitCode = new BatchedRecordings(
            recording => AudioFile.Load(recording, cancellation),
            clip => overlap is null ? _batching.CutAtSilences(parsed, options, _decoding, clip, cancellation) : [],
            () =>
            {
                BatchedTranscriber transcriber = new(loop.Model, Fit(parsed, options, loop.Model), _batching.BatchSize(parsed));
                watch.Restart();
                return transcriber;
            },
            (transcriber, clip, windows) => overlap is null ? transcriber.Start(clip.Samples, windows, cancellation) : transcriber.Start(clip.Samples, overlap, cancellation))
            .Run(recordings, (recording, clip, run) =>
            {
                Tell(parsed, run, recording, loop.Model);
                files.Write(recording, run.Transcript);
                seconds += clip.Seconds;
                done.Add(clip.Source.Name);
            }, cancellation);
        if (done.Count > 0)
        {
            Summarise(parsed, done is [var only] ? only : $"{done.Count} recordings", seconds, watch, loop.Model);
        }

        return exitCode;
    }

    private TranscriptionOptions Fit(ParseResult parsed, TranscriptionOptions options, WhisperModel model) =>
        _decoding.For(parsed, options, model.Tokenizer, model.Name, (model.Dimensions.TextContext / 2) - 1, Teller(parsed.GetValue(_quiet)));

    /// <summary>Transcribes one recording, telling how it goes.</summary>
    private void Tell(ParseResult parsed, ITranscriptionRun run, string recording, WhisperModel model)
    {
        bool verbose = parsed.GetValue(_verbose), quiet = parsed.GetValue(_quiet);
        if (model.Tokenizer.Special.IsMultilingual && !_decoding.HasLanguage(parsed))
        {
            Teller(quiet)($"Detected language: {DecodingSettings.EnglishName(run.Language)}");
        }

        Terminal.WithProgress(Path.GetFileName(recording), run.Duration, show: !quiet, progress =>
        {
            foreach (Segment segment in run.Segments())
            {
                if (verbose && segment.Text.Length > 0)
                {
                    progress.Print($"[{Time(segment.Start)} --> {Time(segment.End)}] {segment.Text}");
                }

                progress.Report(run.Position);
            }
        });
    }

    private void Summarise(ParseResult parsed, string what, double audio, Stopwatch watch, WhisperModel model)
    {
        double seconds = watch.Elapsed.TotalSeconds;
        Teller(parsed.GetValue(_quiet))(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {audio:F1} s of audio in {seconds:F1} s, real-time factor {seconds / audio:F3}, {model.Name} on {model.Network.Kernels.DeviceDescription}"));
    }

    private static Action<string> Teller(bool quiet) => quiet ? _ => { } : Console.Error.WriteLine;

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds));
}
