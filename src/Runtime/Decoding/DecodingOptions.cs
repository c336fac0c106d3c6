using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>How a window is decoded. Source: openai/whisper, decoding.py, DecodingOptions.</summary>
public sealed record DecodingOptions
{
    /// <summary>Code of the spoken language, such as "en"; null where the model knows only English.</summary>
    public string? Language { get; init; }

    /// <summary>Write what was said, or translate it to English.</summary>
    public SpeechTask Task { get; init; } = SpeechTask.Transcribe;

    /// <summary>Plain text without time marks.</summary>
    public bool WithoutTimestamps { get; init; }

    /// <summary>The latest time of the first timestamp, in seconds; null or 0 for no limit, as in the original.</summary>
    public double? MaxInitialTimestamp { get; init; } = 1.0;

    /// <summary>Whether the text must not begin with a blank.</summary>
    public bool SuppressBlank { get; init; } = true;

    /// <summary>
    /// Tokens that are never chosen; −1 stands for the tokenizer's list of non-speech tokens. Specials that are no text
    /// are added to any list but the empty one, which forbids nothing at all.
    /// </summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [-1];

    /// <summary>Tokens of the text before this window; the last 223 count.</summary>
    public IReadOnlyList<int> Prompt { get; init; } = [];

    /// <summary>Tokens that this window's text begins with.</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>The most tokens of a window; null for half of the decoder's context, 224.</summary>
    public int? SampleLength { get; init; }
}

/// <summary>What decoding a window gave. Source: openai/whisper, decoding.py, DecodingResult.</summary>
/// <param name="Tokens">Text and timestamp tokens, without the start sequence and the end.</param>
/// <param name="Text">The text tokens' text, trimmed.</param>
/// <param name="AverageLogProbability">Mean log-probability of the tokens, the end-of-text token included.</param>
/// <param name="NoSpeechProbability">The probability that the window holds no speech.</param>
/// <param name="CompressionRatio">How many times smaller zlib makes the text; repetitions give large values.</param>
/// <param name="Temperature">The temperature it was decoded at; 0 is greedy.</param>
public sealed record DecodingResult(
    IReadOnlyList<int> Tokens,
    string Text,
    double AverageLogProbability,
    double NoSpeechProbability,
    double CompressionRatio,
    double Temperature);
