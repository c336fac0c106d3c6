using Handwritten.Kernels.Gpu;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>What int8 weights have beside products like any others.</summary>
[Collection(nameof(GpuTests))]
public sealed class Int8WeightTests(GpuFixture gpu)
{
    /// <summary>With ones as rows of x, a product returns the weights: skinny products of each tile, and one of tiles behind a widening.</summary>
    [Theory]
    [MemberData(nameof(GpuFixture.Int8), MemberType = typeof(GpuFixture))]
    public void Every_code_at_every_place_is_itself(string device, ComputeType type)
    {
        const int inputs = 256, outputs = 24;
        IKernels kernels = gpu.Open(device, type);
        float[] codes = [.. Enumerable.Range(0, outputs * inputs).Select(i => (float)((((i % inputs) + (11 * (i / inputs))) % 255) - 127))];
        float[] ones = [.. Enumerable.Range(0, inputs * inputs).Select(i => i % (inputs + 1) == 0 ? 1f : 0)];
        using Linear linear = new(Make.Matrix(kernels, codes, outputs, inputs), null);
        foreach (int rows in new[] { 1, 8, 16, 32, 64, inputs })
        {
            for (int first = 0; first < inputs; first += Math.Max(rows, 32))
            {
                using Tensor x = Make.Device(kernels, ones[(first * inputs)..((first + rows) * inputs)], rows, inputs), y = kernels.AllocateSingle(rows, outputs);
                kernels.MatMul(rows, x, linear, y);
                float[] expected = [.. Enumerable.Range(0, rows * outputs).Select(i => codes[(i % outputs * inputs) + first + (i / outputs)])];
                Assert.Equal(expected, Make.Read(kernels, y, expected.Length));
            }
        }
    }

    /// <summary>Rows of zeros, rows with one weight that is a thousand times the others, and a seam between stacked matrices.</summary>
    [Theory]
    [MemberData(nameof(GpuFixture.Int8), MemberType = typeof(GpuFixture))]
    public void Each_output_has_a_scale_of_its_own(string device, ComputeType type)
    {
        const int inputs = 128, first = 37, second = 70, outputs = first + second;
        IKernels kernels = gpu.Open(device, type);
        float[] a = Make.Values(1, first, inputs), b = [.. Make.Values(2, second, inputs).Select(value => value / 100)];
        Array.Clear(a, 5 * inputs, inputs);
        b[(9 * inputs) + 77] = 10;
        (HostTensor hostA, double[] exactA) = Make.Host(DType.F16, a, first, inputs);
        (HostTensor hostB, double[] exactB) = Make.Host(DType.F64, b, second, inputs);
        using Linear linear = new(kernels.LoadMatrix(hostA, hostB), null);
        double[] weights = Make.Quantised([.. exactA, .. exactB], outputs, inputs);
        foreach (int rows in new[] { 3, 90 })
        {
            float[] x = Rounding.To(type, Make.Values(3, rows, inputs));
            using Tensor input = Make.Device(kernels, x, rows, inputs), y = kernels.AllocateSingle(rows, outputs);
            kernels.MatMul(rows, input, linear, y);
            double[] used = rows <= SkinnyProduct<Float32>.MaximumRows ? weights : Array.ConvertAll(weights, value => (double)Rounding.Nearest(type, (float)value));
            (double[] expected, double[] magnitude) = Reference.Product(Reference.Double(x), used, null, rows, inputs, outputs);
            float[] actual = Make.Read(kernels, y, expected.Length);
            Assert.All(Enumerable.Range(0, expected.Length), i => Assert.InRange(actual[i] - expected[i], -2e-6 * magnitude[i], 2e-6 * magnitude[i]));
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.Int8), MemberType = typeof(GpuFixture))]
    public void Embedding_looks_rows_up_and_scales_them(string device, ComputeType type)
    {
        const int tokens = 70, width = 192, length = 9;
        IKernels kernels = gpu.Open(device, type);
        (Linear table, double[] exact) = Make.Linear(kernels, 1, DType.F32, tokens, width, null);
        float[] positions = Make.Values(2, length, width);
        using Tensor positionTable = Make.Table(kernels, positions, length, width), x = kernels.AllocateSingle(3, width);
        using DecoderRows rows = kernels.AllocateRows(3);
        rows.Add(69, 0, 8, 0, true);
        rows.Add(0, 1, 0, 0, true);
        rows.Add(31, 2, 3, 0, true);
        kernels.Embed(rows, table.Weight, positionTable, x);
        float[] actual = Make.Read(kernels, x, 3 * width);
        table.Dispose();
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.Equal(exact[(rows.Tokens[i / width] * width) + (i % width)] + positions[(rows.Positions[i / width] * width) + (i % width)], actual[i], 2e-7);
        }
    }

    /// <summary>The token table is not widened; its logits of more rows than a skinny product's tiles are several blocks of them.</summary>
    [Fact]
    public void Logits_of_many_rows_are_those_of_few()
    {
        const int inputs = 64, outputs = Int8Matrix.MostWidenedOutputs + 1, rows = 70;
        IKernels kernels = gpu.Open(EmulatedDriver.Devices[0], ComputeType.Int8Float16);
        float[] x = Make.Values(1, rows, inputs);
        using Linear table = Make.Linear(kernels, 2, DType.F32, outputs, inputs, null).Linear;
        using Tensor input = Make.Device(kernels, x, rows, inputs), y = kernels.AllocateSingle(rows, outputs);
        kernels.MatMul(rows, input, table, y);
        float[] all = Make.Read(kernels, y, rows * outputs);
        using Tensor last = Make.Device(kernels, x[^inputs..], 1, inputs);
        kernels.MatMul(1, last, table, y);
        Assert.Equal(all[^outputs..], Make.Read(kernels, y, outputs));
    }

    /// <summary>A recorded pass keeps the address of what is widened, and runs on when a larger matrix is loaded.</summary>
    [Fact]
    public void A_recorded_product_of_many_rows_outlives_the_loading_of_a_larger_matrix()
    {
        const int rows = 80, width = 64;
        using IKernels kernels = GpuKernels.Create(GpuFixture.NewDevice(), ComputeType.Int8Float16);
        using Linear linear = Make.Linear(kernels, 1, DType.F32, width, width, null).Linear;
        using Tensor x = Make.Device(kernels, Make.Values(2, rows, width), rows, width), y = kernels.AllocateSingle(rows, width);
        kernels.MatMul(rows, x, linear, y);
        float[] expected = Make.Read(kernels, y, rows * width);
        using IRecordedPass pass = kernels.Record(() => kernels.MatMul(rows, x, linear, y));
        using Linear larger = Make.Linear(kernels, 3, DType.F32, 4 * width, width, null).Linear;
        using Tensor wide = kernels.AllocateSingle(rows, 4 * width);
        kernels.MatMul(rows, x, larger, wide);
        kernels.Write(new float[rows * width], y);
        pass.Run();
        Assert.Equal(expected, Make.Read(kernels, y, rows * width));
    }

    [Fact]
    public void Rows_that_are_no_whole_blocks_are_refused_with_a_sentence_and_so_is_what_is_not_finite()
    {
        IKernels kernels = gpu.Open(EmulatedDriver.Devices[0], ComputeType.Int8Float16);
        using HostTensor narrow = Make.Host(DType.F32, new float[96], 1, 96).Tensor, damaged = Make.Host(DType.F32, [.. Enumerable.Repeat(float.NaN, 64)], 1, 64).Tensor;
        Assert.Equal(
            "Tensor 'test.F32' has rows of 96; int8 weights take rows of a multiple of 64: choose a compute type without int8.",
            Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(narrow)).Message);
        Assert.Equal(
            "Tensor 'test.F32' holds infinities or values that are not numbers; the file is damaged.",
            Assert.Throws<InvalidDataException>(() => kernels.LoadMatrix(damaged)).Message);
    }
}
