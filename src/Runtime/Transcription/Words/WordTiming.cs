namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// A word, or a punctuation mark, and when it was said, counted from the window's beginning. It changes: marks join
/// words, and what is too long is cut. Source: openai/whisper, timing.py, WordTiming.
/// </summary>
/// <param name="text">The text, with the space before it.</param>
/// <param name="tokens">Its tokens.</param>
/// <param name="start">Beginning, in seconds of the window.</param>
/// <param name="end">End, in seconds of the window.</param>
/// <param name="probability">Mean probability of its tokens.</param>
internal sealed class WordTiming(string text, IReadOnlyList<int> tokens, double start, double end, double probability)
{
    /// <summary>The text; empty if it joined another one.</summary>
    public string Text { get; set; } = text;

    /// <summary>The tokens; empty if they joined others.</summary>
    public IReadOnlyList<int> Tokens { get; set; } = tokens;

    /// <summary>Beginning, in seconds of the window.</summary>
    public double Start { get; set; } = start;

    /// <summary>End, in seconds of the window.</summary>
    public double End { get; set; } = end;

    /// <summary>Mean probability of its tokens.</summary>
    public double Probability { get; } = probability;

    /// <summary>Seconds.</summary>
    public double Duration => End - Start;
}
