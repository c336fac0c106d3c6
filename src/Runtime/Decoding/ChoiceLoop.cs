using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes windows side by side, greedily or by drawing, without the host in between: the back end chooses each token where
/// the logits are (<see cref="IKernels.Choose"/>), and a step of all lanes is one recorded pass that runs again and again.
/// The host only looks, every few steps, whether all sequences have ended.
/// <code>
///     prompts      lane 0: sot en task ...   lane 3: sot de task ...        as many windows at once as the pass holds
///                       │ choose                  │ choose
///     step         lanes 0 1 2               lanes 3                        three samples of window 0 share its past
///                       └── forward, choose ──┘  × n ── look ── × n ...
/// </code>
/// A window's text does not depend on its company. Source: openai/whisper, decoding.py, DecodingTask._main_loop.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state.</param>
/// <param name="choice">The memory of the sequences, one for each lane of the state.</param>
internal sealed class ChoiceLoop(WhisperModel model, DecoderState state, TokenChoice choice) : IDisposable
{
    private readonly Dictionary<(int Rows, bool SharesPasts), IRecordedPass> _steps = [];

    private IKernels Kernels => model.Network.Kernels;

    /// <summary>Whether the back end can choose by these options: it knows no beams, and no rules about repetitions.</summary>
    public static bool Takes(DecodingOptions options) =>
        options.BeamSize is null && options.RepetitionPenalty == 1 && options.NoRepeatNgramSize == 0;

    /// <summary>Decodes.</summary>
    /// <param name="windows">The windows; each takes as many lanes as its options ask for.</param>
    /// <param name="firstLane">The first window's first lane; the others follow.</param>
    /// <param name="cancellation">Checked every few tokens.</param>
    /// <returns>For each window the texts found, and the probability that it holds no speech.</returns>
    public FoundTexts[] Decode(IReadOnlyList<WindowRequest> windows, int firstLane, CancellationToken cancellation)
    {
        int context = model.Dimensions.TextContext;
        StartSequence[] starts = [.. windows.Select(window => StartSequence.For(window.Options, model.Tokenizer.Special, context))];
        int[] lanes = WindowRequest.FirstLanes(windows, firstLane);
        for (int i = 0; i < windows.Count; i++)
        {
            Kernels.StartChoice(choice, LogitRules.ForChoice(windows[i].Options, model.Tokenizer, context), lanes[i], windows[i].Options.Lanes);
        }

        FeedPrompts(windows, starts, lanes, cancellation);
        FillStep(windows, starts, lanes);
        RunSteps(cancellation);
        return [.. windows.Select((window, i) => Result(window, lanes[i]))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IRecordedPass step in _steps.Values)
        {
            step.Dispose();
        }
    }

    /// <summary>Runs the start sequences, as many at once as a pass holds; their last rows choose the first tokens.</summary>
    private void FeedPrompts(IReadOnlyList<WindowRequest> windows, StartSequence[] starts, int[] lanes, CancellationToken cancellation)
    {
        const int OutputsOfStart = 2;
        DecoderRows rows = state.Rows;
        rows.Clear();
        for (int i = 0; i < windows.Count; i++)
        {
            starts[i].Feed(rows, lanes[i], windows[i].Window);
            bool isFull = i + 1 == windows.Count || rows.Count + starts[i + 1].Tokens.Length > rows.Capacity || rows.OutputCount + OutputsOfStart > state.Outputs;
            if (isFull)
            {
                cancellation.ThrowIfCancellationRequested();
                Step();
                rows.Clear();
            }
        }
    }

    /// <summary>Fills the rows of a step: one for each lane, whose token and position the choice knows.</summary>
    private void FillStep(IReadOnlyList<WindowRequest> windows, StartSequence[] starts, int[] lanes)
    {
        DecoderRows rows = state.Rows;
        for (int i = 0; i < windows.Count; i++)
        {
            int count = windows[i].Options.Lanes, length = starts[i].Tokens.Length;
            if (count > 1)
            {
                rows.Continue(lanes[i], new int[count], length);
            }

            for (int lane = lanes[i]; lane < lanes[i] + count; lane++)
            {
                // A sequence that has ended at once stays at this token, and nobody looks at what comes of it.
                int position = Math.Min(length, model.Dimensions.TextContext - 1);
                rows.Add(model.Tokenizer.Special.EndOfText, lane, position, windows[i].Window, wantsLogits: true);
            }
        }

        Kernels.FollowChoice(rows, choice);
    }

    private void RunSteps(CancellationToken cancellation)
    {
        DecoderRows rows = state.Rows;
        if (!AnyOpen(rows))
        {
            return;
        }

        if (!_steps.TryGetValue((rows.Count, rows.SharesPasts), out IRecordedPass? step))
        {
            // What is recorded must have run before.
            Step();
            _steps[(rows.Count, rows.SharesPasts)] = step = Kernels.Record(Step);
        }

        while (AnyOpen(rows))
        {
            cancellation.ThrowIfCancellationRequested();
            for (int run = 0; run < step.RunsAhead; run++)
            {
                step.Run();
            }
        }
    }

    private void Step()
    {
        model.Network.Decoder.Forward(state);
        Kernels.Choose(state.Rows, state.Logits, choice);
    }

    private bool AnyOpen(DecoderRows rows)
    {
        Kernels.ReadChoice(choice);
        foreach (int lane in rows.Lanes)
        {
            if (choice.Status(lane) == ChoiceStatus.Open)
            {
                return true;
            }
        }

        return false;
    }

    private FoundTexts Result(WindowRequest window, int firstLane)
    {
        IEnumerable<int> lanes = Enumerable.Range(firstLane, window.Options.Lanes);
        return new FoundTexts([.. lanes.Select(lane => new Candidate(choice.Tokens(lane).ToArray(), choice.SumLogProbability(lane)))], choice.NoSpeechProbability(firstLane));
    }
}
