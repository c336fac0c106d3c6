using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Only the speech is heard, and every time is one of the recording.</summary>
public class SpeechOnlyRunTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private const int Second = 16_000;

    private static readonly TranscriptionOptions Words = new() { WordTimestamps = true, Decoding = new() { Language = "en" } };

    [Fact]
    public void Segments_and_words_lie_where_the_speech_is()
    {
        // A minute of silence between two clips; the model hears ten seconds in all.
        float[] first = Recordings.Samples("04-en.wav"), second = Recordings.Samples("10-en.wav");
        float[] samples = [.. new float[20 * Second], .. first, .. new float[60 * Second], .. second, .. new float[5 * Second]];
        SpeechRegion[] regions =
        [
            new(20 * Second, (20 * Second) + first.Length),
            new((80 * Second) + first.Length, (80 * Second) + first.Length + second.Length),
        ];
        using Transcriber transcriber = new(demo.Model);
        using SpeechOnlyRun run = new(transcriber, samples, regions, Words);
        Segment[] segments = [.. run.Segments()];

        float[] speech = [.. first, .. second];
        Transcript heard = transcriber.Transcribe(speech, Words);
        Assert.Equal(heard.Text, run.Transcript.Text);
        Assert.Equal("en", run.Language);
        Assert.Equal(samples.Length / 16_000.0, run.Duration);
        Assert.Equal(run.Duration, run.Position);
        Assert.True(segments.Length >= 2);
        Assert.All(segments.SelectMany(segment => segment.Words!), word => Assert.Contains(
            regions,
            region => region.StartSeconds - 0.1 <= word.Start && word.End <= region.EndSeconds + 0.5));
        Assert.All(segments, segment => Assert.Equal((segment.Words![0].Start, segment.Words[^1].End), (segment.Start, segment.End)));

        // 0.01 s frames: the first window begins with the first region.
        Assert.Equal(2000, segments[0].Seek);
    }

    [Fact]
    public void A_recording_without_speech_says_nothing()
    {
        using Transcriber transcriber = new(demo.Model);
        using SpeechOnlyRun run = new(transcriber, new float[5 * Second], [], Words);
        Assert.Empty(run.Segments());
        Assert.Equal((5, 5, ""), (run.Duration, run.Position, run.Transcript.Text));
    }

    [Fact]
    public void Speech_from_beginning_to_end_is_heard_as_without_the_filter()
    {
        float[] samples = Recordings.Samples("10-en.wav");
        using Transcriber transcriber = new(demo.Model);
        using SpeechOnlyRun run = new(transcriber, samples, [new(0, samples.Length)], Words);
        Assert.Equal(transcriber.Transcribe(samples, Words).Segments.Select(segment => segment.Text), run.Segments().Select(segment => segment.Text));
    }
}
