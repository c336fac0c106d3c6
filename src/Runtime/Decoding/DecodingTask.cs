using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes one window whose audio the decoder already listens to. Three ideas meet here and know nothing of each other:
/// <code>
///     start sequence ──> decoder ──> logits ──> rules (what is allowed) ──> search (what is chosen) ──> token ─┐
///                           ▲                                                                                  │
///                           └──────────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// Allocates its buffers once; a step allocates nothing. Source: openai/whisper, decoding.py, DecodingTask.
/// </summary>
public sealed class DecodingTask
{
    private readonly WhisperModel _model;
    private readonly DecoderState _state;
    private readonly GreedySearch _search;
    private readonly float[] _logits;

    /// <summary>Prepares for decoding with one state.</summary>
    /// <param name="model">The model.</param>
    /// <param name="state">Its decoder state; at least two rows of logits.</param>
    public DecodingTask(WhisperModel model, DecoderState state)
    {
        _model = model;
        _state = state;
        _search = new GreedySearch(model.Tokenizer.Special.EndOfText, model.Dimensions.TextContext);
        _logits = new float[2 * Vocabulary];
    }

    private int Vocabulary => _model.Dimensions.Vocabulary;

    /// <summary>Decodes greedily.</summary>
    /// <param name="options">How.</param>
    /// <param name="window">The audio window to listen to.</param>
    /// <param name="lane">The KV-cache lane to use; whatever it holds is overwritten.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public DecodingResult Decode(DecodingOptions options, int window = 0, int lane = 0, CancellationToken cancellation = default)
    {
        StartSequence start = StartSequence.For(options, _model.Tokenizer.Special, _model.Dimensions.TextContext);
        ILogitRule[] rules = LogitRules.For(options, _model.Tokenizer);
        int sampleLength = options.SampleLength ?? (_model.Dimensions.TextContext / 2);
        double noSpeech = double.NaN;
        _search.Clear();
        start.Feed(_state.Rows, lane, window);

        for (int length = start.Tokens.Length; _search.Tokens.Length < sampleLength; length++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> computed = Step();
            if (length == start.Tokens.Length)
            {
                noSpeech = Number(NoSpeechProbability(computed[..Vocabulary]));
            }

            Span<float> logits = _logits.AsSpan(computed.Length - Vocabulary, Vocabulary);
            foreach (ILogitRule rule in rules)
            {
                rule.Apply(logits, _search.Tokens);
            }

            int token = _search.Choose(logits);
            if (_search.Completed || length == _model.Dimensions.TextContext)
            {
                break;
            }

            _state.Rows.Clear();
            _state.Rows.Add(token, lane, position: length, window, wantsLogits: true);
        }

        return ToResult(noSpeech);
    }

    /// <summary>The probability of each language, most probable first, from the first step after the start token.</summary>
    /// <param name="window">The audio window to listen to.</param>
    /// <param name="lane">The KV-cache lane to use.</param>
    /// <exception cref="InvalidOperationException">The model knows only English.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    public IReadOnlyList<LanguageProbability> DetectLanguage(int window = 0, int lane = 0)
    {
        SpecialTokens special = _model.Tokenizer.Special;
        if (!special.IsMultilingual)
        {
            throw new InvalidOperationException("The model knows only English; there is no language to detect.");
        }

        _state.Rows.Clear();
        _state.Rows.Add(special.StartOfTranscript, lane, position: 0, window, wantsLogits: true);
        float[] logits = Step().ToArray();
        float[] scores = [.. special.LanguageTokens.Select(token => logits[token])];
        double normaliser = Number(LogProbabilities.LogSumExp(scores));
        return [.. special.LanguageCodes
            .Select((code, i) => new LanguageProbability(code, Math.Exp(scores[i] - normaliser)))
            .OrderByDescending(language => language.Probability)];
    }

    /// <summary>Runs the rows through the decoder and returns the logits that they asked for.</summary>
    private Span<float> Step()
    {
        _model.Network.Decoder.Forward(_state);
        Span<float> logits = _logits.AsSpan(0, _state.Rows.OutputCount * Vocabulary);
        _state.ReadLogits(logits);
        return logits;
    }

    /// <summary>What the start-of-transcript position says, before any rule and over the whole vocabulary.</summary>
    private double NoSpeechProbability(ReadOnlySpan<float> logits) =>
        Math.Exp(logits[_model.Tokenizer.Special.NoSpeech] - LogProbabilities.LogSumExp(logits));

    /// <summary>NaN goes through every layer to every logit, and would be taken for the first token without end.</summary>
    private double Number(double computed) => double.IsNaN(computed)
        ? throw new ModelException($"The model '{_model.Name}' computes NaN instead of numbers: its weights are damaged or too large for their type, so download or convert it again.")
        : computed;

    private DecodingResult ToResult(double noSpeech)
    {
        int[] tokens = _search.Tokens.ToArray();
        string text = PythonText.Strip(_model.Tokenizer.Decode(tokens));
        return new DecodingResult(
            tokens,
            text,
            _search.SumLogProbability / (tokens.Length + 1),
            noSpeech,
            CompressionRatio.Of(text),
            Temperature: 0);
    }
}

/// <summary>A language and how probable it is.</summary>
/// <param name="Code">Its code, such as "en".</param>
/// <param name="Probability">Between 0 and 1.</param>
public sealed record LanguageProbability(string Code, double Probability);
