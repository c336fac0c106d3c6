using System.CommandLine;
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
    private readonly RecordingInputs _inputs = new();

    private readonly ModelOptions _model = new();

    private readonly DecodingSettings _decoding = new();

    private readonly BatchingSettings _batching = new();

    private readonly Option<string[]> _formats = Define.Choices("--output-format",
        "Files to write, one for each recording and format; may be given several times. all are those of whisper. [default: none; all with --output-dir]",
        [.. TranscriptWriters.Names], "-f");

    private readonly Option<string?> _folder = Define.Text("--output-dir", "Where to write them. [default: the current folder]", "FOLDER", "-o");

    private readonly Option<string?> _name = Define.Text("--output-name", $"What to call them, of {OutputName.FieldNames}. [default: {{name}}]", "TEMPLATE");

    private readonly LayoutOptions _layout = new();

    private readonly Option<string?> _cache = Define.Text("--cache",
        "Keep transcripts in this folder, and take them from there when the same sound is to be transcribed with the same model and options.", "FOLDER");

    private readonly Option<bool> _verbose = Define.Flag("--verbose", "Print the segments.", initially: true);

    private readonly Option<bool> _quiet = Define.Flag("--quiet", "Print nothing on standard error but failures.");

    /// <summary>The command.</summary>
    public TranscribeCommand()
        : base("transcribe", "Turn recordings into text.")
    {
        _inputs.AddTo(this);
        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        foreach (Option option in new Option[] { _formats, _folder, _name, _cache, _verbose, _quiet })
        {
            Add(option);
        }

        _layout.AddTo(this);

        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    /// <summary>Transcribes what can be transcribed; the exit code is that of the first failure.</summary>
    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        IReadOnlyList<string> recordings = _inputs.Read(parsed);
        TranscriptionOptions options = _batching.Read(parsed, _decoding);
        ITranscriptWriter[] formats = [.. parsed.GetRequiredValue(_formats).SelectMany(TranscriptWriters.Named).Distinct()];
        string? folder = parsed.GetValue(_folder);
        Narrator narrator = new(verbose: parsed.GetValue(_verbose), quiet: parsed.GetValue(_quiet));
        OutputName name = new(_name.Name, parsed.GetValue(_name) ?? "{name}");
        WriterOptions layout = _layout.Read(parsed, options.WordTimestamps, narrator.Tell);
        OutputFiles files = new(formats.Length == 0 && folder is not null ? TranscriptWriters.All : formats, folder ?? ".", name, layout);
        files.Prepare(recordings);

        using RecordingLoop loop = new(_model, parsed, (recording, token) => _inputs.Load(parsed, recording, token));
        CachedResults? cache = parsed.GetValue(_cache) is { } place ? new CachedResults(place, _model, parsed, NotHeard) : null;
        if (options.Windows.IsBatched)
        {
            return BatchingSettings.Run(parsed, _decoding, options, loop, recordings, narrator, Finish, cancellation);
        }

        Func<AudioClip, string, Transcript> transcribe = _decoding.Transcription(parsed, options, loop, narrator, cancellation);
        return loop.Run(recordings, (recording, clip) => Finish(recording, clip, () => transcribe(clip, recording)), cancellation);

        void Finish(string recording, AudioClip clip, Func<Transcript> make) => files.Write(
            recording,
            cache is null ? make() : cache.Get(clip, narrator, make),
            () => ModelFolder.NameOf(_model.Folder(parsed)));
    }

    /// <summary>The options that a transcript does not depend on.</summary>
    private IEnumerable<Option> NotHeard => [_formats, _folder, _name, _cache, _verbose, _quiet, .. _layout.Options, .. _inputs.Options];
}
