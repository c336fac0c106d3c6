using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Runs the searches of several windows side by side, with the host choosing every token: for beams and for rules about
/// repetitions, which the back end does not know. A step is one pass with a row for each open lane of each search.
/// <code>
///     start sequences      window 0 in lane 0, window 1 in lane 5, ...    as many windows at once as the pass holds
///     step                 lanes 0 1 2 3 4 | 5 6 7 8 9 | ...              each search sees its own rows of logits
///     step                 lanes 0 1 2 3 4 |             ...              window 1 has what it looked for
/// </code>
/// A start sequence runs in the first lane of its window, and all lanes of the search share it. Source: openai/whisper,
/// decoding.py, DecodingTask._main_loop, which runs windows of equal length only.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state.</param>
internal sealed class SearchLoop(WhisperModel model, DecoderState state)
{
    private const int OutputsOfStart = 2;

    private float[] _logits = [];

    private int Vocabulary => model.Dimensions.Vocabulary;

    /// <summary>Decodes.</summary>
    /// <param name="windows">The windows; each takes as many lanes as its options ask for.</param>
    /// <param name="firstLane">The first window's first lane; the others follow.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <returns>For each window the texts found, and the probability that it holds no speech; NaN if the model computes none.</returns>
    public FoundTexts[] Decode(IReadOnlyList<WindowRequest> windows, int firstLane, CancellationToken cancellation)
    {
        int[] lanes = WindowRequest.FirstLanes(windows, firstLane);
        WindowSearch[] searches = [.. windows.Select((window, i) => new WindowSearch(model, window, lanes[i]))];
        FeedPrompts(searches, cancellation);

        List<WindowSearch> open = [.. searches.Where(search => !search.Completed)];
        while (open.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            state.Rows.Clear();
            foreach (WindowSearch search in open)
            {
                search.AddStep(state.Rows);
            }

            float[] logits = Forward();
            int row = 0;
            foreach (WindowSearch search in open)
            {
                int rows = search.OpenLanes;
                search.Choose(logits.AsSpan(row * Vocabulary, rows * Vocabulary));
                row += rows;
            }

            open.RemoveAll(search => search.Completed);
        }

        return [.. searches.Select(search => search.Found)];
    }

    /// <summary>Runs the start sequences, as many at once as a pass holds; each search chooses its first tokens from its last row.</summary>
    private void FeedPrompts(WindowSearch[] searches, CancellationToken cancellation)
    {
        for (int first = 0, next; first < searches.Length; first = next)
        {
            cancellation.ThrowIfCancellationRequested();
            state.Rows.Clear();
            for (next = first; next < searches.Length && (next == first || HasRoomFor(searches[next])); next++)
            {
                searches[next].AddStart(state.Rows);
            }

            float[] logits = Forward();
            for (int search = first, row = 0; search < next; search++)
            {
                int rows = searches[search].StartOutputs;
                searches[search].Begin(logits.AsSpan(row * Vocabulary, rows * Vocabulary), Vocabulary);
                row += rows;
            }
        }

        bool HasRoomFor(WindowSearch search) =>
            state.Rows.Count + search.StartLength <= state.Rows.Capacity && state.Rows.OutputCount + OutputsOfStart <= state.Outputs;
    }

    /// <summary>Runs the rows through the decoder and returns the logits that they asked for.</summary>
    private float[] Forward()
    {
        model.Network.Decoder.Forward(state);
        int count = state.Rows.OutputCount * Vocabulary;
        if (_logits.Length < count)
        {
            _logits = new float[count];
        }

        state.ReadLogits(_logits.AsSpan(0, count));
        return _logits;
    }
}
