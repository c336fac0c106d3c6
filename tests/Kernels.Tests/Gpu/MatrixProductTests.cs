using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class MatrixProductTests(GpuFixture gpu)
{
    /// <summary>Rows, inputs, outputs: one row more than a tile, a part of one, many small ones, and so many that they are large.</summary>
    private static readonly (int Rows, int Inputs, int Outputs)[] Sizes =
    [
        (65, 192, 64), (100, 64, 192), (200, 128, 320), (1500, 64, 1472),
    ];

    public static TheoryData<string, ComputeType, int, Epilogue, bool> Cases
    {
        get
        {
            TheoryData<string, ComputeType, int, Epilogue, bool> cases = [];
            foreach (object[] opened in GpuFixture.All)
            {
                (string device, ComputeType type) = ((string)opened[0], (ComputeType)opened[1]);
                for (int size = 0; size < Sizes.Length; size++)
                {
                    cases.Add(device, type, size, Epilogue.None, false);
                    cases.Add(device, type, size, Epilogue.Gelu, false);
                    cases.Add(device, type, size, Epilogue.AddToOutput, true);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Products_are_those_of_the_definition(string device, ComputeType type, int size, Epilogue epilogue, bool isSingle)
    {
        (int rows, int inputs, int outputs) = Sizes[size];
        Check(gpu.Open(device, type), type, rows, inputs, outputs, epilogue, isSingle, hasBias: true);
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Logits_may_be_of_any_width(string device, ComputeType type) =>
        Check(gpu.Open(device, type), type, 77, 64, 517, Epilogue.None, isSingle: true, hasBias: false);

    private static void Check(IKernels kernels, ComputeType type, int rows, int inputs, int outputs, Epilogue epilogue, bool isSingle, bool hasBias)
    {
        float[] x = Rounding.To(type, Make.Values(1, rows, inputs)), bias = Make.Values(2, outputs), before = Make.Values(3, rows, outputs);
        (Linear linear, double[] weight) = Make.Linear(kernels, 4, Rounding.Stored(type), outputs, inputs, hasBias ? bias : null);
        using Tensor input = Make.Device(kernels, x, rows, inputs);
        using Tensor y = isSingle ? kernels.AllocateSingle(rows + 1, outputs) : kernels.Allocate(rows + 1, outputs);
        using (linear)
        {
            kernels.Write(before, y);
            kernels.MatMul(rows, input, linear, y, epilogue);
            (double[] expected, double[] magnitude) = Reference.Product(Reference.Double(x), weight, hasBias ? bias : null, rows, inputs, outputs);
            for (int i = 0; i < expected.Length; i++)
            {
                expected[i] = epilogue switch
                {
                    Epilogue.Gelu => Reference.Gelu(expected[i]),
                    Epilogue.AddToOutput => expected[i] + before[i],
                    _ => expected[i],
                };
            }

            float[] actual = Make.Read(kernels, y, (rows + 1) * outputs);
            double tolerance = (isSingle ? 2e-6 * magnitude.Max() / 4 : Tolerance.Of(type, expected) / 2) + 1e-6;
            Assert.InRange(Reference.Distance(expected, actual[..expected.Length]), 0, tolerance);
            Assert.All(actual[expected.Length..], value => Assert.Equal(0, value)); // nothing beyond the rows

            kernels.Write(before, y);
            kernels.MatMul(rows, input, linear, y, epilogue);
            Assert.Equal(actual, Make.Read(kernels, y, actual.Length)); // bit by bit
        }
    }
}

/// <summary>Numbers as a compute type holds them.</summary>
internal static class Rounding
{
    /// <summary>The type in which a checkpoint would hold them.</summary>
    public static DType Stored(ComputeType type) => type switch
    {
        ComputeType.Float16 => DType.F16,
        ComputeType.BFloat16 => DType.BF16,
        _ => DType.F32,
    };

    /// <summary>The values, rounded toward zero where a rounding is needed (so that bfloat16 needs no more than a mask).</summary>
    public static float[] To(ComputeType type, float[] values) => type switch
    {
        ComputeType.Float16 => [.. values.Select(value => (float)(Half)value)],
        ComputeType.BFloat16 => [.. values.Select(value => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000))],
        _ => values,
    };
}
