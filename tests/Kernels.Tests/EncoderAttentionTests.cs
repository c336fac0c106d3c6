using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class EncoderAttentionTests
{
    public static TheoryData<int> Widths => Make.Widths;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Full_attention_matches_the_definition(int bits)
    {
        using CpuKernels kernels = new(2, bits);
        Check(kernels, batch: 1, frames: 150, heads: 6, size: 64);
        Check(kernels, batch: 3, frames: 33, heads: 2, size: 20);
        Check(kernels, batch: 2, frames: 1, heads: 3, size: 5);
        Check(kernels, batch: 1, frames: 70, heads: 1, size: 128);
        Check(kernels, batch: 2, frames: 500, heads: 1, size: 24);
    }

    [Fact]
    public void Heads_that_do_not_share_the_width_evenly_are_refused()
    {
        using CpuKernels kernels = new(1);
        using Tensor x = kernels.Allocate(1, 4, 30), y = kernels.Allocate(1, 4, 10);
        Assert.StartsWith("A width of 10 cannot be shared out to 3 heads.", Assert.Throws<ArgumentException>(() => kernels.Attention(1, x, 3, y)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_and_neighbours_in_the_batch_do_not_change_a_bit()
    {
        const int frames = 200, heads = 4, width = 128;
        float[] x = Make.Values(9, 3, frames, 3 * width);
        float[] together = Run(threads: 2, batch: 3, x, frames, heads, width);
        Assert.Equal(together, Run(threads: 2, batch: 3, x, frames, heads, width));
        Assert.Equal(together, Run(threads: 1, batch: 3, x, frames, heads, width));
        Assert.Equal(together[(frames * width)..(2 * frames * width)], Run(threads: 5, batch: 1, x[(frames * 3 * width)..(2 * frames * 3 * width)], frames, heads, width));
    }

    private static float[] Run(int threads, int batch, float[] x, int frames, int heads, int width)
    {
        using CpuKernels kernels = new(threads);
        using Tensor input = Make.Device(kernels, x, batch, frames, 3 * width), y = kernels.Allocate(batch, frames, width);
        kernels.Attention(batch, input, heads, y);
        return Make.Read(kernels, y, batch * frames * width);
    }

    private static void Check(CpuKernels kernels, int batch, int frames, int heads, int size)
    {
        int width = heads * size;

        // Large queries make sharp softmaxes, where a wrong exponential would show.
        float[] x = Array.ConvertAll(Make.Values(1, batch, frames, 3 * width), v => v * 3);
        using Tensor input = Make.Device(kernels, x, batch, frames, 3 * width), y = kernels.Allocate(batch, frames, width);
        kernels.Attention(batch, input, heads, y);
        double[] exact = Reference.Double(x), expected = new double[batch * frames * width];
        for (int b = 0; b < batch; b++)
        {
            for (int head = 0; head < heads; head++)
            {
                int start = (b * frames * 3 * width) + (head * size);
                for (int t = 0; t < frames; t++)
                {
                    Reference.Attend(
                        exact.AsSpan(start + (t * 3 * width), size),
                        (s, i) => exact[start + (((s * 3) + 1) * width) + i],
                        (s, i) => exact[start + (((s * 3) + 2) * width) + i],
                        frames,
                        size).CopyTo(expected, (((b * frames) + t) * width) + (head * size));
                }
            }
        }

        Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, expected.Length)), 0, 2e-5);
    }
}
