using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class ConvolutionTests
{
    public static TheoryData<int> Widths => Make.Widths;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Convolution_matches_the_definition(int bits)
    {
        using CpuKernels kernels = new(2, bits);
        foreach (DType type in new[] { DType.F32, DType.F16, DType.BF16, DType.F64 })
        {
            Check(kernels, type, batch: 1, frames: 30, channels: 80, outputs: 48, stride: 1, withPositions: false);
            Check(kernels, type, batch: 3, frames: 26, channels: 5, outputs: 33, stride: 2, withPositions: true);
            Check(kernels, type, batch: 2, frames: 1, channels: 3, outputs: 7, stride: 1, withPositions: true);
            Check(kernels, type, batch: 4, frames: 2, channels: 200, outputs: 40, stride: 2, withPositions: true);
            Check(kernels, type, batch: 2, frames: 75, channels: 300, outputs: 65, stride: 1, withPositions: false);
        }
    }

    private static void Check(CpuKernels kernels, DType type, int batch, int frames, int channels, int outputs, int stride, bool withPositions)
    {
        int steps = frames / stride;
        float[] x = Make.Values(1, batch, frames, channels), bias = Make.Values(2, outputs), positions = Make.Values(3, steps, outputs);
        (HostTensor host, double[] w) = Make.Host(type, Make.Values(4, outputs, channels, 3), outputs, channels, 3);
        using Tensor weight = kernels.LoadConvolution(host);
        host.Dispose();
        Assert.Equal([outputs, 3 * channels], weight.Shape);

        // One window more than the batch: it must stay untouched.
        using Tensor input = Make.Device(kernels, [.. x, .. Make.Values(5, frames, channels)], batch + 1, frames, channels);
        using Tensor y = Make.Device(kernels, [.. Enumerable.Repeat(7f, (batch + 1) * steps * outputs)], batch + 1, steps, outputs);
        using Tensor biasTensor = Make.Bias(kernels, bias), positionTensor = Make.Table(kernels, positions, steps, outputs);
        kernels.Conv1dGelu(batch, input, new Linear(weight, biasTensor), stride, withPositions ? positionTensor : null, y);

        double[] expected = new double[batch * steps * outputs];
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < steps; t++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    double sum = bias[o];
                    for (int tap = 0; tap < 3; tap++)
                    {
                        int frame = (t * stride) + tap - 1;
                        for (int c = 0; c < channels && frame >= 0 && frame < frames; c++)
                        {
                            sum += w[(((o * channels) + c) * 3) + tap] * x[(((b * frames) + frame) * channels) + c];
                        }
                    }

                    expected[(((b * steps) + t) * outputs) + o] = Reference.Gelu(sum) + (withPositions ? positions[(t * outputs) + o] : 0);
                }
            }
        }

        float[] actual = Make.Read(kernels, y, (batch + 1) * steps * outputs);
        Assert.InRange(Reference.Distance(expected, actual[..expected.Length]), 0, 5e-5); // of sums up to 40
        Assert.All(actual[expected.Length..], value => Assert.Equal(7f, value));
    }
}
