using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>
/// The demo model on the demo clips: every run of the original's decode(), greedy and beam search, token by token, with its
/// scores, and the probabilities of its languages.
/// </summary>
public class DecodingTaskTests(DemoModel demo) : IClassFixture<DemoModel>
{
    public static TheoryData<string> Clips()
    {
        using JsonDocument reference = Reference();
        return [.. reference.RootElement.GetProperty("clips").EnumerateArray().Select(clip => clip.GetProperty("file").GetString()!)];
    }

    [Theory]
    [MemberData(nameof(Clips))]
    public void Decodes_a_clip_to_the_original_s_tokens(string file)
    {
        using JsonDocument reference = Reference();
        JsonElement clip = reference.RootElement.GetProperty("clips").EnumerateArray().Single(clip => clip.GetProperty("file").GetString() == file);
        WhisperModel model = demo.Model;
        using EncoderState encoder = model.Network.Encoder.CreateState();
        using DecoderState decoder = model.Network.Decoder.CreateState(lanes: 5, outputs: 5);
        using DecodingTask task = new(model, decoder);

        // decode() of a clip pads or trims the samples, not the spectrogram.
        float[] samples = AudioFile.Load(TestData.Path("audio", file)).Samples;
        int length = Math.Min(samples.Length, WhisperAudio.WindowSamples);
        using Tensor mel = model.Network.Frontend.Compute(samples.AsSpan(0, length), WhisperAudio.WindowSamples - length);
        model.Network.Kernels.CopyWindow(mel, 0, WhisperAudio.WindowFrames, encoder.LogMel, 0);
        model.Network.Encoder.Forward(encoder);
        model.Network.Decoder.Listen(decoder, encoder.Output, 0);

        // The resampled 44.1 kHz clip has slightly other samples than ffmpeg delivers: the tokens are still the same.
        bool sameSamples = file != "formats-44k1-stereo.wav";
        double tolerance = 1e-3;

        IReadOnlyList<LanguageProbability> languages = task.DetectLanguage();
        Assert.Equal(clip.GetProperty("detected_language").GetString(), languages[0].Code);
        foreach (LanguageProbability language in languages)
        {
            Assert.Equal(clip.GetProperty("language_probs").GetProperty(language.Code).GetDouble(), language.Probability, tolerance);
        }

        int runs = 0;
        foreach (JsonProperty run in clip.GetProperty("runs").EnumerateObject())
        {
            DecodingOptions options = ReferenceOptions.Read(run.Value.GetProperty("options"));
            options = options with { Language = options.Language ?? languages[0].Code };
            FoundTexts found = task.Find([new WindowRequest(options, 0)])[0];
            DecodingResult result = DecodingTask.ToResult(model, found, options);
            string name = $"{file}, {run.Name}";
            if (!run.Value.TryGetProperty("tokens", out JsonElement tokens))
            {
                // The original divides the score of an empty text by its length.
                Assert.StartsWith("ZeroDivisionError", run.Value.GetProperty("error").GetString(), StringComparison.Ordinal);
                Assert.Empty(result.Tokens);
                continue;
            }

            // Other samples give other margins; beam runs do not tell theirs.
            if (sameSamples || run.Value.GetProperty("smallest_margin") is { ValueKind: JsonValueKind.Number } margin && margin.GetDouble() > 0.05)
            {
                Assert.True(tokens.EnumerateArray().Select(token => token.GetInt32()).SequenceEqual(result.Tokens), $"{name}: {result.Text}");
                Assert.Equal(run.Value.GetProperty("text").GetString(), result.Text);
                Assert.Equal(run.Value.GetProperty("avg_logprob").GetDouble(), result.AverageLogProbability, tolerance);
                Assert.Equal(run.Value.GetProperty("compression_ratio").GetDouble(), result.CompressionRatio, 1e-3);
                AssertCandidates(run.Value, found, options, name);
                runs++;
            }

            Assert.Equal(run.Value.GetProperty("no_speech_prob").GetDouble(), result.NoSpeechProbability, tolerance);
        }

        Assert.True(runs >= (sameSamples ? 21 : 5), $"{file}: only {runs} runs were compared");
    }

    [Fact]
    public void A_search_that_needs_more_lanes_than_there_are_is_refused_with_a_sentence()
    {
        using DecoderState decoder = demo.Model.Network.Decoder.CreateState();
        using DecodingTask task = new(demo.Model, decoder);
        Assert.StartsWith(
            "Decoding with 3 lanes from lane 0 on needs a larger state.",
            Assert.Throws<ArgumentException>(() => task.Decode(new DecodingOptions { Language = "en", BeamSize = 3 })).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_drawn_on_the_host_is_what_the_back_end_draws()
    {
        using Transcriber transcriber = new(demo.Model);
        foreach (ulong seed in new ulong[] { 0, 5, ulong.MaxValue })
        {
            // A rule that never holds, but that only the host knows.
            TranscriptionOptions drawn = new() { Temperatures = [0.8], Decoding = new() { Language = "en", BestOf = 3, Seed = seed } };
            TranscriptionOptions onHost = drawn with { Decoding = drawn.Decoding with { NoRepeatNgramSize = 400 } };
            Assert.True(ChoiceLoop.Takes(drawn.Decoding with { Temperature = 0.8 }) && !ChoiceLoop.Takes(onHost.Decoding with { Temperature = 0.8 }));
            float[] samples = AudioFile.Load(TestData.Path("audio", "10-en.wav")).Samples;
            Assert.Equal(
                transcriber.Transcribe(samples, drawn).Segments.SelectMany(segment => segment.Tokens),
                transcriber.Transcribe(samples, onHost).Segments.SelectMany(segment => segment.Tokens));
        }
    }

    /// <summary>Beam search finds the very texts that the original finds, the last among them as well as the first.</summary>
    private static void AssertCandidates(JsonElement run, FoundTexts found, DecodingOptions options, string name)
    {
        if (!run.TryGetProperty("candidates", out JsonElement candidates))
        {
            return;
        }

        Assert.Equal(candidates.GetArrayLength(), found.Candidates.Count);
        foreach (JsonElement wanted in candidates.EnumerateArray())
        {
            int[] tokens = [.. wanted.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];
            Candidate candidate = found.Candidates.SingleOrDefault(candidate => candidate.Tokens.SequenceEqual(tokens))
                ?? throw new Xunit.Sdk.XunitException($"{name}: a candidate of {tokens.Length} tokens is missing.");
            Assert.Equal(wanted.GetProperty("sum_logprob").GetDouble(), candidate.SumLogProbability, 2e-3);
            if (wanted.GetProperty("score") is { ValueKind: JsonValueKind.Number } score)
            {
                Assert.Equal(score.GetDouble(), SequenceRanker.Score(candidate, options.LengthPenalty), 1e-3);
            }
        }
    }

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "nano", "decode.json")));
}
