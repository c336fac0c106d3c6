using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Runs the searches of several windows side by side, with the host deciding which sequences go on. A step is one pass with
/// a row for each open lane of each search; each search sees only what is its own.
/// <code>
///     start sequences      window 0 in lane 0, window 1 in lane 5, ...    as many windows at once as the pass holds
///     step                 lanes 0 1 2 3 4 | 5 6 7 8 9 | ...
///     step                 lanes 0 1 2 3 4 |             ...              window 1 has what it looked for
/// </code>
/// A start sequence runs in the first lane of its window, and all lanes of the search share it. Source: openai/whisper,
/// decoding.py, DecodingTask._main_loop.
/// </summary>
/// <typeparam name="TSearch">What follows one window.</typeparam>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state.</param>
internal abstract class SearchLoop<TSearch>(WhisperModel model, DecoderState state) : ILaneLoop
    where TSearch : WindowSearch
{
    private readonly List<TSearch> _open = [], _going = [];
    private readonly List<LaneWindow> _ended = [];
    private float[] _logits = [];

    /// <summary>The model.</summary>
    protected WhisperModel Model => model;

    /// <summary>Its decoder state.</summary>
    protected DecoderState State => state;

    /// <summary>Tokens there are.</summary>
    protected int Vocabulary => model.Dimensions.Vocabulary;

    /// <inheritdoc/>
    public int Count => _open.Count;

    /// <inheritdoc/>
    public long Steps { get; private set; }

    /// <inheritdoc/>
    public long StepRows { get; private set; }

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<LaneWindow> windows, CancellationToken cancellation = default)
    {
        List<TSearch> searches = [];
        foreach (LaneWindow window in windows)
        {
            try
            {
                searches.Add(Prepare(window));
            }
            catch (Exception failure)
            {
                window.Fail(failure);
            }
        }

        FeedPrompts([.. searches], cancellation);
        _open.AddRange(searches.Where(search => search.Window.Failure is null));
    }

    /// <inheritdoc/>
    public IReadOnlyList<LaneWindow> Step()
    {
        _going.Clear();
        state.Rows.Clear();
        foreach (TSearch search in _open)
        {
            if (!search.Completed)
            {
                _going.Add(search);
                AddStep(search);
            }
        }

        if (_going.Count > 0)
        {
            Steps++;
            StepRows += state.Rows.Count;
            model.Network.Decoder.Forward(state);
            Choose(CollectionsMarshal.AsSpan(_going));
        }

        _ended.Clear();
        foreach (TSearch search in _open)
        {
            if (search.HasEnded)
            {
                search.Window.Found = search.Window.Failure is null ? search.Found : null;
                _ended.Add(search.Window);
            }
        }

        _open.RemoveAll(static search => search.HasEnded);
        return _ended;
    }

    /// <inheritdoc/>
    public void Drop(LaneWindow window) => _open.RemoveAll(search => search.Window == window);

    /// <summary>Prepares the search of a window.</summary>
    protected abstract TSearch Prepare(LaneWindow window);

    /// <summary>Chooses the first tokens, from the last row of each start sequence.</summary>
    /// <param name="searches">Those whose start sequences have just run.</param>
    /// <param name="logits">[outputs, vocabulary] on the host; may be overwritten.</param>
    protected abstract void ChooseFirst(ReadOnlySpan<TSearch> searches, Span<float> logits);

    /// <summary>Chooses the next tokens.</summary>
    /// <param name="searches">Those whose rows have just run, in their order.</param>
    protected abstract void Choose(ReadOnlySpan<TSearch> searches);

    /// <summary>Adds the rows of a search to a pass.</summary>
    protected virtual void AddStep(TSearch search) => search.AddStep(state.Rows);

    /// <summary>The logits of the last pass, copied to the host.</summary>
    protected Span<float> ReadLogits()
    {
        int count = state.Rows.OutputCount * Vocabulary;
        if (_logits.Length < count)
        {
            _logits = new float[count];
        }

        state.ReadLogits(_logits.AsSpan(0, count));
        return _logits.AsSpan(0, count);
    }

    /// <summary>Runs the start sequences, as many at once as a pass holds.</summary>
    private void FeedPrompts(TSearch[] searches, CancellationToken cancellation)
    {
        DecoderRows rows = state.Rows;
        for (int first = 0, next; first < searches.Length; first = next)
        {
            cancellation.ThrowIfCancellationRequested();
            rows.Clear();
            for (next = first; next < searches.Length && (next == first || HasRoomFor(searches[next])); next++)
            {
                searches[next].AddStart(rows);
            }

            model.Network.Decoder.Forward(state);
            Span<float> logits = ReadLogits();
            ReadOnlySpan<TSearch> begun = searches.AsSpan(first, next - first);
            int row = 0;
            foreach (TSearch search in begun)
            {
                search.HearStart(logits.Slice(row * Vocabulary, Vocabulary));
                row += search.StartOutputs;
            }

            ChooseFirst(begun, logits);
        }

        bool HasRoomFor(TSearch search) =>
            rows.Count + search.StartLength <= rows.Capacity && rows.OutputCount + StartSequence.MostOutputs <= state.Outputs;
    }
}
