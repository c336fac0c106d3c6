using System.Runtime.InteropServices;

namespace Handwritten.Kernels;

/// <summary>Whether a sequence goes on.</summary>
public enum ChoiceStatus
{
    /// <summary>It takes more tokens.</summary>
    Open,

    /// <summary>It has chosen the end of the text.</summary>
    EndOfText,

    /// <summary>It has as many tokens as it may have, or stands at the last position.</summary>
    Full,
}

/// <summary>What a lane has chosen so far, besides the tokens: 32 bytes, the same in every back end's memory.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LaneState
{
    public int Status;
    public int NextPosition; // of the token chosen last
    public int Count;
    public int LastTimestamp; // the latest token that is one; −1 for none
    public float NoSpeechProbability; // NaN until it is known
    public int Reserved;
    public double SumLogProbability;

    /// <summary>The length of it in ints, in whose arrays it lies before the lane's tokens.</summary>
    public const int Ints = 8;

    /// <summary>Where <see cref="Count"/> lies, with <see cref="LastTimestamp"/> behind it, in bytes.</summary>
    public const int CountOffset = 8;

    /// <summary>Nothing chosen yet.</summary>
    public static LaneState Initial => new() { LastTimestamp = -1, NoSpeechProbability = float.NaN };
}

/// <summary>
/// <see cref="ChoiceRules"/> of a lane as kernels read them; what is forbidden by id lies beside it. 64 bytes: a view of device
/// memory counts its beginning in elements, so their size has to divide the 256 bytes at which tensors begin.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LaneRules
{
    public int EndOfText;
    public int NoSpeech;
    public int MaxTokens;
    public int Vocabulary;
    public int TimestampBegin; // the vocabulary's size for text without times
    public int InitialEnd; // behind the latest first timestamp
    public float InverseTemperature; // at most 1e6; 0 for the most probable token
    public uint SeedLow;
    public uint SeedHigh;
    public uint Candidate; // which of the sequences that began together
    public int Candidates; // lanes that choose their first token from this lane's row; 0 for a lane that follows another
    public int Reserved0, Reserved1, Reserved2, Reserved3, Reserved4;

    public static LaneRules Of(ChoiceRules rules, int vocabulary, int candidate, int candidates)
    {
        int begin = rules.Timestamps?.Begin ?? vocabulary;
        return new LaneRules
        {
            EndOfText = rules.EndOfText,
            NoSpeech = rules.NoSpeech,
            MaxTokens = rules.MaxTokens,
            Vocabulary = vocabulary,
            TimestampBegin = begin,
            InitialEnd = (int)Math.Min(vocabulary, begin + (rules.Timestamps?.MaxInitialIndex ?? vocabulary) + 1L),
            InverseTemperature = rules.Temperature > 0 ? (float)Math.Min(1 / rules.Temperature, 1e6) : 0,
            SeedLow = (uint)rules.Seed,
            SeedHigh = (uint)(rules.Seed >> 32),
            Candidate = (uint)candidate,
            Candidates = candidate == 0 ? candidates : 0,
        };
    }
}

/// <summary>
/// Which ids the timestamp grammar leaves, given what has been chosen: text from <see cref="TextFirst"/> up to the first
/// timestamp, and timestamps from <see cref="TimestampFirst"/> to before <see cref="TimestampEnd"/>.
/// <code>
///     chosen so far          text                timestamps
///     nothing                none                up to the limit
///     ... text               all                 later than the last
///     ... time, time         all                 none: text comes
///     ... text, time         end of text         the last, or later: the same time opens the next segment
/// </code>
/// </summary>
internal struct AllowedRanges
{
    public int TextFirst;
    public int TimestampFirst;
    public int TimestampEnd;

    /// <summary>Applies the grammar; runs on any device.</summary>
    /// <param name="rules">The lane's rules.</param>
    /// <param name="count">Tokens chosen.</param>
    /// <param name="last">The last one, if there is any.</param>
    /// <param name="beforeLast">The one before, if there are two.</param>
    /// <param name="lastTimestamp">The latest timestamp; −1 for none.</param>
    public static AllowedRanges After(LaneRules rules, int count, int last, int beforeLast, int lastTimestamp)
    {
        int begin = rules.TimestampBegin;
        AllowedRanges ranges = new() { TextFirst = 0, TimestampFirst = begin, TimestampEnd = rules.Vocabulary };
        if (begin == rules.Vocabulary)
        {
            return ranges;
        }

        if (count == 0)
        {
            ranges.TextFirst = begin;
            ranges.TimestampEnd = rules.InitialEnd;
            return ranges;
        }

        bool afterTimestamp = last >= begin, pairIsComplete = count < 2 || beforeLast >= begin;
        if (lastTimestamp >= 0)
        {
            ranges.TimestampFirst = lastTimestamp + (afterTimestamp && !pairIsComplete ? 0 : 1);
        }

        if (afterTimestamp && pairIsComplete)
        {
            ranges.TimestampFirst = rules.Vocabulary;
        }
        else if (afterTimestamp)
        {
            ranges.TextFirst = rules.EndOfText;
        }

        return ranges;
    }
}
