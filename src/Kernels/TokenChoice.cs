using System.Runtime.InteropServices;

namespace Handwritten.Kernels;

/// <summary>
/// What sequences have chosen so far, one a lane, in a back end's memory, where <see cref="IKernels.Choose"/> adds to it
/// without the host. The properties show what the last <see cref="IKernels.ReadChoice"/> copied.
/// <code>
///     lane   status  count  next position  no speech  Σ log p   tokens [length]                   log p of each [length]
///      0      open     3         7           0.01      −0.42    &lt;|0.00|&gt; " Hello" " there"    −0.02 −0.3 −0.1
///      1      end      2         6           0.93      −0.11    &lt;|0.00|&gt; &lt;|1.20|&gt;           −0.05 −0.01
/// </code>
/// </summary>
public abstract class TokenChoice : IDisposable
{
    /// <summary>The most tokens of a row that <see cref="IKernels.TopTokens"/> finds.</summary>
    public const int MostTopTokens = 64;

    private protected TokenChoice(int lanes, int length, int vocabulary)
    {
        (Lanes, Length, Vocabulary) = (lanes, length, vocabulary);
        Stride = (LaneState.Ints + (2 * length) + 7) / 8 * 8;
        Snapshot = new int[lanes * Stride];
    }

    /// <summary>Sequences.</summary>
    public int Lanes { get; }

    /// <summary>Positions of a lane in its KV cache: more tokens than that it cannot choose.</summary>
    public int Length { get; }

    /// <summary>Tokens there are.</summary>
    public int Vocabulary { get; }

    /// <summary>Ints from one lane to the next.</summary>
    internal int Stride { get; }

    /// <summary>[lanes, stride]: a <see cref="LaneState"/>, the tokens and their log-probabilities, as last read.</summary>
    internal int[] Snapshot { get; }

    /// <summary>The tokens that a lane has chosen, without the end-of-text token.</summary>
    public ReadOnlySpan<int> Tokens(int lane) => Snapshot.AsSpan((lane * Stride) + LaneState.Ints, State(lane).Count);

    /// <summary>
    /// log p of each of these tokens at temperature 1, among what the rules allowed. Of a lane that chose itself: nothing is
    /// known of tokens that <see cref="IKernels.WriteChoice"/> gave it.
    /// </summary>
    public ReadOnlySpan<float> LogProbabilities(int lane) =>
        MemoryMarshal.Cast<int, float>(Snapshot.AsSpan((lane * Stride) + LaneState.Ints + Length, State(lane).Count));

    /// <summary>Whether the lane goes on.</summary>
    public ChoiceStatus Status(int lane) => (ChoiceStatus)State(lane).Status;

    /// <summary>Σ log p of all choices at temperature 1, that of the end-of-text token included; NaN if the logits were.</summary>
    public double SumLogProbability(int lane) => State(lane).SumLogProbability;

    /// <summary>The probability of the no-speech token where the transcript starts; NaN before the first choice.</summary>
    public double NoSpeechProbability(int lane) => State(lane).NoSpeechProbability;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>A lane's line of the snapshot: its state and, behind it, its tokens and their log-probabilities.</summary>
    internal Span<int> Line(int lane) => Snapshot.AsSpan(lane * Stride, Stride);

    /// <summary>A lane's state in the snapshot.</summary>
    internal ref LaneState State(int lane) => ref MemoryMarshal.Cast<int, LaneState>(Line(lane))[0];

    /// <summary>Checks rules before a back end trusts their ids.</summary>
    internal void Check(ChoiceRules rules, int firstLane, int lanes)
    {
        if (firstLane < 0 || lanes < 1 || firstLane + lanes > Lanes)
        {
            throw new ArgumentException($"Lanes {firstLane} to {firstLane + lanes - 1} are not among the {Lanes} of the choice.");
        }

        if (rules.MaxTokens < 1 || rules.MaxTokens > Length)
        {
            throw new ArgumentException($"A sequence of up to {rules.MaxTokens} tokens does not fit a lane of {Length}.");
        }

        if (rules.Temperature is < 0 or double.NaN)
        {
            throw new ArgumentException($"The temperature is {rules.Temperature}; it must be 0 or above.");
        }

        TimestampGrammar? times = rules.Timestamps;
        int[] ids = [rules.EndOfText, rules.NoSpeech, times?.NoTimestamps ?? 0, times?.Begin ?? 0, .. rules.Never, .. rules.NeverFirst];
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)Vocabulary)
            {
                throw new ArgumentException($"The rules speak of the token {id}, but there are {Vocabulary}.");
            }
        }

        if (times is { MaxInitialIndex: < 0 } || rules.EndOfText > (times?.Begin ?? Vocabulary))
        {
            throw new ArgumentException("The timestamps must come behind the end-of-text token, and the limit of the first one be 0 or above.");
        }
    }

    /// <summary>Checks that a pass goes by lanes that there are.</summary>
    internal void CheckLanes(DecoderRows rows)
    {
        foreach (int lane in rows.Lanes)
        {
            if ((uint)lane >= (uint)Lanes)
            {
                throw new ArgumentException($"Lane {lane} is not among the {Lanes} of the choice.", nameof(rows));
            }
        }
    }

    /// <summary>Checks a history that the host gives.</summary>
    internal void CheckHistory(int lane, ReadOnlySpan<int> tokens)
    {
        if ((uint)lane >= (uint)Lanes || tokens.Length > Length || tokens.ContainsAnyExceptInRange(0, Vocabulary - 1))
        {
            throw new ArgumentException($"{tokens.Length} tokens, each below {Vocabulary}, must fit lane {lane} of {Lanes} lanes of {Length}.", nameof(tokens));
        }
    }

    /// <summary>Checks what is asked for, and the room for it.</summary>
    internal static void CheckTop(int count, int outputs, int tokens, int logProbabilities)
    {
        if (count is < 1 or > MostTopTokens || tokens < outputs * count || logProbabilities < outputs * count)
        {
            throw new ArgumentException($"1 to {MostTopTokens} tokens can be had of a row, not {count}; and there must be room for those of {outputs} rows.", nameof(count));
        }
    }

    /// <summary>Frees the memory.</summary>
    protected abstract void Dispose(bool disposing);
}
