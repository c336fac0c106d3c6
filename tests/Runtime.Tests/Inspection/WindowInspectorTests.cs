using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Inspection;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Inspection;

/// <summary>What is seen of a model at work is what it does.</summary>
public sealed class WindowInspectorTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly float[] Samples = AudioFile.Load(TestData.Path("audio", "10-en.wav")).Samples;

    [Fact]
    public void Tokens_and_probabilities_are_those_of_the_transcript()
    {
        using Transcriber transcriber = new(demo.Model);
        Transcript transcript = transcriber.Transcribe(Samples, new() { Temperatures = [0] });
        using WindowInspector inspector = new(demo.Model, Samples, 0, new());
        IReadOnlyList<TokenTrace> tokens = inspector.Probabilities(rivals: 3);

        Assert.Equal(transcript.Segments.SelectMany(segment => segment.Tokens).Select(token => demo.Model.Tokenizer.DecodeWithTimestamps([token])), tokens.SkipLast(1).Select(token => token.Text));
        Assert.Equal("<|endoftext|>", tokens[^1].Text);
        Assert.All(tokens, token =>
        {
            Assert.Equal(3, token.Rivals.Count);
            Assert.InRange(token.Probability + token.Rivals.Sum(rival => rival.Probability), 0, 1 + 1e-6);
            Assert.Equal(token.Rivals.OrderByDescending(rival => rival.Probability), token.Rivals);
            Assert.DoesNotContain(token.Rivals, rival => rival.Text == token.Text);
        });

        // The rules only take away: what is chosen is no less probable with them than without.
        double mean = tokens.Average(token => Math.Log(token.Probability));
        Assert.InRange(mean, -2, transcript.Segments[0].AverageLogProbability + 1e-3);
    }

    [Fact]
    public void A_prompt_and_hotwords_are_heard_as_in_a_transcription()
    {
        TranscriptionOptions options = new() { Temperatures = [0], InitialPrompt = "Numbers: 1, 2, 3.", Hotwords = "Emma" };
        using Transcriber transcriber = new(demo.Model);
        Segment[] segments = [.. transcriber.Transcribe(Samples, options).Segments];
        using WindowInspector plain = new(demo.Model, Samples, 0, new()), inspector = new(demo.Model, Samples, 0, options);
        IReadOnlyList<TokenTrace> tokens = inspector.Probabilities();
        Assert.Equal(segments.SelectMany(segment => segment.Tokens).Select(token => demo.Model.Tokenizer.DecodeWithTimestamps([token])), tokens.SkipLast(1).Select(token => token.Text));
        Assert.NotEqual(plain.Probabilities()[0].Probability, tokens[0].Probability);
        Assert.InRange(tokens.Average(token => Math.Log(token.Probability)), -2, segments[0].AverageLogProbability + 1e-3);
    }

    [Fact]
    public void The_way_of_an_alignment_gives_the_times_of_the_words()
    {
        using Transcriber transcriber = new(demo.Model);
        Word[] words = [.. transcriber.Transcribe(Samples, new() { Temperatures = [0], WordTimestamps = true }).Segments.SelectMany(segment => segment.Words!)];
        using WindowInspector inspector = new(demo.Model, Samples, 0, new());
        AlignmentTrace trace = inspector.Alignment();

        Assert.Equal((0, 0), trace.Path[0]);
        Assert.Equal((trace.Tokens.Count - 1, trace.Frames - 1), trace.Path[^1]);
        Assert.Equal(trace.Tokens.Count * trace.Frames, trace.Matrix.Length);
        double[] starts = [.. trace.Path.DistinctBy(step => step.Token).Select(step => step.Frame * 0.02)];
        Assert.All(words.Where(word => word.Text is " a" or " message" or " and"), word => Assert.Contains(starts, start => Math.Abs(start - word.Start) < 0.011));
        Assert.Equal(" Send", trace.Tokens[0]);
    }

    [Fact]
    public void Attention_is_a_share_of_the_window_for_each_token()
    {
        using WindowInspector inspector = new(demo.Model, Samples, 0, new());
        AttentionTrace trace = inspector.Attention([]);
        Assert.Equal(Samples.Length / WhisperAudio.HopLength / 2, trace.Frames);
        Assert.All(trace.Weights.Chunk(trace.Frames), row => Assert.InRange(row.Sum(), 0.05, 1.001));
        float[] one = inspector.Attention([new(1, 0)]).Weights, two = inspector.Attention([new(1, 1)]).Weights, both = inspector.Attention([new(1, 0), new(1, 1)]).Weights;
        Assert.All(Enumerable.Range(0, both.Length), i => Assert.Equal((one[i] + two[i]) / 2, both[i], 1e-6));
        Assert.Throws<OptionsException>(() => inspector.Attention([new(9, 0)]));
    }

    [Fact]
    public void A_spectrogram_is_the_window_of_the_recordings()
    {
        using WindowInspector whole = new(demo.Model, Samples, 0, new()), later = new(demo.Model, Samples, 3, new());
        SpectrogramTrace all = whole.Spectrogram(), part = later.Spectrogram();
        Assert.Equal((Samples.Length / WhisperAudio.HopLength, 80), (all.Frames, all.Bands));
        Assert.Equal(all.Values[(300 * 80)..], part.Values);
        Assert.Throws<OptionsException>(() => new WindowInspector(demo.Model, Samples, 9, new()));
    }
}
