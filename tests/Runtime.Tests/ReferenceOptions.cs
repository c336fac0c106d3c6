using System.Globalization;
using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Tests;

/// <summary>Reads the options of reference runs, which have the original's names.</summary>
internal static class ReferenceOptions
{
    public static DecodingOptions Read(JsonElement given)
    {
        DecodingOptions options = new();
        foreach (JsonProperty option in given.EnumerateObject())
        {
            options = Set(options, option.Name, option.Value)
                ?? throw new InvalidDataException($"The option {option.Name} is not understood.");
        }

        return options;
    }

    public static TranscriptionOptions ReadTranscription(JsonElement given)
    {
        TranscriptionOptions options = new();
        foreach (JsonProperty option in given.EnumerateObject())
        {
            JsonElement value = option.Value;
            options = option.Name switch
            {
                "temperature" => options with { Temperatures = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(t => t.GetDouble())] : [value.GetDouble()] },
                "condition_on_previous_text" => options with { ConditionOnPreviousText = value.GetBoolean() },
                "initial_prompt" => options with { InitialPrompt = value.GetString() },
                "carry_initial_prompt" => options with { CarryInitialPrompt = value.GetBoolean() },
                "no_speech_threshold" => options with { NoSpeechThreshold = Nullable(value) },
                "logprob_threshold" => options with { LogProbabilityThreshold = Nullable(value) },
                "compression_ratio_threshold" => options with { CompressionRatioThreshold = Nullable(value) },
                "clip_timestamps" => options with { Clips = Clips(value) },
                "word_timestamps" => options with { WordTimestamps = value.GetBoolean() },
                "hallucination_silence_threshold" => options with { HallucinationSilenceThreshold = Nullable(value) },
                "prepend_punctuations" => options with { PrependPunctuations = value.GetString()! },
                "append_punctuations" => options with { AppendPunctuations = value.GetString()! },
                _ => options with
                {
                    Decoding = Set(options.Decoding, option.Name, value)
                        ?? throw new InvalidDataException($"The option {option.Name} is not understood."),
                },
            };
        }

        return options;
    }

    private static DecodingOptions? Set(DecodingOptions options, string name, JsonElement value) => name switch
    {
        "language" => options with { Language = value.GetString() },
        // As in the original, whatever is not transcribed is translated: "lang_id" too, which ends before it matters.
        "task" => options with { Task = value.GetString() == "transcribe" ? SpeechTask.Transcribe : SpeechTask.Translate },
        "temperature" => options with { Temperature = value.GetDouble() },
        "beam_size" => options with { BeamSize = (int?)Nullable(value) },
        "best_of" => options with { BestOf = (int?)Nullable(value) },
        "patience" => options with { Patience = Nullable(value) },
        "length_penalty" => options with { LengthPenalty = Nullable(value) },
        "without_timestamps" => options with { WithoutTimestamps = value.GetBoolean() },
        "prompt" => options with { Prompt = ToPrompt(value) },
        "prefix" => options with { Prefix = ToPrompt(value) },
        "sample_len" => options with { SampleLength = value.GetInt32() },
        "suppress_blank" => options with { SuppressBlank = value.GetBoolean() },
        "suppress_tokens" => options with { SuppressTokens = Suppressed(value) },
        "max_initial_timestamp" => options with { MaxInitialTimestamp = Nullable(value) },
        "repetition_penalty" => options with { RepetitionPenalty = value.GetDouble() },
        "no_repeat_ngram_size" => options with { NoRepeatNgramSize = value.GetInt32() },
        "max_new_tokens" => options with { MaxNewTokens = value.GetInt32() },
        _ => null,
    };

    private static double[] Clips(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(time => time.GetDouble())]
        : [.. value.GetString()!.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(time => double.Parse(time, CultureInfo.InvariantCulture))];

    private static double? Nullable(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();

    private static Prompt? ToPrompt(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? Prompt.FromTokens(value.EnumerateArray().Select(token => token.GetInt32()))
        : value.GetString();

    private static int[] Suppressed(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [.. value.GetString()!.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(token => int.Parse(token, CultureInfo.InvariantCulture))],
        JsonValueKind.Array => [.. value.EnumerateArray().Select(token => token.GetInt32())],
        _ => [],
    };
}
