using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class LoadingTests
{
    [Theory]
    [InlineData(DType.F16, DType.F16)]
    [InlineData(DType.BF16, DType.BF16)]
    [InlineData(DType.F32, DType.F16)]
    [InlineData(DType.F16, DType.BF16)]
    [InlineData(DType.F64, DType.F32)]
    public void Stacked_matrices_are_one_product(DType firstType, DType secondType)
    {
        const int inputs = 50, first = 37, second = 70, rows = 3;
        using CpuKernels kernels = new(2);
        (HostTensor a, double[] exactA) = Make.Host(firstType, Make.Values(1, first, inputs), first, inputs);
        (HostTensor b, double[] exactB) = Make.Host(secondType, Make.Values(2, second, inputs), second, inputs);
        (HostTensor bias, double[] exactBias) = Make.Host(DType.F32, Make.Values(3, second), second);
        using Linear linear = new(kernels.LoadMatrix(a, b), kernels.LoadBias(first, null, bias));
        Assert.Equal([first + second, inputs], linear.Weight.Shape);
        bool stays16 = firstType == secondType && firstType is DType.F16 or DType.BF16 && secondType == firstType;
        Assert.Equal(128L * inputs * (stays16 ? 2 : 4), linear.Weight.ByteCount);

        float[] x = Make.Values(4, rows, inputs);
        using Tensor input = Make.Device(kernels, x, rows, inputs), y = kernels.Allocate(rows, first + second);
        kernels.MatMul(rows, input, linear, y);
        float[] fullBias = [.. new float[first], .. exactBias.Select(v => (float)v)];
        double[] expected = Reference.Product(Reference.Double(x), [.. exactA, .. exactB], fullBias, rows, inputs, first + second).Y;
        Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, expected.Length)), 0, 1e-5);
    }

    [Fact]
    public void Matrices_stacked_in_int8_have_scales_of_their_own()
    {
        const int inputs = 50, first = 37, second = 70, rows = 3;
        using CpuKernels kernels = new(2, hasInt8Weights: true);
        (HostTensor a, double[] exactA) = Make.Host(DType.F16, Make.Values(1, first, inputs), first, inputs);
        (HostTensor b, double[] exactB) = Make.Host(DType.F32, [.. Make.Values(2, second, inputs).Select(value => 100 * value)], second, inputs);
        using Linear linear = new(kernels.LoadMatrix(a, b), null);
        Assert.Equal((128L * inputs) + (128 * sizeof(float)), linear.Weight.ByteCount);

        float[] x = Make.Values(4, rows, inputs);
        using Tensor input = Make.Device(kernels, x, rows, inputs), y = kernels.Allocate(rows, first + second);
        kernels.MatMul(rows, input, linear, y);
        double[] weights = Make.Quantised([.. exactA, .. exactB], first + second, inputs);
        (double[] expected, double[] magnitude) = Reference.Product(Reference.Double(x), weights, null, rows, inputs, first + second);
        float[] actual = Make.Read(kernels, y, expected.Length);
        Assert.All(Enumerable.Range(0, expected.Length), i => Assert.InRange(actual[i] - expected[i], -1e-6 * magnitude[i], 1e-6 * magnitude[i]));
    }

    [Theory]
    [InlineData(DType.F64)]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void Tables_keep_their_values(DType type)
    {
        using CpuKernels kernels = new(1);
        (HostTensor host, double[] exact) = Make.Host(type, Make.Values(1, 5, 7), 5, 7);
        using Tensor table = kernels.LoadTable(host);
        Assert.Equal([5, 7], table.Shape);
        Assert.Equal(Array.ConvertAll(exact, v => (float)v), Make.Read(kernels, table, 35));
    }

    [Theory]
    [InlineData(DType.F32, false)]
    [InlineData(DType.F16, false)]
    [InlineData(DType.BF16, false)]
    [InlineData(DType.BF16, true)]
    public void Embedding_adds_the_rows_of_both_tables_exactly(DType type, bool hasInt8Weights)
    {
        const int tokens = 70, width = 33, length = 9;
        using CpuKernels kernels = new(1, hasInt8Weights);
        (HostTensor host, double[] exact) = Make.Host(type, Make.Values(1, tokens, width), tokens, width);
        exact = hasInt8Weights ? Make.Quantised(exact, tokens, width) : exact;
        float[] positions = Make.Values(2, length, width);
        using Tensor table = kernels.LoadMatrix(host), positionTable = Make.Table(kernels, positions, length, width);
        using Tensor x = kernels.Allocate(4, width), gathered = kernels.Allocate(2, width);
        DecoderRows rows = new(4);
        rows.Add(69, 0, 8, 0, true);
        rows.Add(0, 0, 0, 0, false);
        rows.Add(31, 1, 3, 0, true);
        kernels.Embed(rows, table, positionTable, x);
        kernels.GatherOutputs(rows, x, gathered);
        float[] actual = Make.Read(kernels, x, 3 * width);
        for (int row = 0; row < 3; row++)
        {
            for (int i = 0; i < width; i++)
            {
                float expected = (float)exact[(rows.Tokens[row] * width) + i] + positions[(rows.Positions[row] * width) + i];
                Assert.Equal(expected, actual[(row * width) + i]);
            }
        }

        Assert.Equal([.. actual[..width], .. actual[(2 * width)..]], Make.Read(kernels, gathered, 2 * width));
        rows.Add(70, 0, 0, 0, false);
        Assert.Contains("There are 70 tokens.", Assert.Throws<ArgumentOutOfRangeException>(() => kernels.Embed(rows, table, positionTable, x)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_half_and_every_bfloat16_is_widened_exactly()
    {
        // One input that is 1: the product returns the weights. Infinities and NaN, which no weight is, are left out.
        foreach (int bits in VectorRoutines.AvailableBits)
        {
            using CpuKernels kernels = new(1, bits);
            CheckAll(kernels, DType.F16, Enumerable.Range(0, 65536).Select(i => (float)BitConverter.UInt16BitsToHalf((ushort)i)));
            CheckAll(kernels, DType.BF16, Enumerable.Range(0, 65536).Select(i => BitConverter.Int32BitsToSingle(i << 16)));
        }
    }

    [Fact]
    public void Integers_and_wrong_shapes_are_refused_with_a_sentence()
    {
        using CpuKernels kernels = new(1);
        HostTensor integers = Make.Host(DType.I8, new float[6], 2, 3).Tensor, vector = Make.Host(DType.F32, new float[6], 6).Tensor;
        HostTensor two = Make.Host(DType.F32, new float[6], 2, 3).Tensor, three = Make.Host(DType.F16, new float[6], 3, 2).Tensor;
        string refused = "Tensor 'test.I8' holds I8 values; weights must be F64, F32, F16 or BF16.";
        Assert.Equal(refused, Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(integers)).Message);
        Assert.Equal(refused, Assert.Throws<InvalidDataException>(() => kernels.LoadTable(integers)).Message);
        Assert.Equal(refused, Assert.Throws<InvalidDataException>(() => kernels.LoadBias(1, integers)).Message);
        Assert.Equal(
            "Tensor 'test.F32' has the shape [6]; it must be [outputs, inputs].",
            Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(vector)).Message);
        Assert.Equal(
            "Tensor 'test.F32' has the shape [2, 3]; it must be [outputs, channels, 3].",
            Assert.Throws<InvalidDataException>(() => kernels.LoadConvolution(two)).Message);
        Assert.Equal(
            "Tensor 'test.F16' takes 2 inputs but 'test.F32' takes 3; they cannot be one product.",
            Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(two, three)).Message);
    }

    [Theory]
    [InlineData(float.PositiveInfinity, 0)]
    [InlineData(float.NaN, 1000)]
    [InlineData(-1e9f, 69 * 33 - 1)]
    public void Halves_that_are_not_finite_are_refused_with_a_sentence(float value, int index)
    {
        using CpuKernels kernels = new(2);
        float[] values = Make.Values(1, 69, 33);
        using HostTensor good = Make.Host(DType.F16, values, 69, 33).Tensor;
        kernels.LoadMatrix(good).Dispose();
        values[index] = value;
        using HostTensor damaged = Make.Host(DType.F16, values, 69, 33).Tensor;
        Assert.Equal(
            "Tensor 'test.F16' holds infinities or values that are not numbers; the file is damaged.",
            Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(good, damaged)).Message);

        using CpuKernels quantising = new(2, hasInt8Weights: true);
        values[index] = float.IsNaN(value) ? value : value * float.MaxValue;
        using HostTensor single = Make.Host(DType.F32, values, 69, 33).Tensor;
        Assert.Equal(
            "Tensor 'test.F32' holds infinities or values that are not numbers; the file is damaged.",
            Assert.Throws<InvalidDataException>(() => quantising.LoadMatrix(good, single)).Message);
    }

    [Fact]
    public void Windows_are_cut_out_and_padded_with_zeros()
    {
        using CpuKernels kernels = new(1);
        float[] mel = Make.Values(1, 20, 3);
        using Tensor source = Make.Device(kernels, mel, 20, 3);
        using Tensor windows = Make.Device(kernels, [.. Enumerable.Repeat(7f, 3 * 8 * 3)], 3, 8, 3);
        kernels.CopyWindow(source, 15, 5, windows, 1);
        float[] actual = Make.Read(kernels, windows, 72);
        Assert.Equal([.. Enumerable.Repeat(7f, 24), .. mel[45..60], .. new float[9], .. Enumerable.Repeat(7f, 24)], actual);
        Assert.Throws<ArgumentException>(() => kernels.CopyWindow(source, 16, 5, windows, 1));
        Assert.Throws<ArgumentException>(() => kernels.CopyWindow(source, 0, 9, windows, 1));
        Assert.Throws<ArgumentException>(() => kernels.CopyWindow(source, 0, 5, windows, 3));
    }

    [Fact]
    public void Fresh_activations_are_zero_and_freed_ones_are_refused()
    {
        using CpuKernels kernels = new(1);
        Tensor tensor = kernels.Allocate(3, 1000, 700);
        Assert.All(Make.Read(kernels, tensor, 2_100_000), value => Assert.Equal(0f, value));
        tensor.Dispose();
        tensor.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kernels.Write([1f], tensor));
    }

    private static void CheckAll(CpuKernels kernels, DType type, IEnumerable<float> candidates)
    {
        float[] values = [.. candidates.Where(float.IsFinite)];
        using HostTensor host = Make.Host(type, values, values.Length, 1).Tensor;
        using Linear linear = new(kernels.LoadMatrix(host), null);
        foreach (int rows in new[] { 1, 40 })
        {
            using Tensor x = Make.Device(kernels, [.. Enumerable.Repeat(1f, rows)], rows, 1), y = kernels.Allocate(rows, values.Length);
            kernels.MatMul(rows, x, linear, y);
            Assert.Equal(values, Make.Read(kernels, y, values.Length));
        }
    }
}
