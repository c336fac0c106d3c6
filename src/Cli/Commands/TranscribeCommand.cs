using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten transcribe</c>: recordings to text. Segments are printed as they come, files are written when a
/// recording is done. Options, formats and file names are those of the <c>whisper</c> command.
/// </summary>
internal sealed class TranscribeCommand : Command
{
    private readonly Argument<string[]> _audio = new("AUDIO")
    {
        Description = "The recordings, in any format that ffmpeg reads (WAV without it); - is standard input.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly ModelOptions _model = new();

    private readonly Option<string?> _language = Options.Language("--language",
        "The language spoken, by code or English name. [default: detected in the first 30 seconds]");

    private readonly Option<WhisperTask> _task = Options.Choice("--task",
        "Write what was said, or translate it to English.", ("transcribe", WhisperTask.Transcribe), ("translate", WhisperTask.Translate));

    private readonly Option<bool> _withoutTimestamps = Options.Flag("--without-timestamps", "Text only; every window of 30 seconds becomes one segment.");

    private readonly Option<bool> _condition = Options.Flag("--condition-on-previous-text",
        "Let the text of a window be the prompt of the next.", initially: true);

    private readonly Option<string?> _prompt = Options.Text("--initial-prompt", "Text to pretend to have heard before: names, spelling, style.", "TEXT");

    private readonly Option<OutputFormat[]> _formats = new("--output-format", "-f")
    {
        Description = "Files to write, one for each recording and format; may be given several times. [default: none, or all with --output-dir]",
    };

    private readonly Option<string?> _folder = Options.Text("--output-dir", "Where to write them. [default: the current folder]", "FOLDER", "-o");

    private readonly Option<bool> _verbose = Options.Flag("--verbose", "Print the segments.", initially: true);

    private readonly Option<bool> _quiet = Options.Flag("--quiet", "Print nothing on standard error but failures.");

    /// <summary>The command.</summary>
    public TranscribeCommand()
        : base("transcribe", "Turn recordings into text.")
    {
        Add(_audio);
        _model.AddTo(this);
        foreach (Option option in new Option[] { _language, _task, _withoutTimestamps, _condition, _prompt, _formats, _folder, _verbose, _quiet })
        {
            Add(option);
        }

        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    /// <summary>Transcribes what can be transcribed; the exit code is that of the first failure.</summary>
    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string[] recordings = parsed.GetRequiredValue(_audio);
        TranscriptionOptions options = new()
        {
            Decoding = new DecodingOptions
            {
                Language = parsed.GetValue(_language),
                Task = parsed.GetValue(_task),
                WithoutTimestamps = parsed.GetValue(_withoutTimestamps),
            },
            ConditionOnPreviousText = parsed.GetValue(_condition),
            InitialPrompt = parsed.GetValue(_prompt),
        };
        OutputFiles files = new(Formats(parsed), parsed.GetValue(_folder) ?? ".");
        files.Prepare(recordings);

        ExitCode exitCode = ExitCode.Ok;
        LoadedModel? loaded = null;
        Transcriber? transcriber = null;
        try
        {
            foreach (string recording in recordings)
            {
                try
                {
                    // The model comes second: a mistyped file name is told at once, however large the model.
                    AudioClip clip = AudioFile.Load(recording, cancellation);
                    loaded ??= _model.Load(parsed);
                    transcriber ??= new Transcriber(loaded.Model);
                    Transcript transcript = Transcribe(transcriber, clip, options, parsed, cancellation);
                    files.Write(recording, transcript);
                }
                catch (Exception failure) when (failure is AudioException or OutputException)
                {
                    ExitCode code = Application.Report(failure);
                    exitCode = exitCode == ExitCode.Ok ? code : exitCode;
                }
            }
        }
        finally
        {
            transcriber?.Dispose();
            loaded?.Dispose();
        }

        return exitCode;
    }
}
