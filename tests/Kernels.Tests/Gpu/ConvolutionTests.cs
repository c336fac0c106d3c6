using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class ConvolutionTests(GpuFixture gpu)
{
    /// <summary>Batch, frames, channels, outputs, stride: 3 · 80 is no multiple of a stage, 51 frames none of the stride.</summary>
    private static readonly (int Batch, int Frames, int Channels, int Outputs, int Stride)[] Sizes =
    [
        (1, 2, 128, 64, 1), (3, 50, 80, 192, 1), (2, 51, 64, 320, 2),
    ];

    public static TheoryData<string, ComputeType, int> Cases
    {
        get
        {
            TheoryData<string, ComputeType, int> cases = [];
            foreach (object[] opened in GpuFixture.All)
            {
                for (int size = 0; size < Sizes.Length; size++)
                {
                    cases.Add((string)opened[0], (ComputeType)opened[1], size);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Convolutions_end_in_gelu(string device, ComputeType type, int size) => Check(gpu.Open(device, type), type, Sizes[size], hasPositions: false);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Positions_are_added_behind_gelu(string device, ComputeType type, int size) => Check(gpu.Open(device, type), type, Sizes[size], hasPositions: true);

    /// <summary>Compares a convolution with its definition.</summary>
    internal static void Check(IKernels kernels, ComputeType type, (int Batch, int Frames, int Channels, int Outputs, int Stride) size, bool hasPositions)
    {
        (int batch, int frames, int channels, int outputs, int stride) = size;
        int steps = frames / stride;
        float[] x = Rounding.To(type, Make.Values(1, batch, frames, channels)), bias = Make.Values(2, outputs), positions = Make.Values(3, steps, outputs);
        (HostTensor host, double[] weight) = Make.Host(Rounding.Stored(type), Make.Values(4, outputs, channels, 3), outputs, channels, 3);
        using (host)
        {
            using Linear convolution = new(kernels.LoadConvolution(host), Make.Bias(kernels, bias));
            using Tensor input = Make.Device(kernels, x, batch, frames, channels), table = Make.Table(kernels, positions, steps, outputs);
            using Tensor y = hasPositions ? kernels.AllocateSingle(batch, steps, outputs) : kernels.Allocate(batch, steps, outputs);
            kernels.Conv1dGelu(batch, input, convolution, stride, hasPositions ? table : null, y);

            double[] expected = new double[batch * steps * outputs];
            for (int i = 0; i < expected.Length; i++)
            {
                (int row, int output) = Math.DivRem(i, outputs);
                (int window, int step) = Math.DivRem(row, steps);
                double sum = bias[output];
                for (int tap = 0; tap < 3; tap++)
                {
                    int frame = (step * stride) + tap - 1;
                    for (int channel = 0; channel < channels && frame >= 0 && frame < frames; channel++)
                    {
                        sum += weight[(((output * channels) + channel) * 3) + tap] * x[(((window * frames) + frame) * channels) + channel];
                    }
                }

                expected[i] = Reference.Gelu(sum) + (hasPositions ? positions[(step * outputs) + output] : 0);
            }

            double tolerance = hasPositions || type == ComputeType.Float32 ? 1e-6 * 3 * channels / 16 : Tolerance.Of(type, expected) / 2;
            Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, expected.Length)), 0, tolerance + 1e-6);
        }
    }
}
