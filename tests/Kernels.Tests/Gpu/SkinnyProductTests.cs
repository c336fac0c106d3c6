using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Products of few rows, compared with the definition on the numbers that the compute type holds.</summary>
[Collection(nameof(GpuTests))]
public sealed class SkinnyProductTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void Any_number_of_rows_matches_the_definition(string device, ComputeType type)
    {
        // Rows at and beside the sizes of the tiles; k of one warp's step, of the demo model, of a block that has steps to spare.
        foreach ((int rows, int inputs, int outputs) in new[] { (1, 64, 8), (3, 384, 51), (8, 128, 65), (9, 192, 24), (17, 512, 33), (33, 1280, 9), (64, 2112, 10) })
        {
            foreach (bool hasBias in new[] { true, false })
            {
                Check(device, type, rows, inputs, outputs, hasBias, Epilogue.None, single: true);
            }
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void Every_epilogue_does_what_it_says(string device, ComputeType type)
    {
        foreach (int rows in new[] { 1, 2, 4, 5, 16, 32, 64 })
        {
            Check(device, type, rows, 128, 40, hasBias: true, Epilogue.None, single: false);
            Check(device, type, rows, 128, 40, hasBias: true, Epilogue.Gelu, single: false);
            Check(device, type, rows, 128, 40, hasBias: true, Epilogue.Gelu, single: true);
            Check(device, type, rows, 128, 40, hasBias: true, Epilogue.AddToOutput, single: true);
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void A_row_is_the_same_bit_by_bit_in_any_company(string device, ComputeType type)
    {
        const int inputs = 1344, outputs = 19;
        IKernels kernels = gpu.Open(device, type);
        float[] x = Make.Values(1, SkinnyProduct<Float32>.MaximumRows, inputs);
        using Tensor weight = Make.Matrix(kernels, Make.Values(2, outputs, inputs), outputs, inputs);
        using Linear linear = new(weight, null);
        float[] all = Multiply(kernels, x, linear, SkinnyProduct<Float32>.MaximumRows);
        foreach (int rows in new[] { 1, 2, 3, 7, 8, 12, 20, 40 })
        {
            Assert.Equal(all[..(rows * outputs)], Multiply(kernels, x, linear, rows));
        }
    }

    /// <summary>Widths of the models and others, rows that go with the norm and more; a row far from the others in size.</summary>
    [Theory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void A_norm_within_the_product_gives_the_bits_of_one_before_it(string device, ComputeType type)
    {
        IKernels kernels = gpu.Open(device, type);
        foreach ((int width, int outputs) in new[] { (64, 51), (128, 24), (384, 40), (512, 9), (768, 16), (1024, 17), (1280, 32), (2112, 8) })
        {
            using Norm norm = new(Make.Table(kernels, Make.Values(1, width), width), Make.Table(kernels, Make.Values(2, width), width));
            using Linear linear = new(Make.Matrix(kernels, Make.Values(3, outputs, width), outputs, width), Make.Bias(kernels, Make.Values(4, outputs)));
            foreach (int rows in new[] { 1, 2, 3, 4, 5, 8, 9 })
            {
                float[] values = [.. Make.Values(5, rows, width).Select((value, i) => i < width ? 100 * value : value + 3)];
                using Tensor x = kernels.AllocateSingle(rows, width), h = kernels.Allocate(rows, width);
                using Tensor two = kernels.Allocate(rows, outputs), one = kernels.Allocate(rows, outputs), twoSingle = kernels.AllocateSingle(rows, outputs), oneSingle = kernels.AllocateSingle(rows, outputs);
                kernels.Write(values, x);
                kernels.LayerNorm(rows, x, norm, h);
                kernels.MatMul(rows, h, linear, two, Epilogue.Gelu);
                kernels.MatMul(rows, h, linear, twoSingle);
                kernels.NormMatMul(rows, x, norm, linear, h, one, Epilogue.Gelu);
                kernels.NormMatMul(rows, x, norm, linear, h, oneSingle);
                Assert.Equal(Make.Read(kernels, two, rows * outputs), Make.Read(kernels, one, rows * outputs));
                Assert.Equal(Make.Read(kernels, twoSingle, rows * outputs), Make.Read(kernels, oneSingle, rows * outputs));
            }
        }
    }

    private static float[] Multiply(IKernels kernels, float[] x, Linear linear, int rows)
    {
        using Tensor input = Make.Device(kernels, x[..(rows * linear.Inputs)], rows, linear.Inputs), y = kernels.AllocateSingle(rows, linear.Outputs);
        kernels.MatMul(rows, input, linear, y);
        return Make.Read(kernels, y, rows * linear.Outputs);
    }

    private void Check(string device, ComputeType type, int rows, int inputs, int outputs, bool hasBias, Epilogue epilogue, bool single)
    {
        IKernels kernels = gpu.Open(device, type);
        float[]? bias = hasBias ? Make.Values(3, outputs) : null;
        float[] before = Make.Values(4, rows, outputs);
        using Tensor x = Make.Device(kernels, Make.Values(1, rows, inputs), rows, inputs), y = single ? kernels.AllocateSingle(rows, outputs) : kernels.Allocate(rows, outputs);
        (Linear linear, double[] exactWeight) = Make.Linear(kernels, 2, Rounding.Stored(type), outputs, inputs, bias);
        using Linear disposed = linear;
        kernels.Write(before, y);
        kernels.MatMul(rows, x, linear, y, epilogue);

        double[] exactX = Reference.Double(Make.Read(kernels, x, rows * inputs));
        double[] expected = Reference.Product(exactX, exactWeight, bias, rows, inputs, outputs).Y;
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = epilogue switch
            {
                Epilogue.Gelu => Reference.Gelu(expected[i]),
                Epilogue.AddToOutput => expected[i] + before[i],
                _ => expected[i],
            };
        }

        double tolerance = single ? 2e-6 * Math.Sqrt(inputs) : Tolerance.Of(type, expected);
        Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, expected.Length)), 0, tolerance);
    }
}
