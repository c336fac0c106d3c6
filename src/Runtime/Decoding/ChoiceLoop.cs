using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes windows side by side, greedily or by drawing, without the host in between: the back end chooses each token where
/// the logits are (<see cref="IKernels.Choose"/>), and a step of all lanes is one recorded pass that runs again and again.
/// The host only looks, every few steps, which sequences have ended; between two looks windows come and go.
/// <code>
///     prompts      lane 0: sot en task ...   lane 3: sot de task ...        as many windows at once as the pass holds
///                       │ choose                  │ choose
///     step         lanes 0 1 2               lanes 3                        three samples of window 0 share its past
///                       └── forward, choose ──┘  × n ── look ── × n ...
///     step         lanes 0   2               lanes 3        lanes 4         sample 1 has ended, a window has joined
/// </code>
/// A window's text does not depend on its company. Source: openai/whisper, decoding.py, DecodingTask._main_loop.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state.</param>
/// <param name="choice">The memory of the sequences, one for each lane of the state.</param>
internal sealed class ChoiceLoop(WhisperModel model, DecoderState state, TokenChoice choice) : ILaneLoop, IDisposable
{
    private readonly Dictionary<(int Rows, bool SharesPasts), IRecordedPass> _steps = [];
    private readonly List<LaneWindow> _windows = [], _ended = [];

    /// <inheritdoc/>
    public int Count => _windows.Count;

    /// <inheritdoc/>
    public long Steps { get; private set; }

    /// <inheritdoc/>
    public long StepRows { get; private set; }

    private IKernels Kernels => model.Network.Kernels;

    /// <summary>Whether the back end can choose by these options: it knows no beams, and no rules about repetitions.</summary>
    public static bool Takes(DecodingOptions options) =>
        options.BeamSize is null && options.RepetitionPenalty == 1 && options.NoRepeatNgramSize == 0;

    /// <inheritdoc/>
    public void Begin(IReadOnlyList<LaneWindow> windows, CancellationToken cancellation = default)
    {
        int context = model.Dimensions.TextContext;
        StartSequence[] starts = [.. windows.Select(window => StartSequence.For(window.Request.Options, model.Tokenizer, context))];
        foreach (LaneWindow window in windows)
        {
            DecodingOptions options = window.Request.Options;
            Kernels.StartChoice(choice, LogitRules.ForChoice(options, model.Tokenizer, context), window.FirstLane, options.Lanes);
        }

        FeedPrompts(windows, starts, cancellation);
        for (int i = 0; i < windows.Count; i++)
        {
            if (windows[i].Request.Options.Lanes > 1)
            {
                state.Rows.Continue(windows[i].FirstLane, new int[windows[i].Request.Options.Lanes], starts[i].Tokens.Length);
            }
        }

        _windows.AddRange(windows);
        Look();
    }

    /// <inheritdoc/>
    public IReadOnlyList<LaneWindow> Step()
    {
        FillStep();
        DecoderRows rows = state.Rows;
        if (rows.Count > 0)
        {
            (int Rows, bool SharesPasts) form = (rows.Count, rows.SharesPasts);
            if (!_steps.TryGetValue(form, out IRecordedPass? step))
            {
                // What is recorded must have run before.
                RunRows();
                _steps[form] = Kernels.Record(RunRows);
                CountSteps(1);
            }
            else
            {
                for (int run = 0; run < step.RunsAhead; run++)
                {
                    step.Run();
                }

                CountSteps(step.RunsAhead);
            }
        }

        Look();
        _ended.Clear();
        foreach (LaneWindow window in _windows)
        {
            if (window.Found is not null)
            {
                _ended.Add(window);
            }
        }

        _windows.RemoveAll(static window => window.Found is not null);
        return _ended;
    }

    /// <inheritdoc/>
    public void Drop(LaneWindow window) => _windows.Remove(window);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IRecordedPass step in _steps.Values)
        {
            step.Dispose();
        }
    }

    /// <summary>Runs the start sequences, as many at once as a pass holds; their last rows choose the first tokens.</summary>
    private void FeedPrompts(IReadOnlyList<LaneWindow> windows, StartSequence[] starts, CancellationToken cancellation)
    {
        DecoderRows rows = state.Rows;
        rows.Clear();
        for (int i = 0; i < windows.Count; i++)
        {
            starts[i].Feed(rows, windows[i].FirstLane, windows[i].Request.Window);
            bool isFull = i + 1 == windows.Count || rows.Count + starts[i + 1].Tokens.Length > rows.Capacity || rows.OutputCount + StartSequence.MostOutputs > state.Outputs;
            if (isFull)
            {
                cancellation.ThrowIfCancellationRequested();
                RunRows();
                rows.Clear();
            }
        }
    }

    /// <summary>Fills the rows of a step: one for each lane that goes on, whose token and position the choice knows.</summary>
    private void FillStep()
    {
        DecoderRows rows = state.Rows;
        rows.Clear();
        foreach (LaneWindow window in _windows)
        {
            for (int lane = window.FirstLane; lane < window.EndLane; lane++)
            {
                if (IsOpen(lane))
                {
                    // Any position but the first, at which the lane would forget the past that it shares.
                    rows.Add(model.Tokenizer.Special.EndOfText, lane, position: 1, window.Request.Window, wantsLogits: true);
                }
            }
        }

        Kernels.FollowChoice(rows, choice);
    }

    private void RunRows()
    {
        model.Network.Decoder.Forward(state);
        Kernels.Choose(state.Rows, state.Logits, choice);
    }

    private void CountSteps(int steps)
    {
        Steps += steps;
        StepRows += (long)steps * state.Rows.Count;
    }

    /// <summary>Sees how far the lanes are, and takes the texts of the windows that have ended.</summary>
    private void Look()
    {
        Kernels.ReadChoice(choice);
        foreach (LaneWindow window in _windows)
        {
            if (!AnyOpen(window))
            {
                Candidate[] candidates = [.. window.Lanes.Select(lane => new Candidate(choice.Tokens(lane).ToArray(), choice.SumLogProbability(lane), choice.LogProbabilities(lane).ToArray()))];
                window.Found = new FoundTexts(candidates, choice.NoSpeechProbability(window.FirstLane));
            }
        }
    }

    private bool AnyOpen(LaneWindow window)
    {
        for (int lane = window.FirstLane; lane < window.EndLane; lane++)
        {
            if (IsOpen(lane))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsOpen(int lane) => choice.Status(lane) == ChoiceStatus.Open;
}
