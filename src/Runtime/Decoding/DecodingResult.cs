namespace Handwritten.Runtime.Decoding;

/// <summary>What decoding a window gave. Source: openai/whisper, decoding.py, DecodingResult.</summary>
/// <param name="Tokens">Text and timestamp tokens, without the start sequence and the end.</param>
/// <param name="Text">The text tokens' text, trimmed.</param>
/// <param name="AverageLogProbability">Mean log-probability of the tokens, the end-of-text token included.</param>
/// <param name="NoSpeechProbability">The probability that the window holds no speech.</param>
/// <param name="CompressionRatio">How many times smaller zlib makes the text; repetitions give large values.</param>
/// <param name="Temperature">The temperature it was decoded at; 0 is greedy, or beam search.</param>
/// <param name="TokenLogProbabilities">Log-probability of each token, at temperature 1 and among what the rules allowed.</param>
public sealed record DecodingResult(
    IReadOnlyList<int> Tokens,
    string Text,
    double AverageLogProbability,
    double NoSpeechProbability,
    double CompressionRatio,
    double Temperature,
    IReadOnlyList<float> TokenLogProbabilities);
