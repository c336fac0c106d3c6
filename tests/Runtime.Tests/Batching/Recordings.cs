using Handwritten.Model;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Recordings, their windows, and what the windows say one by one.</summary>
internal static class Recordings
{
    private static readonly SileroVad Vad = SileroVad.Load(TestData.Weights("silero-vad"));

    public static float[] Samples(string file) => AudioFile.Load(TestData.Path("audio", file)).Samples;

    public static IReadOnlyList<SpeechWindow> Windows(float[] samples) =>
        SpeechWindows.Collect(SpeechRegions.Find(Vad, samples, VoiceActivityOptions.ForWindows));

    /// <summary>The same options for batches of a size.</summary>
    public static TranscriptionOptions InBatchesOf(this TranscriptionOptions options, int size) =>
        options with { Windows = options.Windows with { BatchSize = size } };

    /// <summary>Each window as a recording of its own, through the loop that knows of no batches.</summary>
    public static Segment[] OneByOne(WhisperModel model, float[] samples, IReadOnlyList<SpeechWindow> windows, TranscriptionOptions options)
    {
        using Transcriber transcriber = new(model);
        List<Segment> segments = [];
        foreach (SpeechWindow window in windows)
        {
            ulong seed = options.Decoding.Seed + (ulong)(window.Regions[0].Start / WhisperAudio.HopLength);
            TranscriptionOptions own = options with { ConditionOnPreviousText = false, Decoding = options.Decoding with { Seed = seed } };
            foreach (Segment segment in transcriber.Transcribe(window.Cut(samples), own).Segments)
            {
                segments.Add(window.Times.ToRecording(segment) with { Id = segments.Count });
            }
        }

        return [.. segments];
    }

    public static void AssertSame(IReadOnlyList<Segment> expected, IReadOnlyList<Segment> actual)
    {
        Assert.Equal(expected.Select(segment => segment.Text), actual.Select(segment => segment.Text));
        foreach ((Segment wanted, Segment segment) in expected.Zip(actual))
        {
            Assert.Equal((wanted.Id, wanted.Seek, wanted.Start, wanted.End), (segment.Id, segment.Seek, segment.Start, segment.End));
            Assert.Equal(wanted.Tokens, segment.Tokens);
            Assert.Equal((wanted.Temperature, wanted.CompressionRatio), (segment.Temperature, segment.CompressionRatio));
            Assert.Equal(wanted.AverageLogProbability, segment.AverageLogProbability, 1e-4);
            Assert.Equal(wanted.NoSpeechProbability, segment.NoSpeechProbability, 1e-4);
            Assert.Equal(wanted.Words?.Select(word => (word.Text, word.Start, word.End)), segment.Words?.Select(word => (word.Text, word.Start, word.End)));
        }
    }
}
