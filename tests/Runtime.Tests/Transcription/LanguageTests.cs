using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>Languages that are detected: in more windows than the first, and in each.</summary>
public class LanguageTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly TranscriptionOptions Greedy = new() { Temperatures = [0] };

    [Fact]
    public void Each_window_can_have_a_language_of_its_own()
    {
        // Spanish in the first window, English in the second.
        float[] samples = [.. Padded("12-es.wav"), .. Samples("01-en.wav")];
        using Transcriber transcriber = new(demo.Model);
        Transcript one = transcriber.Transcribe(samples, Greedy);
        Assert.All(one.Segments, segment => Assert.Null(segment.Language));

        Transcript each = transcriber.Transcribe(samples, Greedy with { Multilingual = true });
        Segment[] spoken = [.. each.Segments.Where(segment => segment.Text.Length > 0)];
        Assert.Equal("es", each.Language);
        Assert.Equal("es", spoken[0].Language);
        Assert.Equal("en", spoken[^1].Language);
        Assert.Contains("Please play rock music", spoken[^1].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0.5, "en")] // the first window alone
    [InlineData(3, 0.0, "en")] // the first is sure enough
    [InlineData(3, 1.0, "es")] // none is: two of three
    public void More_windows_decide_where_the_first_is_not_sure(int segments, double threshold, string language)
    {
        float[] samples = [.. Padded("01-en.wav"), .. Padded("12-es.wav"), .. Padded("12-es.wav")];
        using Transcriber transcriber = new(demo.Model);
        using TranscriptionRun run = transcriber.Start(samples, Greedy with { LanguageDetectionSegments = segments, LanguageDetectionThreshold = threshold });
        Assert.Equal(language, run.Language);
    }

    [Fact]
    public void Recordings_shorter_than_the_windows_to_look_at_are_no_failure()
    {
        using Transcriber transcriber = new(demo.Model);
        using TranscriptionRun run = transcriber.Start(Samples("12-es.wav"), Greedy with { LanguageDetectionSegments = 100, LanguageDetectionThreshold = 1 });
        Assert.Equal("es", run.Language);
        Assert.Empty(transcriber.Transcribe([], Greedy with { LanguageDetectionSegments = 100, LanguageDetectionThreshold = 1 }).Segments);
    }

    [Fact]
    public void A_larger_search_after_a_smaller_one_finds_what_it_finds_alone()
    {
        TranscriptionOptions beams = Greedy with { Decoding = new() { Language = "en", BeamSize = 5 }, WordTimestamps = true };
        using Transcriber used = new(demo.Model), fresh = new(demo.Model);
        used.Transcribe(Samples("04-en.wav"), Greedy);
        Assert.Equal(
            fresh.Transcribe(Samples("10-en.wav"), beams).Segments.SelectMany(segment => segment.Words!),
            used.Transcribe(Samples("10-en.wav"), beams).Segments.SelectMany(segment => segment.Words!));
    }

    private static float[] Samples(string file) => AudioFile.Load(TestData.Path("audio", file)).Samples;

    private static float[] Padded(string file)
    {
        float[] window = new float[30 * 16_000];
        Samples(file).CopyTo(window, 0);
        return window;
    }
}
