using System.Globalization;
using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Tests;

/// <summary>Reads the options of reference runs, which have the original's names.</summary>
internal static class ReferenceOptions
{
    /// <summary>Options of decode() that are understood.</summary>
    public static readonly HashSet<string> Decoding =
        ["language", "task", "without_timestamps", "prompt", "prefix", "sample_len", "suppress_tokens", "suppress_blank", "max_initial_timestamp"];

    /// <summary>Options of transcribe() that are understood; temperature must be 0.</summary>
    public static readonly HashSet<string> Transcription =
        [.. Decoding, "temperature", "condition_on_previous_text", "initial_prompt", "no_speech_threshold", "logprob_threshold"];

    public static DecodingOptions Read(JsonElement given, WhisperTokenizer tokenizer)
    {
        DecodingOptions options = new();
        foreach (JsonProperty option in given.EnumerateObject())
        {
            JsonElement value = option.Value;
            options = option.Name switch
            {
                "language" => options with { Language = value.GetString() },
                "task" => options with { Task = value.GetString() == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe },
                "without_timestamps" => options with { WithoutTimestamps = value.GetBoolean() },
                "prompt" => options with { Prompt = Tokens(value, tokenizer) },
                "prefix" => options with { Prefix = Tokens(value, tokenizer) },
                "sample_len" => options with { SampleLength = value.GetInt32() },
                "suppress_blank" => options with { SuppressBlank = value.GetBoolean() },
                "suppress_tokens" => options with { SuppressTokens = Suppressed(value) },
                "max_initial_timestamp" => options with { MaxInitialTimestamp = Nullable(value) },
                _ => options,
            };
        }

        return options;
    }

    public static TranscriptionOptions ReadTranscription(JsonElement given, WhisperTokenizer tokenizer)
    {
        TranscriptionOptions options = new() { Decoding = Read(given, tokenizer) };
        foreach (JsonProperty option in given.EnumerateObject())
        {
            JsonElement value = option.Value;
            options = option.Name switch
            {
                "condition_on_previous_text" => options with { ConditionOnPreviousText = value.GetBoolean() },
                "initial_prompt" => options with { InitialPrompt = value.GetString() },
                "no_speech_threshold" => options with { NoSpeechThreshold = Nullable(value) },
                "logprob_threshold" => options with { LogProbabilityThreshold = Nullable(value) },
                _ => options,
            };
        }

        return options;
    }

    /// <summary>Whether all options are among the understood ones, at temperature 0.</summary>
    public static bool AreUnderstood(JsonElement given, HashSet<string> understood) =>
        given.EnumerateObject().All(option => understood.Contains(option.Name)
            && (option.Name != "temperature" || option.Value is { ValueKind: JsonValueKind.Number } zero && zero.GetDouble() == 0));

    private static double? Nullable(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();

    private static int[] Tokens(JsonElement value, WhisperTokenizer tokenizer) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { Length: > 0 } text => [.. tokenizer.Encode(" " + text.Trim())],
        JsonValueKind.Array => [.. value.EnumerateArray().Select(token => token.GetInt32())],
        _ => [],
    };

    private static int[] Suppressed(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [.. value.GetString()!.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(token => int.Parse(token, CultureInfo.InvariantCulture))],
        JsonValueKind.Array => [.. value.EnumerateArray().Select(token => token.GetInt32())],
        _ => [],
    };
}
