using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten detect-language</c>: which language the first 30 seconds of a recording are in.</summary>
internal sealed class DetectLanguageCommand : Command
{
    private const int Shown = 5;

    private readonly RecordingInputs _inputs = new();

    private readonly ModelOptions _model = new();

    private readonly Option<bool> _json = Define.Json();

    public DetectLanguageCommand()
        : base("detect-language", "Tell the language of recordings from their first 30 seconds.")
    {
        _inputs.AddTo(this);
        _model.AddTo(this);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        using RecordingLoop loop = new(_model, parsed, (recording, token) => _inputs.Load(parsed, recording, token));
        Dictionary<string, Dictionary<string, double>> results = [];
        ExitCode exitCode = loop.Run(_inputs.Read(parsed), (recording, clip) =>
        {
            RecordingTranscriber transcriber = loop.Transcriber;
            if (!transcriber.Model.Tokenizer.Special.IsMultilingual)
            {
                throw new UsageException($"The model '{transcriber.Model.Name}' knows only English, so there is no language to detect.");
            }

            IReadOnlyList<LanguageProbability> languages = transcriber.DetectLanguage(clip.Samples, cancellation);
            if (parsed.GetValue(_json))
            {
                results[recording] = languages.ToDictionary(language => language.Code, language => language.Probability);
                return;
            }

            Table table = Terminal.Table("code", "language", ">probability");
            foreach (LanguageProbability language in languages.Take(Shown))
            {
                table.AddRow(language.Code, Languages.Names[language.Code], language.Probability.ToString("P2", CultureInfo.InvariantCulture));
            }

            Console.Out.WriteLine(recording);
            Terminal.Write(table);
        }, cancellation);

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(results, Terminal.Json));
        }

        return exitCode;
    }
}
