namespace Handwritten.Runtime;

// What transcribing a recording yields, as plain data: a transcript is a list of segments, a segment a sentence or so
// with its place in time, and where word timestamps were asked for, a segment is a list of words.
//
//     Transcript ─┬─ Segment  0.00 ── 4.34  " And so, my fellow Americans,"
//                 │     └ Word 0.00 ─ 0.42 " And"   Word 0.42 ─ 0.98 " so,"   ...
//                 └─ Segment  4.34 ── 7.70  ...
//
// Source: openai/whisper, the dictionary that transcribe() returns.

/// <summary>The text of a recording.</summary>
/// <param name="Text">All of it: the texts of the segments in a row.</param>
/// <param name="Segments">The segments in the order of time.</param>
/// <param name="Language">Language code of the speech, such as <c>en</c>.</param>
public sealed record Transcript(string Text, IReadOnlyList<Segment> Segments, string Language);

/// <summary>A stretch of speech.</summary>
/// <param name="Id">Number of the segment in the transcript, from 0.</param>
/// <param name="Seek">First frame, of 0.01 s each, of the 30-second window the segment was heard in.</param>
/// <param name="Start">Beginning in the recording, in seconds.</param>
/// <param name="End">End in the recording, in seconds.</param>
/// <param name="Text">The words, with the space they usually begin with.</param>
/// <param name="Tokens">The tokens, timestamps included.</param>
/// <param name="Temperature">Temperature of the sampling; 0 means that the likeliest token was taken each time.</param>
/// <param name="AverageLogProbability">Mean of the natural logarithms of the tokens' probabilities, over the window.</param>
/// <param name="CompressionRatio">Bytes of the window's text for each byte when compressed; repetition drives it up.</param>
/// <param name="NoSpeechProbability">Probability that the window holds no speech, in [0, 1].</param>
/// <param name="Words">The words with their times; null where none were asked for.</param>
/// <param name="Language">Code of its language where each window's is detected; null where the transcript's holds.</param>
/// <param name="TokenLogProbabilities">
/// Natural logarithm of each token's probability, among what the rules allowed; null where it is not known: of text that was
/// read from a file, or put together of windows that overlap.
/// </param>
public sealed record Segment(
    int Id,
    int Seek,
    double Start,
    double End,
    string Text,
    IReadOnlyList<int> Tokens,
    double Temperature,
    double AverageLogProbability,
    double CompressionRatio,
    double NoSpeechProbability,
    IReadOnlyList<Word>? Words = null,
    string? Language = null,
    IReadOnlyList<float>? TokenLogProbabilities = null)
{
    /// <summary>
    /// What the model said where the text was cleared, because its segment has no length or says nothing; null elsewhere. No file
    /// has it, but openai/whisper prints it.
    /// </summary>
    public string? ClearedText { get; init; }
}

/// <summary>A word and its place in time.</summary>
/// <param name="Text">The word with its punctuation, and with the space before it.</param>
/// <param name="Start">Beginning in the recording, in seconds.</param>
/// <param name="End">End in the recording, in seconds.</param>
/// <param name="Probability">Mean probability of its tokens, in [0, 1].</param>
public sealed record Word(string Text, double Start, double End, double Probability);
