using FsCheck;
using FsCheck.Xunit;
using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Any noise, cut anywhere, by any options, in any company: the same tokens as alone, and segments that make sense.</summary>
public class BatchProperties(DemoModel demo) : IClassFixture<DemoModel>
{
    [Property(MaxTest = 25)]
    public void A_window_says_the_same_alone_and_in_company(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        (float[] Samples, SpeechWindow[] Windows)[] recordings = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => RandomRecording(random))];
        TranscriptionOptions[] options = [.. recordings.Select(_ => RandomOptions(random).InBatchesOf(random.Next(2, 6)))];
        using BatchedTranscriber transcriber = new(demo.Model);
        BatchedRun[] runs = [.. recordings.Zip(options, (recording, own) => transcriber.Start(recording.Samples, recording.Windows, own))];
        foreach ((BatchedRun run, (float[] samples, SpeechWindow[] windows), TranscriptionOptions own) in runs.Zip(recordings, options))
        {
            using (run)
            {
                Segment[] segments = [.. run.Segments()];
                Recordings.AssertSame(Recordings.OneByOne(demo.Model, samples, windows, own), segments);
                AssertSensible(segments, run.Duration);
            }
        }
    }

    [Property(MaxTest = 25)]
    public void Windows_that_overlap_give_segments_in_order(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        TranscriptionOptions options = RandomOptions(random);
        float[] samples = RandomRecording(random).Samples;
        double length = 1 + (random.NextDouble() * 4);
        OverlappingWindows windows = new(length, random.NextDouble() * (length - 0.5) / 2);
        Segment[][] results = [.. new[] { 1, random.Next(2, 6) }.Select(size =>
        {
            using BatchedTranscriber transcriber = new(demo.Model);
            using BatchedRun run = transcriber.Start(samples, windows, options.InBatchesOf(size));
            return (Segment[])[.. run.Segments()];
        })];
        Recordings.AssertSame(results[0], results[1]);
        AssertSensible(results[0], (double)samples.Length / WhisperAudio.SampleRate);
        Assert.All(results[0].Zip(results[0].Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start || options.WordTimestamps, $"{pair}"));
    }

    private static void AssertSensible(Segment[] segments, double duration)
    {
        Assert.Equal(Enumerable.Range(0, segments.Length), segments.Select(segment => segment.Id));
        foreach (Segment segment in segments)
        {
            Assert.True(segment.Start >= 0 && segment.Start <= segment.End, $"{segment}");
            Assert.InRange(segment.Seek, 0, (int)(duration * WhisperAudio.FramesPerSecond));

            // A model that was trained on windows of 30 seconds may name any time in them.
            Assert.InRange(segment.End, 0, duration + WhisperAudio.WindowSeconds);
            foreach (Word word in segment.Words ?? [])
            {
                Assert.True(word.Start >= 0 && word.Start <= word.End, $"{word}");
                Assert.InRange(word.Probability, 0, 1);
            }
        }
    }

    private static TranscriptionOptions RandomOptions(Random random) => new()
    {
        Decoding = new()
        {
            Language = random.Next(2) == 0 ? "en" : "de",
            BeamSize = random.Next(3) == 0 ? random.Next(1, 4) : null,
            BestOf = random.Next(2) == 0 ? random.Next(1, 4) : null,
            Seed = (ulong)random.NextInt64(),
            WithoutTimestamps = random.Next(4) == 0,
            SampleLength = random.Next(5, 40),
            NoRepeatNgramSize = random.Next(3) == 0 ? 2 : 0,
        },
        Temperatures = random.Next(2) == 0 ? [0] : [0, 0.5, 1],
        NoSpeechThreshold = random.Next(2) == 0 ? null : 0.6,
        CompressionRatioThreshold = 1 + random.NextDouble(),
        LogProbabilityThreshold = -random.NextDouble() * 2,
        WordTimestamps = random.Next(2) == 0,
        InitialPrompt = random.Next(4) == 0 ? "Ada, Grace." : null,
    };

    /// <summary>Noise of some seconds with silence in it, and regions anywhere: none, touching, of a few samples, up to the end.</summary>
    private static (float[] Samples, SpeechWindow[] Windows) RandomRecording(Random random)
    {
        float[] samples = new float[random.Next(8 * WhisperAudio.SampleRate)];
        double pitch = random.NextDouble() * 4000;
        for (int i = 0; i < samples.Length; i++)
        {
            double loudness = (i / 8000 % 3) switch { 0 => 0.5, 1 => 1e-3, _ => 0 };
            samples[i] = (float)(loudness * (random.NextDouble() - 0.5 + (0.5 * Math.Sin(i * pitch * 2 * Math.PI / WhisperAudio.SampleRate))));
        }

        List<SpeechRegion> regions = [];
        for (int start = random.Next(4000); start < samples.Length;)
        {
            int end = Math.Min(samples.Length, start + 1 + (random.Next(4) == 0 ? random.Next(300) : random.Next(2 * WhisperAudio.SampleRate)));
            regions.Add(new SpeechRegion(start, end));
            start = end + (random.Next(3) == 0 ? 0 : random.Next(8000));
        }

        return (samples, [.. SpeechWindows.Collect(regions, random.Next(1, 4) * WhisperAudio.SampleRate)]);
    }
}
