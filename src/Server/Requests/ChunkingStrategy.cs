using Handwritten.Runtime.VoiceActivity;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Requests;

/// <summary>
/// OpenAI's way to say how a recording is cut: <c>auto</c>, or voice activity by numbers of one's own,
/// <code>
///     {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
/// </code>
/// as JSON in a field, or as its clients send it in forms, <c>chunking_strategy[threshold]=0.5</c>. What is not named is as for
/// <c>auto</c>. Source: OpenAI's API reference, "Create transcription", chunking_strategy.
/// </summary>
internal static class ChunkingStrategy
{
    private const string Name = "chunking_strategy";
    private const int MostMilliseconds = 10_000;

    /// <summary>Reads it.</summary>
    /// <param name="fields">The request's.</param>
    /// <returns>What counts as speech; null where the recording is not cut.</returns>
    /// <exception cref="ApiException">It makes no sense.</exception>
    public static VoiceActivityOptions? Read(RequestFields fields) => fields.Object(Name) switch
    {
        { } own => Read(VoiceActivityOptions.ForWindows, own),
        null => fields.Text(Name) switch
        {
            null => null,
            "auto" => VoiceActivityOptions.ForWindows,
            var other => throw ApiException.BadField(Name, $"{Name} must be auto or an object of the type server_vad, but it is '{other}'."),
        },
    };

    /// <summary>The padding is kept behind speech as well: both ends have one here.</summary>
    private static VoiceActivityOptions Read(VoiceActivityOptions initially, RequestFields own)
    {
        if (own.Choice("type", "server_vad") is null)
        {
            throw ApiException.BadField($"{Name}.type", $"{Name}.type is missing: it must be server_vad.");
        }

        VoiceActivityOptions options = initially with
        {
            Threshold = own.Number("threshold", 0, 1) ?? initially.Threshold,
            PaddingMilliseconds = own.Integer("prefix_padding_ms", 0, MostMilliseconds) ?? initially.PaddingMilliseconds,
            MinSilenceMilliseconds = own.Integer("silence_duration_ms", 0, MostMilliseconds) ?? initially.MinSilenceMilliseconds,
        };
        own.RefuseUnknown();
        return options;
    }
}
