using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten evaluate</c>: the word and character error rates of transcripts, or of what the model makes of
/// recordings, against what was really said. Texts are compared in the normal form of openai/whisper's own evaluation.
/// </summary>
internal sealed class EvaluateCommand : Command
{
    private readonly RecordingInputs _inputs = new(new Argument<string[]>("FILE")
    {
        Description = "Transcripts (json, srt, vtt, txt), or recordings, which are transcribed first: files, patterns, http(s) addresses; - is a recording on standard input.",
        Arity = ArgumentArity.OneOrMore,
    });

    private readonly Option<string> _references = new("--references")
    {
        Description = "What was said: a folder with NAME.txt for each file, a table (.tsv: name, tab, text), or a manifest (.json, .jsonl).",
        HelpName = "FOLDER|FILE",
        Required = true,
    };

    private readonly Option<string> _normalizer = Define.Choice("--normalizer",
        "How texts are made comparable; auto is english for English, letters where words are not parted, else basic.", [.. TextNormalizers.Names]);

    private readonly DecodingSettings _decoding = new();

    private readonly BatchingSettings _batching = new();

    private readonly ModelOptions _model = new();

    private readonly Option<bool> _json = Define.Json();

    public EvaluateCommand()
        : base("evaluate", "Count the errors of transcripts against what was said.")
    {
        _inputs.AddTo(this);
        Add(_references);
        Add(_normalizer);
        Add(_json);
        _model.AddTo(this);
        _decoding.AddTo(this);
        _batching.AddTo(this);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        ReferenceTexts references = ReferenceTexts.Open(parsed.GetRequiredValue(_references));
        TranscriptionOptions options = _batching.Read(parsed, _decoding);
        TranscriptionOptions? fitting = null;
        List<Judgement> judgements = [];
        ExitCode exitCode = ExitCode.Ok;
        using RecordingLoop loop = new(_model, parsed, (recording, token) => _inputs.Load(parsed, recording, token));
        foreach (string file in _inputs.Read(parsed))
        {
            bool isTranscript = !WebRecording.IsAddress(file) && TranscriptReader.CanRead(file);
            ReferenceText? reference = null;
            ExitCode code = EachFile.Do([file], _ =>
            {
                reference = references.Find(RecordingInputs.PathOf(file));
                if (isTranscript)
                {
                    judgements.Add(Judge(parsed, file, reference, options, TranscriptReader.Read(file)));
                }
            }, cancellation);
            if (code == ExitCode.Ok && !isTranscript)
            {
                code = loop.Run([file], (_, clip) =>
                {
                    fitting ??= DecodingSettings.For(options, loop.Model, Console.Error.WriteLine);
                    Transcript transcript = loop.Transcriber.Transcribe(PreparedRecording.Of(clip.Samples, fitting, cancellation), cancellation);
                    judgements.Add(Judge(parsed, file, reference!, options, transcript));
                }, cancellation);
            }

            exitCode = exitCode == ExitCode.Ok ? code : exitCode;
        }

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { Files = judgements, Total = ErrorTotal.Of(judgements) }, Terminal.Json));
        }
        else if (judgements.Count > 0)
        {
            Print(judgements);
        }

        return exitCode;
    }

    private Judgement Judge(ParseResult parsed, string file, ReferenceText reference, TranscriptionOptions options, Transcript transcript)
    {
        string? language = options.Decoding.Language ?? reference.Language ?? (transcript.Language.Length > 0 ? transcript.Language : null);
        return Judgement.Of(file, reference.Text, transcript.Text, parsed.GetRequiredValue(_normalizer), language);
    }

    private static void Print(List<Judgement> judgements)
    {
        Table table = Terminal.Table("file", "normalizer", ">words", ">wrong", ">missing", ">added", ">WER", ">CER");
        foreach (Judgement judgement in judgements)
        {
            AddRow(judgement.File, judgement.Normalizer, judgement.Words, judgement.Characters);
        }

        if (judgements.Count > 1)
        {
            (ErrorCount words, ErrorCount characters) = ErrorTotal.Of(judgements);
            AddRow($"all {judgements.Count}", "", words, characters);
        }

        Terminal.Write(table);

        void AddRow(string file, string normalizer, ErrorCount words, ErrorCount characters) => table.AddRow(
            Markup.Escape(file), normalizer, Number(words.Length), Number(words.Substitutions), Number(words.Deletions), Number(words.Insertions),
            Percent(words.Rate), Percent(characters.Rate));

        static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
        static string Percent(double rate) => rate.ToString("P2", CultureInfo.InvariantCulture);
    }
}
