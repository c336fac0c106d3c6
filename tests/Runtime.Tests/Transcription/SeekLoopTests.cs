using System.Globalization;
using System.Text.Json;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>The loop over windows with a scripted decoder: what it asks for, and what it makes of the answers.</summary>
public class SeekLoopTests
{
    private const string BeyondTheEnd = "clips: beyond the end"; // where the original loops for ever

    public static TheoryData<string> Cases()
    {
        using JsonDocument reference = Reference();
        return [.. reference.RootElement.GetProperty("cases").EnumerateArray()
            .Select(testCase => testCase.GetProperty("name").GetString()!)
            .Where(name => name != BeyondTheEnd)];
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Follows_the_original_window_by_window(string name)
    {
        using JsonDocument reference = Reference();
        JsonElement testCase = Named(reference, name);
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        Script script = new(testCase, tokenizer);

        List<Segment> segments = [.. Loop(script, testCase, tokenizer).Run(script, default)];

        script.IsFinished();
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
            Assert.Equal(expected[i].GetProperty("temperature").GetDouble(), segments[i].Temperature);
            Assert.Equal(expected[i].GetProperty("avg_logprob").GetDouble(), segments[i].AverageLogProbability);
            Assert.Equal(expected[i].GetProperty("compression_ratio").GetDouble(), segments[i].CompressionRatio);
            Assert.Equal(expected[i].GetProperty("no_speech_prob").GetDouble(), segments[i].NoSpeechProbability);
            ReferenceWords.AssertEqual(expected[i], segments[i].Words, timeTolerance: 0, probabilityTolerance: 1e-12);
        }
    }

    [Fact]
    public void A_clip_behind_the_end_is_refused_with_a_sentence()
    {
        using JsonDocument reference = Reference();
        JsonElement testCase = Named(reference, BeyondTheEnd);
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        Assert.Equal(
            "A clip begins at 200 s, but the recording ends at 10 s.",
            Assert.Throws<OptionsException>(() => Loop(new Script(testCase, tokenizer), testCase, tokenizer)).Message);
    }

    [Theory]
    [InlineData("0", "0-1000")]
    [InlineData("", "0-1000")]
    [InlineData("5,100", "500-1000")] // an end behind the recording's is the recording's
    [InlineData("1.005,2.015", "100-202")] // halves to the even neighbour (2.015 is a little more than its half)
    [InlineData("3,3,4,4.5", "400-450")]
    [InlineData("6,8,2", "600-800 200-1000")]
    public void Clips_are_ranges_of_frames(string seconds, string ranges) => Assert.Equal(
        ranges,
        string.Join(' ', ClipRanges.For([.. seconds.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(time => double.Parse(time, CultureInfo.InvariantCulture))], 1000).Select(clip => $"{clip.Start}-{clip.End}")));

    [Fact]
    public void Hotwords_begin_every_prompt_and_earlier_text_gets_the_rest()
    {
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        int[] words = tokenizer.Encode(" Ada Grace");
        TranscriptionOptions options = new() { Hotwords = " Ada Grace ", ConditionOnPreviousText = true };
        PromptHistory history = new(options, tokenizer, limit: 10);
        Assert.Equal(words, history.Next());
        history.Add(Enumerable.Range(100, 20));
        Assert.Equal([.. words, .. Enumerable.Range(110 + words.Length, 10 - words.Length)], history.Next());
        history.EndWindow(temperature: 0.6);
        Assert.Equal(words, history.Next());
        Assert.Empty(new PromptHistory(options with { Decoding = new() { Prefix = Prompt.FromTokens([1]) } }, tokenizer, limit: 10).Next());
    }

    [Theory]
    [InlineData(0.3, 0.2, 5)]
    [InlineData(0.3, 0.4, 0)]
    public void A_temperature_above_the_reset_s_begins_a_new_prompt(double reset, double temperature, int kept)
    {
        PromptHistory history = new(new() { PromptResetOnTemperature = reset }, Tokenizers.Named("multilingual"), limit: 10);
        history.Add([1, 2, 3, 4, 5]);
        history.EndWindow(temperature);
        Assert.Equal(kept, history.Next().Count);
    }

    private static SeekLoop Loop(Script script, JsonElement testCase, WhisperTokenizer tokenizer)
    {
        TranscriptionOptions options = ReferenceOptions.ReadTranscription(testCase.GetProperty("options"));
        options = options with { Decoding = options.Decoding with { Language = options.Decoding.Language ?? script.Language } };
        int frames = testCase.GetProperty("audio").GetProperty("n_samples").GetInt32() / WhisperAudio.HopLength;
        return new SeekLoop(tokenizer, options, frames, textContext: 448);
    }

    private static JsonElement Named(JsonDocument reference, string name) =>
        reference.RootElement.GetProperty("cases").EnumerateArray().Single(candidate => candidate.GetProperty("name").GetString() == name);

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "transcribe_flow.json")));

    /// <summary>Answers what the script says and checks that it was asked what the original asked.</summary>
    private sealed class Script(JsonElement testCase, WhisperTokenizer tokenizer) : IWindowDecoder
    {
        // The language is detected before the loop begins.
        private readonly JsonElement[] _calls = [.. testCase.GetProperty("calls").EnumerateArray().Where(call => !call.TryGetProperty("detect_language", out _))];
        private (int Seek, int Frames) _window;
        private int _call, _alignment;

        public string? Language => testCase.GetProperty("language_probs") is { ValueKind: JsonValueKind.Object } languages
            ? languages.EnumerateObject().MaxBy(language => language.Value.GetDouble()).Name
            : null;

        public void IsFinished()
        {
            Assert.Equal(_calls.Length, _call);
            Assert.Equal(testCase.GetProperty("alignments").GetArrayLength(), _alignment);
        }

        public void Listen(int seek, int frames, CancellationToken cancellation) => _window = (seek, frames);

        public string DetectLanguage() => throw new InvalidOperationException("The original did not ask for the language.");

        public DecodingResult Decode(DecodingOptions options, CancellationToken cancellation)
        {
            JsonElement call = _calls[_call];
            JsonElement answer = testCase.GetProperty("script")[_call++];
            Assert.Equal((call.GetProperty("seek").GetInt32(), call.GetProperty("segment_size").GetInt32()), _window);
            Assert.Equal(call.GetProperty("temperature").GetDouble(), options.Temperature);
            Assert.Equal(call.GetProperty("prompt").EnumerateArray().Select(token => token.GetInt32()), options.Prompt!.Encode(tokenizer));
            Assert.Equal(Optional(call, "beam_size"), options.BeamSize);
            Assert.Equal(Optional(call, "best_of"), options.BestOf);
            Assert.Equal(Optional(call, "patience"), options.Patience);
            Assert.Equal(call.GetProperty("language").GetString(), options.Language);
            Assert.Equal(call.GetProperty("task").GetString() == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe, options.Task);
            string text = answer.GetProperty("text").GetString()!;
            int[] tokens = tokenizer.EncodeWithSpecial(text);
            return new DecodingResult(
                tokens,
                text,
                Optional(answer, "avg_logprob") ?? -0.3,
                Optional(answer, "no_speech_prob") ?? 0.01,
                Optional(answer, "compression_ratio") ?? 1.2,
                options.Temperature,
                new float[tokens.Length]);
        }

        public IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames)
        {
            JsonElement alignment = testCase.GetProperty("alignments")[_alignment++];
            Assert.Equal(alignment.GetProperty("text_tokens").EnumerateArray().Select(token => token.GetInt32()), textTokens);
            Assert.Equal(alignment.GetProperty("num_frames").GetInt32(), frames);
            return [.. tokenizer.SplitToWords([.. textTokens, tokenizer.Special.EndOfText], options.Language).SkipLast(1)
                .Zip(alignment.GetProperty("plan").EnumerateArray(), (word, plan) => new WordTiming(
                    word.Text, word.Tokens, plan[0].GetDouble(), plan[1].GetDouble(), plan[2].GetDouble()))];
        }

        private static double? Optional(JsonElement of, string name) =>
            of.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
    }
}
