using System.Text.Json.Serialization;

namespace Handwritten.Server.OpenAi;

/// <summary>What a transcription counts as: seconds, or tokens.</summary>
/// <param name="Type"><c>duration</c> or <c>tokens</c>.</param>
public sealed record TranscriptionUsage(string Type)
{
    /// <summary>Seconds of audio.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Seconds { get; init; }

    /// <summary>Tokens that the model was given.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? InputTokens { get; init; }

    /// <summary>Of which kinds these are.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InputTokenDetails? InputTokenDetails { get; init; }

    /// <summary>Tokens of the text, timestamps included.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OutputTokens { get; init; }

    /// <summary>Both together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TotalTokens { get; init; }

    internal static TranscriptionUsage OfSeconds(double seconds) => new("duration") { Seconds = seconds };

    internal static TranscriptionUsage OfTokens(int audio, int text, int output) => new("tokens")
    {
        InputTokens = audio + text,
        InputTokenDetails = new InputTokenDetails(text, audio),
        OutputTokens = output,
        TotalTokens = audio + text + output,
    };
}

/// <summary>Of which kinds the tokens are that a model was given.</summary>
/// <param name="TextTokens">Those of the prompt.</param>
/// <param name="AudioTokens">One for each 20 ms, which is what the model hears a vector of.</param>
public sealed record InputTokenDetails(int TextTokens, int AudioTokens);
