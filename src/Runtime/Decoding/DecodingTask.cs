using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes windows whose audio the decoder already listens to, alone or side by side. Three ideas meet here and know nothing of
/// each other:
/// <code>
///     start sequence ──> decoder ──> logits ──> rules (what is allowed) ──> search (what is chosen) ──> tokens ─┐
///                           ▲                                                                                   │
///                           └──────────────── a row for each open lane, which may go on from another ───────────┘
/// </code>
/// That is <see cref="HostLoop"/>. Where the back end can choose by itself, only what is chosen comes to the host: see
/// <see cref="ChoiceLoop"/> and <see cref="BeamLoop"/>. Source: openai/whisper, decoding.py, DecodingTask.
/// </summary>
public sealed class DecodingTask : IDisposable
{
    private readonly WhisperModel _model;
    private readonly DecoderState _state;
    private readonly TokenChoice _choice;
    private readonly ChoiceLoop _choices;
    private readonly BeamLoop _beams;
    private readonly HostLoop _host;

    /// <summary>Prepares for decoding with one state.</summary>
    /// <param name="model">The model.</param>
    /// <param name="state">Its decoder state; a row of logits for each lane, and at least two.</param>
    public DecodingTask(WhisperModel model, DecoderState state)
    {
        _model = model;
        _state = state;
        _choice = model.Network.Kernels.AllocateChoice(state.Lanes, model.Dimensions.TextContext, Vocabulary);
        _choices = new ChoiceLoop(model, state, _choice);
        _beams = new BeamLoop(model, state, _choice);
        _host = new HostLoop(model, state);
    }

    /// <summary>Steps of the decoder so far, however many sequences took part in each.</summary>
    public long Steps => _choices.Steps + _beams.Steps + _host.Steps;

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
    public DecodingResult Decode(DecodingOptions options, int window = 0, int lane = 0, CancellationToken cancellation = default) =>
        Decode([new WindowRequest(options, window)], lane, cancellation)[0];

    /// <summary>
    /// Decodes windows side by side; each gets the text that it gets alone. Windows share their steps with those that are
    /// decoded in the same way.
    /// </summary>
    /// <param name="windows">The windows.</param>
    /// <param name="lane">The first of the KV-cache lanes to use, one for each sequence of each window.</param>
    /// <param name="cancellation">Checked every few tokens.</param>
    /// <returns>The results in the order of the windows.</returns>
    /// <exception cref="OptionsException">The options of a window make no sense.</exception>
    /// <exception cref="ArgumentException">The state has too few lanes.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public DecodingResult[] Decode(IReadOnlyList<WindowRequest> windows, int lane = 0, CancellationToken cancellation = default) =>
        [.. Find(windows, lane, cancellation).Zip(windows, (found, window) => ToResult(_model, found, window.Options))];

    /// <summary>Decodes windows side by side: all the texts of each that are to be ranked.</summary>
    internal FoundTexts[] Find(IReadOnlyList<WindowRequest> windows, int lane = 0, CancellationToken cancellation = default)
    {
        RequireRoom(windows.Sum(window => window.Options.Lanes), lane);
        foreach (WindowRequest window in windows)
        {
            window.Options.Verify(Vocabulary);
        }

        FoundTexts[] results = new FoundTexts[windows.Count];
        foreach (IGrouping<(ILaneLoop Loop, int Beams), int> alike in Enumerable.Range(0, windows.Count).GroupBy(i => (LoopFor(windows[i].Options), windows[i].Options.BeamSize ?? 0)))
        {
            int[] places = [.. alike];
            WindowRequest[] requests = [.. places.Select(place => windows[place])];
            FoundTexts[] found = alike.Key.Loop.Decode(requests, lane, cancellation);
            for (int i = 0; i < places.Length; i++)
            {
                results[places[i]] = found[i];
            }
        }

        return results;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _choices.Dispose();
        _choice.Dispose();
    }

    /// <summary>The probability of each language, most probable first, from the first step after the start token.</summary>
    /// <param name="window">The audio window to listen to.</param>
    /// <exception cref="InvalidOperationException">The model knows only English.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    public IReadOnlyList<LanguageProbability> DetectLanguage(int window = 0) => DetectLanguages([window])[0];

    /// <summary>The same for several windows in one pass, each in a lane of its own.</summary>
    /// <param name="windows">The audio windows to listen to.</param>
    /// <exception cref="InvalidOperationException">The model knows only English.</exception>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    public IReadOnlyList<LanguageProbability>[] DetectLanguages(IReadOnlyList<int> windows)
    {
        SpecialTokens special = _model.Tokenizer.Special;
        if (!special.IsMultilingual)
        {
            throw new InvalidOperationException("The model knows only English; there is no language to detect.");
        }

        RequireRoom(windows.Count, firstLane: 0);
        _state.Rows.Clear();
        for (int lane = 0; lane < windows.Count; lane++)
        {
            _state.Rows.Add(special.StartOfTranscript, lane, position: 0, windows[lane], wantsLogits: true);
        }

        _model.Network.Decoder.Forward(_state);
        float[] logits = new float[windows.Count * Vocabulary];
        _state.ReadLogits(logits);
        return [.. windows.Select((_, row) => ToLanguages(_model, logits.AsSpan(row * Vocabulary, Vocabulary)))];
    }

    /// <summary>The languages by what the model says behind the start token, most probable first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="logits">[vocabulary].</param>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    internal static LanguageProbability[] ToLanguages(WhisperModel model, ReadOnlySpan<float> logits)
    {
        SpecialTokens special = model.Tokenizer.Special;
        float[] scores = new float[special.LanguageTokens.Count];
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = logits[special.LanguageTokens[i]];
        }

        double normaliser = RequireNumber(model, VocabularySoftmax.LogSumExp(scores));
        return [.. special.LanguageCodes
            .Select((code, i) => new LanguageProbability(code, Math.Exp(scores[i] - normaliser)))
            .OrderByDescending(language => language.Probability)];
    }

    private ILaneLoop LoopFor(DecodingOptions options) =>
        ChoiceLoop.Takes(options) ? _choices : BeamLoop.Takes(options) ? _beams : _host;

    /// <summary>NaN goes through every layer to every logit, and would be taken for the first token without end.</summary>
    private static double RequireNumber(WhisperModel model, double computed) => double.IsNaN(computed)
        ? throw new ModelException($"The model '{model.Name}' computes NaN instead of numbers: its weights are damaged or too large for their type, so download or convert it again.")
        : computed;

    private void RequireRoom(int lanes, int firstLane)
    {
        if (firstLane + lanes > _state.Lanes || Math.Max(2, lanes) > _state.Outputs)
        {
            throw new ArgumentException($"Decoding with {lanes} lanes from lane {firstLane} on needs a larger state.");
        }
    }

    /// <summary>Ranks what was found in a window.</summary>
    /// <exception cref="ModelException">The model computes no numbers.</exception>
    internal static DecodingResult ToResult(WhisperModel model, FoundTexts found, DecodingOptions options)
    {
        double noSpeech = RequireNumber(model, found.NoSpeech);
        Candidate best = found.Candidates[SequenceRanker.Best(found.Candidates, options.LengthPenalty)];
        int[] tokens = [.. best.Tokens];
        string text = PythonText.Strip(model.Tokenizer.Decode(tokens));
        return new DecodingResult(
            tokens,
            text,
            best.SumLogProbability / (tokens.Length + 1),
            noSpeech,
            CompressionRatio.Of(text),
            options.Temperature,
            best.LogProbabilities);
    }
}

/// <summary>A language and how probable it is.</summary>
/// <param name="Code">Its code, such as "en".</param>
/// <param name="Probability">Between 0 and 1.</param>
public sealed record LanguageProbability(string Code, double Probability);
