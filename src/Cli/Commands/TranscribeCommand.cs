using System.CommandLine;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
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

    private const string NoFormat = "none", PageFormat = "html";

    private readonly Option<string[]> _formats = Define.Choices("--output-format",
        $"Files to write, one for each recording and format; several with commas between them (srt,html). all are those of whisper: txt, vtt, srt, tsv, json; {NoFormat} only prints; html finds the words' times, too, unless {DecodingSettings.WordsName} False is given. Standard input has no files unless an option says so.",
        "all", [.. TranscriptWriters.Names, NoFormat], "-f");

    private readonly Option<string> _folder = new("--output-dir", "-o")
    {
        Description = "Where to write them.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => OutputFiles.CurrentFolder,
    };

    private readonly Option<string?> _name = Define.Text("--output-name",
        $"What to call them, of {OutputName.FieldNames}. [default: {{name}}; of several recordings with the same name, only the last]", "TEMPLATE");

    private readonly Option<bool> _embed = Define.Flag("--embed-audio",
        $"Put recordings of up to {RecordingAddress.MostEmbeddedBytes / 1_000_000} MB into their web pages, so that these are all there is to send.");

    private readonly LayoutOptions _layout = new();

    private readonly Option<string?> _cache = Define.Text("--cache",
        "Keep transcripts in this folder, and take them from there when the same sound is to be transcribed with the same model and options.", "FOLDER");

    private readonly Option<bool> _verbose = Define.Flag("--verbose", "Print the segments.", initially: true);

    private readonly Option<bool> _quiet = Define.Flag("--quiet", "Print nothing but segments and failures.");

    /// <summary>The command.</summary>
    public TranscribeCommand()
        : base("transcribe", "Turn recordings into text.")
    {
        _inputs.AddTo(this);
        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        foreach (Option option in new Option[] { _formats, _folder, _name, _embed, _cache, _verbose, _quiet })
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
        Narrator narrator = new(verbose: parsed.GetValue(_verbose), quiet: parsed.GetValue(_quiet));
        bool makesPages = parsed.GetRequiredValue(_formats).Contains(PageFormat), findsWordsForPages = makesPages && !_decoding.SaysWords(parsed);
        if (parsed.GetValue(_embed) && !makesPages)
        {
            throw new UsageException($"{_embed.Name} puts recordings into web pages: give {_formats.Name} {PageFormat} as well.");
        }

        options = options with { WordTimestamps = options.WordTimestamps || findsWordsForPages };
        WriterOptions layout = _layout.Read(parsed, options.WordTimestamps, narrator.Tell);
        layout = layout with { TextLanguage = options.Decoding.Task == SpeechTask.Translate ? "en" : null };
        EmbeddedSound? embedded = parsed.GetValue(_embed) ? new EmbeddedSound(narrator.Tell) : null;
        OutputFiles files = Files(parsed, layout, embedded, narrator);
        bool wantsFiles = new Option[] { _formats, _folder, _name }.Any(option => parsed.GetResult(option) is { Implicit: false });
        files.Prepare(wantsFiles ? recordings : [.. recordings.Where(recording => recording != AudioFile.StandardInput)]);

        using RecordingLoop loop = new(_model, parsed, (recording, token) => _inputs.Load(parsed, recording, embedded, token));
        CachedResults? cache = parsed.GetValue(_cache) is { } place ? new CachedResults(place, _model, parsed, findsWordsForPages ? NotHeard : NotHeard.Append(_formats)) : null;
        if (options.Windows.IsBatched)
        {
            return BatchingSettings.Run(options, loop, recordings, narrator, Known, Finish, cancellation);
        }

        Func<AudioClip, string, Transcript> transcribe = DecodingSettings.Transcription(options, loop, narrator, cancellation);
        return loop.Run(recordings, (recording, clip) => Finish(recording, clip, Known(clip), () => transcribe(clip, recording)), cancellation);

        Transcript? Known(AudioClip clip) => cache?.Find(clip);

        void Finish(string recording, AudioClip clip, Transcript? known, Func<Transcript> make) => files.Write(
            recording,
            cache is null ? make() : cache.Get(clip, known, options, narrator, make),
            () => ModelFolder.NameOf(_model.Folder(parsed)));
    }

    private OutputFiles Files(ParseResult parsed, WriterOptions layout, EmbeddedSound? embedded, Narrator narrator)
    {
        if (parsed.GetRequiredValue(_formats) is { Length: > 1 } several && several.Contains(NoFormat))
        {
            throw new UsageException($"{_formats.Name} {NoFormat} writes no files: leave it out, or the other formats.");
        }

        ITranscriptWriter[] formats = [.. parsed.GetRequiredValue(_formats).Where(format => format != NoFormat).SelectMany(TranscriptWriters.Named).Distinct()];
        OutputName? template = parsed.GetValue(_name) is { } name ? new OutputName(_name.Name, name) : null;
        return new OutputFiles(formats, parsed.GetRequiredValue(_folder), template, layout, embedded, narrator.Tell);
    }

    /// <summary>The options that a transcript does not depend on; on formats it does where one of them asks for the words' times.</summary>
    private IEnumerable<Option> NotHeard => [_folder, _name, _embed, _cache, _verbose, _quiet, .. _layout.Options, .. _inputs.Options];
}
