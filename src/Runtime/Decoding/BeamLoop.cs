using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes windows with beam search: the back end applies the rules and ranks each beam's next tokens where the logits are
/// (<see cref="IKernels.TopTokens"/>), and the host, which gets those few, decides which beams go on.
/// <code>
///     rows: a beam each ── forward ── rules, softmax, best beams + 1 of each ──> BeamSearch ──> rows, pasts, histories ─┐
///              ▲                                                                                                        │
///              └────────────────────────────────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// Source: openai/whisper, decoding.py, DecodingTask._main_loop with BeamSearchDecoder.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state: a lane and a row of logits for each beam.</param>
/// <param name="choice">The lanes' rules and histories.</param>
internal sealed class BeamLoop(WhisperModel model, DecoderState state, TokenChoice choice) : SearchLoop<BeamLoop.Search>(model, state)
{
    private readonly int[] _tokens = new int[Math.Max(2, state.Outputs) * TokenChoice.MostTopTokens];
    private readonly float[] _logProbabilities = new float[Math.Max(2, state.Outputs) * TokenChoice.MostTopTokens];

    private IKernels Kernels => Model.Network.Kernels;

    /// <summary>Whether the back end can rank by these options: it knows no rules about repetitions, and only so many beams.</summary>
    public static bool Takes(DecodingOptions options) =>
        options is { BeamSize: < TokenChoice.MostTopTokens, RepetitionPenalty: 1, NoRepeatNgramSize: 0 };

    /// <inheritdoc/>
    protected override Search Prepare(LaneWindow window)
    {
        int context = Model.Dimensions.TextContext, beams = window.Request.Options.Lanes;
        ChoiceRules rules = LogitRules.ForChoice(window.Request.Options, Model.Tokenizer, context);
        for (int beam = 0; beam < beams; beam++)
        {
            Kernels.StartChoice(choice, rules, window.FirstLane + beam);
        }

        return new Search(Model, window, new BeamSearch(beams, window.Request.Options.Patience, Model.Tokenizer.Special.EndOfText, context));
    }

    /// <inheritdoc/>
    protected override void ChooseFirst(ReadOnlySpan<Search> searches, Span<float> logits)
    {
        int ranked = Rank(searches[0].Beams), row = 0;
        foreach (Search search in searches)
        {
            row += search.StartOutputs;
            search.Choose(_tokens.AsSpan((row - 1) * ranked, ranked), _logProbabilities.AsSpan((row - 1) * ranked, ranked));
        }
    }

    /// <inheritdoc/>
    protected override void Choose(ReadOnlySpan<Search> searches)
    {
        int ranked = Rank(searches[0].Beams), first = 0;
        foreach (Search search in searches)
        {
            int own = search.OpenBeams * ranked;
            search.Choose(_tokens.AsSpan(first, own), _logProbabilities.AsSpan(first, own));
            first += own;
        }
    }

    /// <inheritdoc/>
    protected override void AddStep(Search search)
    {
        search.WriteHistories(Kernels, choice);
        base.AddStep(search);
    }

    /// <summary>Ranks each row's next tokens, one more than there are beams: all windows have as many.</summary>
    private int Rank(int beams)
    {
        Kernels.TopTokens(State.Rows, State.Logits, choice, beams + 1, _tokens, _logProbabilities);
        return beams + 1;
    }

    /// <summary>A window's beams.</summary>
    internal sealed class Search : WindowSearch
    {
        private readonly BeamSearch _search;

        /// <summary>Prepares.</summary>
        public Search(WhisperModel model, LaneWindow window, BeamSearch search)
            : base(model, window, search) => (_search, Beams) = (search, window.Request.Options.Lanes);

        /// <summary>The most beams.</summary>
        public int Beams { get; }

        /// <summary>Rows of the step.</summary>
        public int OpenBeams => _search.OpenLanes.Length;

        /// <summary>Chooses which beams go on.</summary>
        /// <param name="tokens">[open beams, beams + 1].</param>
        /// <param name="logProbabilities">[open beams, beams + 1].</param>
        public void Choose(ReadOnlySpan<int> tokens, ReadOnlySpan<float> logProbabilities)
        {
            _search.Choose(tokens, logProbabilities);
            Advance();
        }

        /// <summary>Tells the back end's rules what each beam's text is.</summary>
        public void WriteHistories(IKernels kernels, TokenChoice choice)
        {
            foreach (int beam in _search.OpenLanes)
            {
                kernels.WriteChoice(choice, FirstLane + beam, _search.Tokens(beam));
            }
        }
    }
}
