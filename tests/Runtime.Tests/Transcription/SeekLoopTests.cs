using System.Text.Json;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>The loop over windows with a scripted decoder: what it asks for, and what it makes of the answers.</summary>
public class SeekLoopTests
{
    public static TheoryData<string> Cases()
    {
        using JsonDocument reference = Reference();
        return [.. reference.RootElement.GetProperty("cases").EnumerateArray()
            .Where(testCase => testCase.GetProperty("language_probs").ValueKind == JsonValueKind.Null) // detection comes before the loop
            .Where(testCase => ReferenceOptions.AreUnderstood(testCase.GetProperty("options"), ReferenceOptions.Transcription) && testCase.TryGetProperty("result", out _))
            .Select(testCase => testCase.GetProperty("name").GetString()!)];
    }

    [Fact]
    public void Most_of_the_reference_s_cases_are_understood() => Assert.True(Cases().Count >= 20, $"{Cases().Count} cases");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Follows_the_original_window_by_window(string name)
    {
        using JsonDocument reference = Reference();
        JsonElement testCase = reference.RootElement.GetProperty("cases").EnumerateArray().Single(candidate => candidate.GetProperty("name").GetString() == name);
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        Script script = new(testCase, tokenizer);
        int frames = testCase.GetProperty("audio").GetProperty("n_samples").GetInt32() / WhisperAudio.HopLength;
        TranscriptionOptions options = ReferenceOptions.ReadTranscription(testCase.GetProperty("options"), tokenizer);

        List<Segment> segments = [.. new SeekLoop(script, tokenizer, options, frames).Run(default)];

        Assert.Equal(testCase.GetProperty("calls").GetArrayLength(), script.Calls);
        JsonElement expected = testCase.GetProperty("result").GetProperty("segments");
        Assert.Equal(expected.GetArrayLength(), segments.Count);
        for (int i = 0; i < segments.Count; i++)
        {
            Assert.Equal(expected[i].GetProperty("id").GetInt32(), segments[i].Id);
            Assert.Equal(expected[i].GetProperty("seek").GetInt32(), segments[i].Seek);
            Assert.Equal(expected[i].GetProperty("start").GetDouble(), segments[i].Start);
            Assert.Equal(expected[i].GetProperty("end").GetDouble(), segments[i].End);
            Assert.Equal(expected[i].GetProperty("text").GetString(), segments[i].Text);
            Assert.Equal(expected[i].GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()), segments[i].Tokens);
            Assert.Equal(expected[i].GetProperty("avg_logprob").GetDouble(), segments[i].AverageLogProbability);
            Assert.Equal(expected[i].GetProperty("no_speech_prob").GetDouble(), segments[i].NoSpeechProbability);
        }
    }

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "transcribe_flow.json")));

    /// <summary>Answers what the script says and checks that it was asked what the original asked.</summary>
    private sealed class Script(JsonElement testCase, WhisperTokenizer tokenizer) : IWindowDecoder
    {
        public int Calls { get; private set; }

        public DecodingResult Decode(int seek, int frames, DecodingOptions options, CancellationToken cancellation)
        {
            JsonElement call = testCase.GetProperty("calls")[Calls];
            JsonElement answer = testCase.GetProperty("script")[Calls++];
            Assert.Equal(call.GetProperty("seek").GetInt32(), seek);
            Assert.Equal(call.GetProperty("segment_size").GetInt32(), frames);
            Assert.Equal(call.GetProperty("prompt").EnumerateArray().Select(token => token.GetInt32()), options.Prompt);
            string text = answer.GetProperty("text").GetString()!;
            return new DecodingResult(
                [.. tokenizer.EncodeWithSpecial(text)],
                text,
                Number("avg_logprob", -0.3),
                Number("no_speech_prob", 0.01),
                Number("compression_ratio", 1.2),
                Temperature: 0);

            double Number(string name, double otherwise) => answer.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : otherwise;
        }
    }
}
