using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
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
        bool verbose = parsed.GetValue(_verbose), quiet = parsed.GetValue(_quiet);
        OutputFiles files = new(formats.Length == 0 && folder is not null ? TranscriptWriters.All : formats, folder ?? ".", _layout.Read(parsed, options.WordTimestamps, Teller(quiet)));
        files.Prepare(recordings);

        TranscriptionOptions? fitting = null;
        using RecordingLoop loop = new(_model, parsed);
        return loop.Run(recordings, (recording, clip, transcriber) =>
        {
            WhisperModel model = transcriber.Model;
            fitting ??= _decoding.For(parsed, options, model.Tokenizer, model.Name, (model.Dimensions.TextContext / 2) - 1, Teller(quiet));
            files.Write(recording, Transcribe(recording, clip, transcriber, fitting, verbose, quiet, cancellation));
        }, cancellation);
    }

    /// <summary>Transcribes one recording, telling how it goes.</summary>
    private static Transcript Transcribe(
        string recording, AudioClip clip, Transcriber transcriber, TranscriptionOptions options, bool verbose, bool quiet, CancellationToken cancellation)
    {
        WhisperModel model = transcriber.Model;
        Action<string> tell = Teller(quiet);
        Stopwatch watch = Stopwatch.StartNew();
        using TranscriptionRun run = transcriber.Start(clip.Samples, options, cancellation);
        if (model.Tokenizer.Special.IsMultilingual && options.Decoding.Language is null)
        {
            tell($"Detected language: {DecodingSettings.EnglishName(run.Language)}");
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

        double seconds = watch.Elapsed.TotalSeconds;
        tell(string.Create(CultureInfo.InvariantCulture,
            $"{clip.Source.Name}: {clip.Seconds:F1} s of audio in {seconds:F1} s, real-time factor {seconds / clip.Seconds:F3}, {model.Name} on {model.Network.Kernels.DeviceDescription}"));
        return run.Transcript;
    }

    private static Action<string> Teller(bool quiet) => quiet ? _ => { } : Console.Error.WriteLine;

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds));
}
