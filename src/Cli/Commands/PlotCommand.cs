using System.CommandLine;
using System.Globalization;
using Handwritten.Cli.Charts;
using Handwritten.Model;
using Handwritten.Model.Configuration;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Inspection;
using Handwritten.Runtime.Transcription;
using ScottPlot;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten plot</c>: pictures of a model at work on a window of a recording, to learn from and to find mistakes with.</summary>
internal sealed class PlotCommand : Command
{
    private const int Width = 1400, SpectrogramHeight = 500;

    private static readonly string[] Kinds = ["mel", "attention", "alignment", "probabilities"];

    private readonly Argument<string> _kind = new("KIND")
    {
        Description = "mel: the spectrogram; attention: where the decoder listens for each token; alignment: how tokens get their times; probabilities: how sure it is.",
        HelpName = string.Join('|', Kinds),
    };

    private readonly RecordingInputs _inputs = new(new Argument<string[]>("AUDIO")
    {
        Description = "The recording, in any format that ffmpeg reads (WAV without it): a file, a pattern, an http(s) address; - is standard input.",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result => [result.Tokens[0].Value],
    });

    private readonly Option<string> _output = new("--output", "-o") { Description = "The picture.", HelpName = "FILE.png", Required = true };

    private readonly Option<OrNone<double>> _start = Optional.Number("--start", "Where the window of up to 30 seconds begins, in seconds.", 0, 0, 1e6);

    private readonly Option<OrNone<int>> _layer = Optional.Integer("--layer", "With --head, attention of this decoder layer, from 0; None for the alignment heads.", null, 0, 1000);

    private readonly Option<OrNone<int>> _head = Optional.Integer("--head", "... and of this head in it.", null, 0, 1000);

    private readonly ModelOptions _model = new();

    private readonly DecodingSettings _decoding = new();

    public PlotCommand()
        : base("plot", "Draw what a model hears and thinks.")
    {
        _kind.CompletionSources.Add(Kinds);
        _kind.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !Kinds.Contains(token.Value))
            {
                result.AddError($"KIND must be {string.Join(", ", Kinds[..^1])} or {Kinds[^1]}, but it is '{token.Value}'.{Spelling.Suggest(token.Value, Kinds)}");
            }
        });
        Add(_kind);
        _inputs.AddTo(this);
        foreach (Option option in new Option[] { _output, _start, _layer, _head })
        {
            Add(option);
        }

        _model.AddTo(this);
        _decoding.AddTo(this);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string kind = parsed.GetRequiredValue(_kind), output = parsed.GetRequiredValue(_output);
        ChartFile.Check(_output.Name, output);
        IReadOnlyList<AlignmentHead> heads = Heads(parsed, kind);
        TranscriptionOptions options = _decoding.Read(parsed);

        string recording = _inputs.Read(parsed) is [var only] ? only : throw new UsageException("A picture shows one recording, but AUDIO stands for several: give them one by one.");
        AudioClip clip = _inputs.Load(parsed, recording, cancellation);
        double start = parsed.GetValue(_start).Value ?? 0;
        if (start >= clip.Seconds)
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{_start.Name} is {start} s, but {clip.Source.Name} ends at {clip.Seconds:0.00} s."));
        }

        using WhisperModel model = _model.Load(parsed);
        options = DecodingSettings.For(options, model, Console.Error.WriteLine);
        using WindowInspector inspector = new(model, clip.Samples, start, options, cancellation);
        string title = $"{Path.GetFileName(RecordingInputs.PathOf(recording))}, {model.Name}";
        (Plot chart, int height) = kind switch
        {
            "mel" => (SpectrogramChart.Draw($"log-mel spectrogram: {title}", inspector.Spectrogram(), start), SpectrogramHeight),
            "attention" => Attention(inspector.Attention(heads, cancellation)),
            "alignment" => Alignment(inspector.Alignment(cancellation)),
            _ => Probabilities(inspector.Probabilities(cancellation: cancellation)),
        };
        ChartFile.Write(chart, output, Width, height);
        return ExitCode.Ok;

        (Plot, int) Attention(AttentionTrace trace) =>
            (TokenCharts.Attention($"cross-attention of {(heads is [var head] ? $"layer {head.Layer}, head {head.Head}" : "the alignment heads")}: {title}", trace, start), TokenCharts.Height(trace.Tokens.Count));

        (Plot, int) Alignment(AlignmentTrace trace) => (TokenCharts.Alignment($"alignment of tokens in time: {title}", trace, start), TokenCharts.Height(trace.Tokens.Count));

        (Plot, int) Probabilities(IReadOnlyList<TokenTrace> trace) => (TokenCharts.Probabilities($"probabilities of the tokens: {title}", trace), TokenCharts.Height(trace.Count));
    }

    private IReadOnlyList<AlignmentHead> Heads(ParseResult parsed, string kind)
    {
        (int? layer, int? head) = (parsed.GetValue(_layer).Value, parsed.GetValue(_head).Value);
        return (layer, head) switch
        {
            (null, null) => [],
            _ when kind != "attention" => throw new UsageException($"{_layer.Name} and {_head.Name} choose whose attention is drawn: leave them out for {kind}."),
            (int, int) => [new AlignmentHead(layer.Value, head.Value)],
            _ => throw new UsageException($"{_layer.Name} and {_head.Name} go together: give both, or neither for the alignment heads."),
        };
    }
}
