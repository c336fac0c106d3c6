using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>The demo clips through the CUDA back end: the tokens of the CPU back end, alone and in company.</summary>
[Collection(nameof(GpuTests))]
public sealed class GpuDecodingTests(GpuFixture gpu)
{
    private static readonly DecodingOptions Greedy = new() { Language = "en" };

    private static readonly string[] Clips =
        ["01-en.wav", "02-en.wav", "03-en.wav", "04-en.wav", "05-en.wav", "06-en.wav", "07-en.wav", "08-en.wav", "09-en.wav", "10-en.wav"];

    [Fact]
    public void Five_clips_side_by_side_give_the_tokens_that_the_cpu_gives_each_alone()
    {
        foreach (string[] clips in Clips.Chunk(5))
        {
            AssertAsOnTheCpu(Greedy, clips);
        }
    }

    [Fact]
    public void Clips_in_other_languages_and_a_window_that_is_full_give_the_tokens_of_the_cpu()
    {
        AssertAsOnTheCpu(Greedy with { Language = "es" }, "12-es.wav");
        AssertAsOnTheCpu(Greedy with { Language = "fr" }, "14-fr.wav");
        AssertAsOnTheCpu(Greedy with { Language = "de" }, "13-de.wav");
        AssertAsOnTheCpu(Greedy, "long-en.wav", "11-en.wav");
    }

    [Theory]
    [InlineData(ComputeType.Float32, "10-en.wav")]
    [InlineData(ComputeType.Float16, "10-en.wav")]
    [InlineData(ComputeType.Float16, "silence-noise.wav")]
    [InlineData(ComputeType.BFloat16, "01-en.wav")]
    [InlineData(ComputeType.Int8Float32, "01-en.wav")]
    [InlineData(ComputeType.Int8Float16, "01-en.wav")]
    [InlineData(ComputeType.Int8Float16, "03-en.wav")]
    [InlineData(ComputeType.Int8BFloat16, "01-en.wav")]
    public void A_clip_alone_gives_the_tokens_of_the_cpu(ComputeType type, string clip) => AssertEqual(
        Decode(type.HasInt8Weights() ? gpu.CpuInt8 : gpu.Cpu, Greedy, clip)[0], Decode(gpu.Open(type), Greedy, clip)[0], type.Activations() == ComputeType.BFloat16 ? 0.1 : 0.02);

    [Theory]
    [InlineData(ComputeType.Float16)]
    [InlineData(ComputeType.Int8Float16)]
    public void A_clip_has_the_same_tokens_alone_as_in_company(ComputeType type)
    {
        DecodingResult alone = Decode(gpu.Open(type), Greedy, Clips[4])[0];
        DecodingResult inCompany = Decode(gpu.Open(type), Greedy, Clips[9], Clips[4])[1];
        Assert.Equal(alone.Tokens, inCompany.Tokens);
        Assert.Equal(alone.AverageLogProbability, inCompany.AverageLogProbability);
    }

    [Fact]
    public void Samples_that_begin_together_are_those_of_the_cpu()
    {
        DecodingOptions drawing = Greedy with { Temperature = 0.7, BestOf = 3, Seed = 42 };
        AssertEqual(Decode(gpu.Cpu, drawing, Clips[0])[0], Decode(gpu.Open(ComputeType.Float32), drawing, Clips[0])[0]);
    }

    [Theory]
    [InlineData("en", "03-en.wav", "10-en.wav")]
    [InlineData("es", "12-es.wav")]
    public void Five_beams_find_the_text_that_they_find_on_the_cpu(string language, params string[] clips) =>
        AssertAsOnTheCpu(Greedy with { Language = language, BeamSize = 5 }, clips);

    [Theory]
    [InlineData("en", "01-en.wav", "02-en.wav", "04-en.wav", "05-en.wav")]
    [InlineData("en", "06-en.wav", "07-en.wav", "08-en.wav", "09-en.wav")]
    [InlineData("en", "11-en.wav", "long-en.wav", "silence-noise.wav")]
    [InlineData("de", "13-de.wav")]
    [InlineData("fr", "14-fr.wav")]
    [Trait("Speed", "Slow")]
    public void Five_beams_find_the_texts_of_all_other_clips_as_well(string language, params string[] clips) =>
        AssertAsOnTheCpu(Greedy with { Language = language, BeamSize = 5 }, clips);

    [Fact]
    public void Words_have_the_times_that_they_have_on_the_cpu()
    {
        TranscriptionOptions options = new() { Decoding = Greedy, WordTimestamps = true };
        float[] samples = Samples("10-en.wav");
        using Transcriber cpu = new(gpu.Cpu), cuda = new(gpu.Open(ComputeType.Float16));
        Word[] expected = [.. cpu.Transcribe(samples, options).Segments.SelectMany(segment => segment.Words!)];
        Word[] actual = [.. cuda.Transcribe(samples, options).Segments.SelectMany(segment => segment.Words!)];

        Assert.NotEmpty(expected);
        Assert.Equal(expected.Select(word => word.Text), actual.Select(word => word.Text));
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].Start, actual[i].Start, 0.021);
            Assert.Equal(expected[i].End, actual[i].End, 0.021);
            Assert.Equal(expected[i].Probability, actual[i].Probability, 0.05);
        }
    }

    /// <summary>What the CUDA back end finds in clips side by side is what the CPU finds in each alone.</summary>
    private void AssertAsOnTheCpu(DecodingOptions options, params string[] clips)
    {
        DecodingResult[] expected = [.. clips.SelectMany(clip => Decode(gpu.Cpu, options, clip))];
        DecodingResult[] actual = Decode(gpu.Open(ComputeType.Float16), options, clips);
        for (int i = 0; i < clips.Length; i++)
        {
            AssertEqual(expected[i], actual[i]);
        }
    }

    private static void AssertEqual(DecodingResult expected, DecodingResult actual, double tolerance = 0.02)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.AverageLogProbability, actual.AverageLogProbability, tolerance);
        Assert.Equal(expected.NoSpeechProbability, actual.NoSpeechProbability, tolerance);
    }

    /// <summary>Decodes the first window of each clip, all in one batch.</summary>
    private static DecodingResult[] Decode(WhisperModel model, DecodingOptions options, params string[] clips)
    {
        int count = clips.Length, lanes = count * options.Lanes;
        using EncoderState encoder = model.Network.Encoder.CreateState(count);
        using DecoderState decoder = model.Network.Decoder.CreateState(windows: count, lanes: lanes, outputs: Math.Max(2, lanes));
        using DecodingTask task = new(model, decoder);
        for (int i = 0; i < count; i++)
        {
            using Tensor mel = model.Network.Frontend.Compute(Samples(clips[i]), WhisperAudio.WindowSamples);
            model.Network.Kernels.CopyWindow(mel, 0, WhisperAudio.WindowFrames, encoder.LogMel, i);
        }

        model.Network.Encoder.Forward(encoder, count);
        model.Network.Decoder.Listen(decoder, encoder.Output, [.. Enumerable.Range(0, count)]);
        return task.Decode([.. Enumerable.Range(0, count).Select(window => new WindowRequest(options, window))]);
    }

    private static float[] Samples(string file) => AudioFile.Load(TestData.Path("audio", file)).Samples;
}
