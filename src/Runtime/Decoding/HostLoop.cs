using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes with everything on the host: all logits are copied there, the rules apply one by one, and the search chooses. For
/// rules that the back end does not know, about repetitions.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state: a lane and a row of logits for each sequence.</param>
internal sealed class HostLoop(WhisperModel model, DecoderState state) : SearchLoop<HostLoop.Search>(model, state)
{
    /// <inheritdoc/>
    protected override Search Prepare(LaneWindow window) =>
        new(Model, window, Searches.For(window.Request.Options, Model.Tokenizer.Special.EndOfText, Model.Dimensions.TextContext));

    /// <inheritdoc/>
    protected override void ChooseFirst(ReadOnlySpan<Search> searches, Span<float> logits)
    {
        int row = 0;
        foreach (Search search in searches)
        {
            row += search.StartOutputs;
            search.Choose(logits.Slice((row - 1) * Vocabulary, Vocabulary), Vocabulary);
        }
    }

    /// <inheritdoc/>
    protected override void Choose(ReadOnlySpan<Search> searches)
    {
        Span<float> logits = ReadLogits();
        foreach (Search search in searches)
        {
            int own = search.OpenLanes * Vocabulary;
            search.Choose(logits[..own], Vocabulary);
            logits = logits[own..];
        }
    }

    /// <summary>A window with its rules.</summary>
    internal sealed class Search : WindowSearch
    {
        private readonly ISearch _search;
        private readonly ILogitRule[] _rules;

        /// <summary>Prepares.</summary>
        public Search(WhisperModel model, LaneWindow window, ISearch search)
            : base(model, window, search) => (_search, _rules) = (search, LogitRules.For(window.Request.Options, model.Tokenizer));

        /// <summary>Rows of the step.</summary>
        public int OpenLanes => _search.OpenLanes.Length;

        /// <summary>Chooses the next token of each open lane. Rules that fail are the window's own: those beside it go on.</summary>
        /// <param name="logits">[open lanes, vocabulary]; overwritten.</param>
        /// <param name="vocabulary">Tokens there are.</param>
        public void Choose(Span<float> logits, int vocabulary)
        {
            try
            {
                for (int row = 0; row < _search.OpenLanes.Length; row++)
                {
                    foreach (ILogitRule rule in _rules)
                    {
                        rule.Apply(logits.Slice(row * vocabulary, vocabulary), _search.Tokens(_search.OpenLanes[row]));
                    }
                }

                _search.Choose(logits, vocabulary);
                Advance();
            }
            catch (Exception failure)
            {
                Window.Fail(failure);
            }
        }
    }
}
