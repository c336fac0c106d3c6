using FsCheck.Xunit;
using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class MatrixProductTests
{
    public static TheoryData<int> Widths => Make.Widths;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_row_count_shape_and_weight_type_matches_the_definition(int bits)
    {
        using CpuKernels kernels = new(2, bits), quantising = new(2, bits, hasInt8Weights: true);
        (int Rows, int Inputs, int Outputs)[] shapes =
        [
            (1, 384, 96), (1, 7, 5), (2, 33, 31), (3, 64, 65), (5, 513, 40), (6, 100, 32), (7, 1, 1), (11, 515, 33),
            (12, 128, 64), (13, 128, 70), (25, 700, 100), (40, 20, 257), (131, 48, 75), (700, 520, 34),
        ];
        foreach (DType type in new[] { DType.F32, DType.F16, DType.BF16, DType.F64 })
        {
            foreach ((int rows, int inputs, int outputs) in shapes)
            {
                foreach (Epilogue epilogue in Enum.GetValues<Epilogue>())
                {
                    Check(kernels, type, rows, inputs, outputs, epilogue, withBias: rows % 2 == 1);
                    Check(quantising, type, rows, inputs, outputs, epilogue, withBias: rows % 2 == 0);
                }
            }
        }
    }

    [Property(MaxTest = 60)]
    public void Random_shapes_match_the_definition(byte rows, ushort inputs, ushort outputs, bool bias, bool hasInt8Weights, byte choice)
    {
        int[] widths = VectorRoutines.AvailableBits;
        using CpuKernels kernels = new(1 + (choice % 3), widths[choice % widths.Length], hasInt8Weights);
        DType type = new[] { DType.F32, DType.F16, DType.BF16, DType.F64 }[choice % 4];
        Check(kernels, type, 1 + (rows % 90), 1 + (inputs % 1100), 1 + (outputs % 300), (Epilogue)(choice % 3), bias);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_row_alone_and_in_a_batch_gives_the_same_bits(int bits)
    {
        using CpuKernels kernels = new(2, bits), quantising = new(2, bits, hasInt8Weights: true);
        CheckBatches(kernels);
        CheckBatches(quantising);
    }

    private static void CheckBatches(CpuKernels kernels)
    {
        const int rows = 50, inputs = 1300, outputs = 70;
        float[] x = Make.Values(1, rows, inputs);
        using Linear linear = Make.Linear(kernels, 2, DType.F16, outputs, inputs, Make.Values(3, outputs)).Linear;
        float[] together = Run(kernels, x, rows, linear);
        foreach (int batch in new[] { 1, 2, 3, 5, 9, 20 })
        {
            for (int row = 0; row + batch <= rows; row += batch)
            {
                float[] alone = Run(kernels, x[(row * inputs)..((row + batch) * inputs)], batch, linear);
                Assert.Equal(together[(row * outputs)..((row + batch) * outputs)], alone);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(9, false)]
    [InlineData(400, false)]
    [InlineData(1, true)]
    [InlineData(9, true)]
    [InlineData(400, true)]
    public void Threads_and_vector_widths_do_not_change_a_bit(int rows, bool hasInt8Weights)
    {
        const int inputs = 700, outputs = 200;
        float[] x = Make.Values(1, rows, inputs);
        List<float[]> results = [];
        foreach (int bits in VectorRoutines.AvailableBits)
        {
            foreach (int threads in new[] { 1, 2, 5 })
            {
                using CpuKernels kernels = new(threads, bits, hasInt8Weights);
                using Linear linear = Make.Linear(kernels, 2, DType.BF16, outputs, inputs, Make.Values(3, outputs)).Linear;
                results.Add(Run(kernels, x, rows, linear));
                results.Add(Run(kernels, x, rows, linear));
            }
        }

        // Without fused multiply-add, 128-bit vectors round twice; every machine with 256 bits has it at 128 as well.
        Assert.All(results, result => Assert.Equal(results[0], result));
    }

    [Fact]
    public void Only_the_first_rows_are_touched()
    {
        using CpuKernels kernels = new(2);
        using Linear linear = Make.Linear(kernels, 1, DType.F32, 33, 20, null).Linear;
        using Tensor x = Make.Device(kernels, Make.Values(2, 30, 20), 30, 20);
        using Tensor y = Make.Device(kernels, [.. Enumerable.Repeat(7f, 30 * 33)], 30, 33);
        kernels.MatMul(17, x, linear, y);
        Assert.All(Make.Read(kernels, y, 30 * 33)[(17 * 33)..], value => Assert.Equal(7f, value));
    }

    [Fact]
    public void Wrong_widths_are_refused_with_a_sentence()
    {
        using CpuKernels kernels = new(1);
        using Linear linear = Make.Linear(kernels, 1, DType.F32, 33, 20, null).Linear;
        using Tensor x = kernels.Allocate(4, 21), good = kernels.Allocate(4, 20), y = kernels.Allocate(4, 33);
        Assert.Equal("A product that is 20 wide got rows of 21.", Assert.Throws<ArgumentException>(() => kernels.MatMul(4, x, linear, y)).Message);
        Assert.Contains("has 80 elements where 100 are needed", Assert.Throws<ArgumentException>(() => kernels.MatMul(5, good, linear, y)).Message, StringComparison.Ordinal);
    }

    private static float[] Run(CpuKernels kernels, float[] x, int rows, Linear linear)
    {
        using Tensor input = Make.Device(kernels, x, rows, linear.Inputs), y = kernels.Allocate(rows, linear.Outputs);
        kernels.MatMul(rows, input, linear, y, Epilogue.Gelu);
        return Make.Read(kernels, y, rows * linear.Outputs);
    }

    private static void Check(CpuKernels kernels, DType type, int rows, int inputs, int outputs, Epilogue epilogue, bool withBias)
    {
        float[]? bias = withBias ? Make.Values(5, outputs) : null;
        float[] x = Make.Values(6, rows, inputs), before = Make.Values(7, rows, outputs);
        (Linear linear, double[] weight) = Make.Linear(kernels, 8, type, outputs, inputs, bias);
        using (linear)
        using (Tensor input = Make.Device(kernels, x, rows, inputs))
        using (Tensor y = Make.Device(kernels, before, rows, outputs))
        {
            kernels.MatMul(rows, input, linear, y, epilogue);
            float[] actual = Make.Read(kernels, y, rows * outputs);
            (double[] expected, double[] magnitude) = Reference.Product(Reference.Double(x), weight, bias, rows, inputs, outputs);
            for (int i = 0; i < expected.Length; i++)
            {
                double value = epilogue switch
                {
                    Epilogue.Gelu => Reference.Gelu(expected[i]),
                    Epilogue.AddToOutput => before[i] + expected[i],
                    _ => expected[i],
                };
                double tolerance = (1e-6 * magnitude[i]) + 2e-7;
                Assert.True(
                    Math.Abs(value - actual[i]) <= tolerance,
                    $"{type}{(kernels.HasInt8Weights ? " to int8" : "")} [{rows}, {inputs}] to {outputs}, {epilogue}: element {i} is {actual[i]}, not {value}");
            }
        }
    }
}
