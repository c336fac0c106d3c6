using System.Text.Json;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;

namespace Handwritten.Runtime.Tests.VoiceActivity;

/// <summary>The reference data of voice activity.</summary>
internal static class VadReference
{
    public static JsonElement Load(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "vad", file))).RootElement;

    public static VoiceActivityOptions Options(JsonElement options)
    {
        VoiceActivityOptions result = new();
        foreach (JsonProperty option in options.EnumerateObject())
        {
            result = option.Name switch
            {
                "threshold" => result with { Threshold = option.Value.GetDouble() },
                "neg_threshold" => result with { NegativeThreshold = option.Value.GetDouble() },
                "min_speech_duration_ms" => result with { MinSpeechMilliseconds = option.Value.GetInt32() },
                "max_speech_duration_s" => result with { MaxSpeechSeconds = option.Value.GetDouble() },
                "min_silence_duration_ms" => result with { MinSilenceMilliseconds = option.Value.GetInt32() },
                "speech_pad_ms" => result with { PaddingMilliseconds = option.Value.GetInt32() },
                _ => throw new ArgumentException($"The reference has an option '{option.Name}' that nobody reads."),
            };
        }

        return result;
    }
}
