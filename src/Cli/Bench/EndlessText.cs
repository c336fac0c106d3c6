using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Cli.Bench;

/// <summary>
/// Decodes texts that do not end, one a window, for timing: a prompt for each, then step after step, each from embedding to
/// chosen token without the host in between. The tokens mean nothing.
/// </summary>
internal sealed class EndlessText : IDisposable
{
    private const int TimestampTokens = 1501, SpecialTokens = 107; // at the end of a vocabulary; near enough for all of them

    private readonly WhisperNetwork _network;
    private readonly TokenChoice _choice;
    private readonly Dictionary<int, IRecordedPass> _steps = []; // by lanes

    /// <summary>Allocates for a number of windows.</summary>
    public EndlessText(WhisperNetwork network, int windows)
    {
        WhisperDimensions dimensions = network.Dimensions;
        _network = network;
        State = network.Decoder.CreateState(windows, lanes: windows, outputs: windows);
        _choice = network.Kernels.AllocateChoice(windows, dimensions.TextContext, dimensions.Vocabulary);
        LongestPrompt = State.Rows.Capacity / windows;
    }

    /// <summary>The decoder's memory; <see cref="TextDecoder.Listen"/> puts what was heard into it.</summary>
    public DecoderState State { get; }

    /// <summary>The most prompt tokens of a window in one pass of all windows.</summary>
    public int LongestPrompt { get; }

    /// <summary>Begins the texts: runs their prompts, whose last rows choose the first tokens.</summary>
    /// <param name="windows">How many, from the first on.</param>
    /// <param name="tokens">Tokens of each prompt.</param>
    public void Prompt(int windows, int tokens)
    {
        int times = _network.Dimensions.Vocabulary - TimestampTokens, end = times - SpecialTokens;
        State.Rows.Clear();
        for (int window = 0; window < windows; window++)
        {
            _network.Kernels.StartChoice(_choice, new ChoiceRules
            {
                EndOfText = end,
                NoSpeech = times - 2,
                MaxTokens = _network.Dimensions.TextContext - tokens,
                Never = [end],
                Timestamps = new TimestampGrammar(times, times - 1, MaxInitialIndex: 50),
            }, window);
            for (int position = 0; position < tokens; position++)
            {
                State.Rows.Add(end + 1 + (position % SpecialTokens), window, position, window, wantsLogits: position == tokens - 1);
            }
        }

        Pass();
    }

    /// <summary>Makes the rows those of a step behind the prompts: one for each text.</summary>
    /// <param name="windows">How many, as for the prompt.</param>
    /// <param name="position">Tokens of each prompt.</param>
    public void Follow(int windows, int position)
    {
        State.Rows.Clear();
        for (int window = 0; window < windows; window++)
        {
            State.Rows.Add(0, window, position, window, wantsLogits: true);
        }

        _network.Kernels.FollowChoice(State.Rows, _choice);
    }

    /// <summary>Runs the rows: their logits choose, and the rows move on.</summary>
    public void Pass()
    {
        _network.Decoder.Forward(State);
        _network.Kernels.Choose(State.Rows, State.Logits, _choice);
    }

    /// <summary>Runs steps as a recorded pass; the first time for so many texts, one of the steps runs unrecorded before.</summary>
    public void Steps(int count)
    {
        int windows = State.Rows.Count;
        if (count == 0)
        {
            return;
        }

        if (!_steps.TryGetValue(windows, out IRecordedPass? step))
        {
            Pass(); // what is recorded must have run before
            count--;
            _steps[windows] = step = _network.Kernels.Record(Pass);
        }

        for (int i = 0; i < count; i++)
        {
            step.Run();
        }
    }

    /// <summary>Waits for the texts, and brings them to the host.</summary>
    /// <returns>Tokens of the shortest of those under way.</returns>
    public int Read()
    {
        _network.Kernels.ReadChoice(_choice);
        return State.Rows.Lanes.ToArray().Min(lane => _choice.Tokens(lane).Length);
    }

    public void Dispose()
    {
        foreach (IRecordedPass step in _steps.Values)
        {
            step.Dispose();
        }

        _choice.Dispose();
        State.Dispose();
    }
}
