using System.Text.Json;
using Handwritten.Model;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.VoiceActivity;

/// <summary>The network against its original, on two recordings of speech.</summary>
public class SileroVadTests
{
    private static readonly SileroVad Vad = SileroVad.Load(TestData.Weights("silero-vad"));

    [Theory]
    [InlineData("jfk.json", "jfk.wav")]
    [InlineData("bush.json", "bush.wav")]
    public void Gives_the_probabilities_of_the_original(string reference, string recording)
    {
        float[] expected = [.. VadReference.Load(reference).GetProperty("probabilities").EnumerateArray().Select(value => value.GetSingle())];
        float[] actual = Vad.Probabilities(Samples(recording));
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - 1e-5f, pair.First + 1e-5f));
    }

    [Theory]
    [InlineData("jfk.json", "jfk.wav")]
    [InlineData("bush.json", "bush.wav")]
    public void Finds_the_speech_that_faster_whisper_finds(string reference, string recording)
    {
        float[] samples = Samples(recording);
        JsonElement[] cases = [.. VadReference.Load(reference).GetProperty("speech_timestamps").EnumerateArray()];
        Assert.Equal(5, cases.Length);
        Assert.All(cases, example => Assert.Equal(
            example.GetProperty("result").EnumerateArray().Select(region => new SpeechRegion(region.GetProperty("start").GetInt32(), region.GetProperty("end").GetInt32())),
            SpeechRegions.Find(Vad, samples, VadReference.Options(example.GetProperty("options")))));
    }

    [Fact]
    public void A_recording_of_several_groups_of_windows_is_one_recording()
    {
        float[] speech = Samples("bush.wav");
        float[] recording = [.. speech, .. speech, .. speech.AsSpan(0, 512 * 300)];
        float[] actual = Vad.Probabilities(recording);
        Assert.True(actual.Length > 2048);
        Assert.All(new PlainSileroVad().Probabilities(recording).Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(511, 1)]
    [InlineData(512, 2)]
    [InlineData(513, 2)]
    public void Counts_the_windows_as_faster_whisper_does(int samples, int windows)
    {
        float[] probabilities = Vad.Probabilities(new float[samples]);
        Assert.Equal(windows, probabilities.Length);
        Assert.All(probabilities, probability => Assert.InRange(probability, 0f, 0.1f));
    }

    [Fact]
    public void Many_threads_may_ask_at_once()
    {
        float[] samples = Samples("jfk.wav"), expected = Vad.Probabilities(samples);
        float[][] results = new float[8][];
        Parallel.For(0, results.Length, i => results[i] = Vad.Probabilities(samples));
        Assert.All(results, result => Assert.Equal(expected, result));
    }

    [Fact]
    public void Ends_when_cancelled() =>
        Assert.ThrowsAny<OperationCanceledException>(() => Vad.Probabilities(new float[16000], new CancellationToken(canceled: true)));

    [Fact]
    public void Refuses_another_network()
    {
        ModelException failure = Assert.ThrowsAny<ModelException>(() => SileroVad.Load(TestData.Weights("whisper-nano")));
        Assert.Contains("stft.forward_basis_buffer", failure.Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ModelException>(() => SileroVad.Load("no such folder"));
    }

    private static float[] Samples(string recording) => AudioFile.Load(TestData.Path("audio", recording)).Samples;
}
