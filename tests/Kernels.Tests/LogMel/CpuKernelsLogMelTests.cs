using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests.LogMel;

public class CpuKernelsLogMelTests
{
    private static readonly float[] Filters = ReferenceTensor.Read("mel_filters.safetensors", "mel_80");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void A_team_computes_the_same_bits_as_one_thread(int threads)
    {
        using CpuKernels kernels = new(threads);
        using Tensor filters = Make.Table(kernels, Filters, 80, 201);
        LogMelSpectrogram serial = new(Filters);
        foreach ((string signal, int padding) in new[] { ("jfk_whole_file", 480000), ("odd_length", 0), ("very_short", 500), ("impulse", 1) })
        {
            float[] samples = TestSignals.ToFloat(TestSignals.Named(signal));
            using Tensor mel = kernels.LogMel(samples, padding, filters);
            Assert.Equal([(samples.Length + padding) / 160, 80], mel.Shape);
            Assert.Equal(serial.Compute(samples, padding), Make.Read(kernels, mel, (int)mel.ElementCount));
        }
    }

    [Fact]
    public void A_thread_computes_the_same_bits_aside_while_another_one_uses_the_back_end()
    {
        using CpuKernels kernels = new(2);
        using Tensor filters = Make.Table(kernels, Filters, 80, 201);
        float[] samples = TestSignals.ToFloat(TestSignals.Named("jfk_whole_file"));
        using Tensor expected = kernels.LogMel(samples, 480000, filters);
        bool done = false;
        Thread other = new(() =>
        {
            while (!Volatile.Read(ref done))
            {
                kernels.LogMel(samples, 480000, filters).Dispose();
            }
        });
        other.Start();
        using Tensor mel = kernels.LogMelAside(samples, 480000, filters)!;
        Volatile.Write(ref done, true);
        other.Join();
        Assert.Equal(expected.Shape, mel.Shape);
        Assert.Equal(Make.Read(kernels, expected, (int)expected.ElementCount), Make.Read(kernels, mel, (int)mel.ElementCount));
    }

    [Fact]
    public void Silence_without_a_sample_is_silence()
    {
        using CpuKernels kernels = new(2);
        using Tensor filters = Make.Table(kernels, Filters, 80, 201);
        using Tensor mel = kernels.LogMel([], 480000, filters);
        Assert.Equal([3000, 80], mel.Shape);
        Assert.All(Make.Read(kernels, mel, 3000 * 80), value => Assert.Equal(-1.5f, value));
    }

    [Fact]
    public void Refuses_recordings_too_short_and_filters_of_another_transform()
    {
        using CpuKernels kernels = new(1);
        using Tensor filters = Make.Table(kernels, Filters, 80, 201), others = Make.Table(kernels, new float[80 * 257], 80, 257);
        Assert.Contains("got 100;", Assert.Throws<ArgumentException>(() => kernels.LogMel(new float[100], 0, filters)).Message, StringComparison.Ordinal);
        Assert.Contains("201 wide", Assert.Throws<ArgumentException>(() => kernels.LogMel(new float[1000], 0, others)).Message, StringComparison.Ordinal);
    }
}
