using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>Two recordings in one batch on the CUDA back end: the text that each has alone on the CPU.</summary>
[Collection(nameof(GpuTests))]
public sealed class GpuBatchTests(GpuFixture gpu)
{
    [Theory]
    [InlineData(null)]
    [InlineData(2)]
    public void Two_clips_share_a_batch(int? beams)
    {
        TranscriptionOptions options = new() { WordTimestamps = true, Temperatures = [0], Decoding = new() { Language = "en", BeamSize = beams } };
        float[][] clips = [.. new[] { "01-en.wav", "03-en.wav" }.Select(Recordings.Samples)];
        SpeechWindow[][] windows = [.. clips.Select(clip => new SpeechWindow[] { new([new(0, clip.Length)]) })];
        using BatchedTranscriber transcriber = new(gpu.Open(ComputeType.Float16));
        BatchedRun[] runs = [.. clips.Zip(windows, (clip, cut) => transcriber.Start(clip, cut, options.InBatchesOf(2)))];
        for (int i = 0; i < clips.Length; i++)
        {
            Segment[] expected = Recordings.OneByOne(gpu.Cpu, clips[i], windows[i], options), actual = [.. runs[i].Segments()];
            Assert.Equal(expected.Select(segment => segment.Text), actual.Select(segment => segment.Text));
            Assert.Equal(expected.SelectMany(segment => segment.Tokens), actual.SelectMany(segment => segment.Tokens));
            Assert.All(
                expected.SelectMany(segment => segment.Words!).Zip(actual.SelectMany(segment => segment.Words!)),
                pair => Assert.Equal(pair.First.Start, pair.Second.Start, 2 * WhisperAudio.SecondsPerTimestamp));
        }
    }
}
