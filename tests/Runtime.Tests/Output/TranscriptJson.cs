using System.Text.Json;

namespace Handwritten.Runtime.Tests.Output;

/// <summary>Reads the reference data's transcripts: the dictionaries that the original's transcribe() returns.</summary>
internal static class TranscriptJson
{
    public static JsonElement Load(params string[] path) =>
        JsonDocument.Parse(File.ReadAllBytes(Handwritten.Tests.TestData.Path(["reference", .. path]))).RootElement;

    public static Transcript Read(JsonElement result) => new(
        result.GetProperty("text").GetString()!,
        [.. result.GetProperty("segments").EnumerateArray().Select(ReadSegment)],
        result.GetProperty("language").GetString()!);

    private static Segment ReadSegment(JsonElement segment) => new(
        segment.GetProperty("id").GetInt32(),
        segment.GetProperty("seek").GetInt32(),
        segment.GetProperty("start").GetDouble(),
        segment.GetProperty("end").GetDouble(),
        segment.GetProperty("text").GetString()!,
        [.. segment.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())],
        segment.GetProperty("temperature").GetDouble(),
        segment.GetProperty("avg_logprob").GetDouble(),
        segment.GetProperty("compression_ratio").GetDouble(),
        segment.GetProperty("no_speech_prob").GetDouble(),
        segment.TryGetProperty("words", out JsonElement words) ? [.. words.EnumerateArray().Select(ReadWord)] : null);

    private static Word ReadWord(JsonElement word) => new(
        word.GetProperty("word").GetString()!,
        word.GetProperty("start").GetDouble(),
        word.GetProperty("end").GetDouble(),
        word.GetProperty("probability").GetDouble());
}
