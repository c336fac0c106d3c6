using System.Text.Json;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>The demo model with int8 weights: what it hears, beside what it hears with weights as they are stored.</summary>
public sealed class Int8TranscriberTests(DemoModel demo) : IClassFixture<DemoModel>, IDisposable
{
    private readonly CpuKernels _kernels = new(hasInt8Weights: true);

    private static readonly TranscriptionOptions Options = new() { ConditionOnPreviousText = false, Decoding = new() { Language = "en" } };

    private static readonly (string File, string Text)[] Clips = [.. Manifest()];

    public void Dispose() => _kernels.Dispose();

    [Fact]
    public void There_are_no_more_word_errors_but_for_one_in_a_hundred_words()
    {
        using WhisperModel quantised = WhisperModel.Load(TestData.Weights("whisper-nano"), _kernels);
        int words = Clips.Sum(clip => WordErrors.Words(clip.Text).Length), stored = Errors(demo.Model), int8 = Errors(quantised);
        Assert.InRange(words, 200, int.MaxValue);
        Assert.InRange(int8, 0, stored + (words / 100));
    }

    [Fact]
    public void Clips_of_a_batch_have_the_tokens_of_each_alone()
    {
        using WhisperModel quantised = WhisperModel.Load(TestData.Weights("whisper-nano"), _kernels);
        TranscriptionOptions options = Options with { Temperatures = [0] };
        float[][] clips = [.. Clips.Take(3).Select(clip => Recordings.Samples(clip.File))];
        SpeechWindow[][] windows = [.. clips.Select(clip => new SpeechWindow[] { new([new(0, clip.Length)]) })];
        using BatchedTranscriber transcriber = new(quantised);
        BatchedRun[] runs = [.. clips.Zip(windows, (clip, cut) => transcriber.Start(clip, cut, options.InBatchesOf(clips.Length)))];
        for (int i = 0; i < clips.Length; i++)
        {
            int[] expected = [.. Recordings.OneByOne(quantised, clips[i], windows[i], options).SelectMany(segment => segment.Tokens)];
            Assert.NotEmpty(expected);
            Assert.Equal(expected, runs[i].Segments().SelectMany(segment => segment.Tokens));
        }
    }

    private static int Errors(WhisperModel model)
    {
        using Transcriber transcriber = new(model);
        return Clips.Sum(clip => WordErrors.Count(
            WordErrors.Words(clip.Text), WordErrors.Words(transcriber.Transcribe(AudioFile.Load(TestData.Path("audio", clip.File)).Samples, Options).Text)));
    }

    /// <summary>All clips that are English.</summary>
    private static IEnumerable<(string File, string Text)> Manifest()
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("audio", "manifest.json")));
        foreach (JsonElement clip in manifest.RootElement.GetProperty("clips").EnumerateArray())
        {
            string file = clip.GetProperty("file").GetString()!;
            if (file.EndsWith("-en.wav", StringComparison.Ordinal))
            {
                yield return (file, clip.GetProperty("text").GetString()!);
            }
        }
    }
}
