using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes one window whose audio the decoder already listens to. Three ideas meet here and know nothing of each other:
/// <code>
///     start sequence ──> decoder ──> logits ──> rules (what is allowed) ──> search (what is chosen) ──> tokens ─┐
///                           ▲                                                                                   │
///                           └──────────────── a row for each open lane, which may go on from another ───────────┘
/// </code>
/// The start sequence runs once, in the first lane; all lanes of the search share it. Where the back end can choose by itself,
/// only what is chosen comes to the host: see <see cref="ChoiceLoop"/> and <see cref="BeamLoop"/>. Source: openai/whisper, decoding.py, DecodingTask.
/// </summary>
public sealed class DecodingTask : IDisposable
{
    private readonly WhisperModel _model;
    private readonly DecoderState _state;
    private readonly TokenChoice _choice;
    private readonly ChoiceLoop _loop;
    private readonly BeamLoop _beams;
    private float[] _logits;

    /// <summary>Prepares for decoding with one state.</summary>
    /// <param name="model">The model.</param>
    /// <param name="state">Its decoder state; a row of logits for each lane, and at least two.</param>
    public DecodingTask(WhisperModel model, DecoderState state)
    {
        _model = model;
        _state = state;
        _choice = model.Network.Kernels.AllocateChoice(state.Lanes, model.Dimensions.TextContext, Vocabulary);
        _loop = new ChoiceLoop(model, state, _choice);
        _beams = new BeamLoop(model, state, _choice);
        _logits = new float[2 * Vocabulary];
    }

    private int Vocabulary => _model.Dimensions.Vocabulary;

    /// <summary>Decodes.</summary>
    /// <param name="options">How.</param>
    /// <param name="window">The audio window to listen to.</param>
    /// <param name="lane">The first of the KV-cache lanes to use, one for each sequence of the search; whatever they hold is overwritten.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OptionsException">The options make no sense.</exception>
    /// <exception cref="ArgumentException">The state has too few lanes for the options.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public DecodingResult Decode(DecodingOptions options, int window = 0, int lane = 0, CancellationToken cancellation = default)
    {
        if (ChoiceLoop.Takes(options))
        {
            return Decode([new WindowRequest(options, window)], lane, cancellation)[0];
        }

        RequireRoom(options.Lanes, lane);
        options.Verify(Vocabulary);
        if (BeamLoop.Takes(options))
        {
            (IReadOnlyList<Candidate> candidates, double silence) = _beams.Decode(options, window, lane, cancellation);
            return ToResult(candidates, options, Number(silence));
        }

        int context = _model.Dimensions.TextContext;
        StartSequence start = StartSequence.For(options, _model.Tokenizer.Special, context);
        ILogitRule[] rules = LogitRules.For(options, _model.Tokenizer);
        ISearch search = Searches.For(options, _model.Tokenizer.Special.EndOfText, context);
        double noSpeech = Run(start, rules, search, StartSequence.SampleLength(options, context), window, lane, cancellation);
        return ToResult(search.Candidates(), options, noSpeech);
    }

    /// <summary>Decodes windows side by side; each gets the text that it gets alone.</summary>
    /// <param name="windows">The windows, none with beams or rules about repetitions: see <see cref="CanShareSteps"/>.</param>
    /// <param name="lane">The first of the KV-cache lanes to use, one for each sequence of each window.</param>
    /// <param name="cancellation">Checked every few tokens.</param>
    /// <exception cref="OptionsException">The options of a window make no sense.</exception>
    /// <exception cref="ArgumentException">The state has too few lanes, or a window's options are for decoding it alone.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public DecodingResult[] Decode(IReadOnlyList<WindowRequest> windows, int lane = 0, CancellationToken cancellation = default)
    {
        if (!windows.All(window => CanShareSteps(window.Options)))
        {
            throw new ArgumentException("Windows with beams or rules about repetitions are decoded one by one.", nameof(windows));
        }

        RequireRoom(windows.Sum(window => window.Options.Lanes), lane);
        foreach (WindowRequest window in windows)
        {
            window.Options.Verify(Vocabulary);
        }

        return [.. _loop.Decode(windows, lane, cancellation).Zip(windows, (found, window) => ToResult(found.Candidates, window.Options, Number(found.NoSpeech)))];
    }

    /// <summary>Whether windows with these options can be decoded side by side.</summary>
    public static bool CanShareSteps(DecodingOptions options) => ChoiceLoop.Takes(options);

    /// <inheritdoc/>
    public void Dispose()
    {
        _loop.Dispose();
        _choice.Dispose();
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

    /// <summary>Runs a search to its end. Source: DecodingTask._main_loop.</summary>
    /// <returns>The probability that there is no speech.</returns>
    private double Run(StartSequence start, ILogitRule[] rules, ISearch search, int sampleLength, int window, int firstLane, CancellationToken cancellation)
    {
        _state.Rows.Clear();
        start.Feed(_state.Rows, firstLane, window);
        Span<float> logits = Step();
        double noSpeech = Number(NoSpeechProbability(logits[..Vocabulary]));
        logits = logits[^Vocabulary..];

        for (int length = start.Tokens.Length; ; length++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int row = 0; row < search.OpenLanes.Length; row++)
            {
                foreach (ILogitRule rule in rules)
                {
                    rule.Apply(logits.Slice(row * Vocabulary, Vocabulary), search.Tokens(search.OpenLanes[row]));
                }
            }

            search.Choose(logits, Vocabulary);
            int chosen = length + 1 - start.Tokens.Length;
            if (search.Completed || chosen >= sampleLength || length == _model.Dimensions.TextContext)
            {
                return noSpeech;
            }

            if (!search.Parents.IsEmpty)
            {
                _state.Rows.Continue(firstLane, search.Parents, length);
            }

            _state.Rows.Clear();
            foreach (int lane in search.OpenLanes)
            {
                _state.Rows.Add(search.Tokens(lane)[^1], firstLane + lane, position: length, window, wantsLogits: true);
            }

            logits = Step();
        }
    }

    /// <summary>Runs the rows through the decoder and returns the logits that they asked for.</summary>
    private Span<float> Step()
    {
        _model.Network.Decoder.Forward(_state);
        int count = _state.Rows.OutputCount * Vocabulary;
        if (_logits.Length < count)
        {
            _logits = new float[count];
        }

        Span<float> logits = _logits.AsSpan(0, count);
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

    private void RequireRoom(int lanes, int firstLane)
    {
        if (firstLane + lanes > _state.Lanes || Math.Max(2, lanes) > _state.Outputs)
        {
            throw new ArgumentException($"Decoding with {lanes} lanes from lane {firstLane} on needs a larger state.");
        }
    }

    private DecodingResult ToResult(IReadOnlyList<Candidate> candidates, DecodingOptions options, double noSpeech)
    {
        Candidate best = candidates[SequenceRanker.Best(candidates, options.LengthPenalty)];
        int[] tokens = [.. best.Tokens];
        string text = PythonText.Strip(_model.Tokenizer.Decode(tokens));
        return new DecodingResult(
            tokens,
            text,
            best.SumLogProbability / (tokens.Length + 1),
            noSpeech,
            CompressionRatio.Of(text),
            options.Temperature);
    }
}

/// <summary>A language and how probable it is.</summary>
/// <param name="Code">Its code, such as "en".</param>
/// <param name="Probability">Between 0 and 1.</param>
public sealed record LanguageProbability(string Code, double Probability);
