using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Tests.LogMel;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class LogMelTransformTests(GpuFixture gpu)
{
    [Theory]
    [InlineData("h200", 80)]
    [InlineData("t4", 128)]
    public void Speech_agrees_with_the_original_in_every_element(string device, int mels)
    {
        float[] samples = TestSignals.ToFloat(TestSignals.Named("jfk_whole_file"));
        float[] expected = ReferenceTensor.Read("jfk.safetensors", $"log_mel_{mels}"); // [mels, frames]
        float[] actual = Compute(gpu.Open(device, ComputeType.Float32), samples, 480000 - samples.Length, mels);
        Assert.Equal(expected.Length, actual.Length);
        double largest = 0, squares = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double difference = Math.Abs(expected[(i % mels * (expected.Length / mels)) + (i / mels)] - actual[i]);
            largest = Math.Max(largest, difference);
            squares += difference * difference;
        }

        Assert.InRange(largest, 0, 1e-4);
        Assert.InRange(Math.Sqrt(squares / actual.Length), 0, 5e-6);
    }

    /// <summary>Lengths about the frame, the hop and the eight frames of a block; tones, clicks and all there is in the reference.</summary>
    [Theory]
    [InlineData("very_short", 57, 144, 80)]
    [InlineData("very_short", 1, 480000, 80)]
    [InlineData("very_short", 57, 2000, 128)]
    [InlineData("odd_length", 201, 0, 80)]
    [InlineData("odd_length", 319, 0, 128)]
    [InlineData("odd_length", 320, 0, 128)]
    [InlineData("odd_length", 1279, 0, 80)]
    [InlineData("odd_length", 1280, 1, 80)]
    [InlineData("odd_length", 1440, 159, 80)]
    [InlineData("odd_length", 40123, 480000, 128)]
    [InlineData("impulse", 48000, 0, 80)]
    [InlineData("nyquist_full_scale", 32000, 16000, 80)]
    [InlineData("nyquist_full_scale", 32000, 0, 128)]
    [InlineData("stress_180s", 560000, 0, 80)]
    [InlineData("stress_second_half_alone", 560000, 300, 128)]
    public void Signals_agree_with_the_CPU_back_end(string signal, int samples, int padding, int mels)
    {
        float[] heard = TestSignals.ToFloat(TestSignals.Named(signal)[..samples]);
        float[] expected = Compute(gpu.Cpu, heard, padding, mels), actual = Compute(gpu.Open("h200", ComputeType.Float16), heard, padding, mels);
        Assert.Equal(((samples + padding) / 160) * mels, actual.Length);
        Assert.InRange(Reference.Distance(Reference.Double(expected), actual), 0, 1e-4);
    }

    [Theory]
    [InlineData(0, 480000)]
    [InlineData(201, 0)]
    [InlineData(5000, 77)]
    public void Silence_is_exactly_the_smallest_power(int samples, int padding) =>
        Assert.All(Compute(gpu.Open("h200", ComputeType.Float32), new float[samples], padding, 80), value => Assert.Equal(-1.5f, value));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void One_sample_that_is_no_number_leaves_no_number_in_the_recording(float sample)
    {
        float[] samples = TestSignals.ToFloat(TestSignals.Named("odd_length"));
        samples[20000] = sample;
        Assert.DoesNotContain(Compute(gpu.Cpu, samples, 100, 80), value => !float.IsNaN(value));
        Assert.DoesNotContain(Compute(gpu.Open("h200", ComputeType.Float32), samples, 100, 80), value => !float.IsNaN(value));
    }

    [Fact]
    public void A_recording_gives_the_same_bits_every_time()
    {
        float[] samples = TestSignals.ToFloat(TestSignals.Named("odd_length"));
        IKernels kernels = gpu.Open("h200", ComputeType.Float32);
        Assert.Equal(Compute(kernels, samples, 500, 80), Compute(kernels, samples, 500, 80));
    }

    [Fact]
    public void Recordings_too_short_and_filters_of_another_transform_are_refused()
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float32);
        using Tensor filters = Make.Table(kernels, new float[80 * 201], 80, 201), others = Make.Table(kernels, new float[80 * 257], 80, 257);
        Assert.Contains("got 100;", Assert.Throws<ArgumentException>(() => kernels.LogMel(new float[100], 0, filters)).Message, StringComparison.Ordinal);
        Assert.Contains("201 wide", Assert.Throws<ArgumentException>(() => kernels.LogMel(new float[1000], 0, others)).Message, StringComparison.Ordinal);
    }

    private static float[] Compute(IKernels kernels, float[] samples, int padding, int mels)
    {
        using Tensor filters = Make.Table(kernels, ReferenceTensor.Read("mel_filters.safetensors", $"mel_{mels}"), mels, 201);
        using Tensor mel = kernels.LogMel(samples, padding, filters);
        Assert.Equal([(samples.Length + padding) / 160, mels], mel.Shape);
        return Make.Read(kernels, mel, (int)mel.ElementCount);
    }
}
