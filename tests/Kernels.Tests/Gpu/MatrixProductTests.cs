using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using Handwritten.Kernels.Tests.Gpu.Compilation;
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
            foreach (object[] opened in GpuFixture.AllWithInt8)
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
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void Logits_may_be_of_any_width(string device, ComputeType type) =>
        Check(gpu.Open(device, type), type, 77, 64, 517, Epilogue.None, isSingle: true, hasBias: false);

    [Theory]
    [InlineData("h200")]
    [InlineData("t4")]
    public void Gelu_is_exact_over_all_its_range(string device)
    {
        const int rows = 100, width = 64;
        IKernels kernels = gpu.Open(device, ComputeType.Float32);
        float[] z = [.. Enumerable.Range(0, rows * width).Select(i => (i - (rows * width / 2)) / 200f)]; // from -16 to 16
        float[] identity = [.. Enumerable.Range(0, width * width).Select(i => i % (width + 1) == 0 ? 1f : 0)];
        using Tensor x = Make.Device(kernels, z, rows, width), y = kernels.Allocate(rows, width);
        using HostTensor weight = Make.Host(DType.F32, identity, width, width).Tensor;
        using Linear linear = new(kernels.LoadMatrix(weight), null);
        kernels.MatMul(rows, x, linear, y, Epilogue.Gelu);
        float[] actual = Make.Read(kernels, y, z.Length);
        Assert.All(z.Zip(actual), pair => Assert.InRange(pair.Second - Reference.Gelu(pair.First), -2e-7 * Math.Max(1, pair.First), 2e-7 * Math.Max(1, pair.First)));
    }

    [CountersTheory]
    [InlineData("h200", ComputeType.Float16, 1500, 1472, 128)]
    [InlineData("h200", ComputeType.Float16, 200, 320, 64)]
    [InlineData("h200", ComputeType.Float32, 200, 320, 64)]
    [InlineData("t4", ComputeType.Float16, 200, 320, 64)]
    public void What_moves_is_the_tile_algorithms_least_and_no_bank_is_asked_twice(string device, ComputeType type, int rows, int outputs, int side)
    {
        const int inputs = 256;
        IKernels kernels = gpu.Open(device, type);
        using Tensor x = kernels.Allocate(rows, inputs), y = kernels.Allocate(rows, outputs);
        using Linear linear = Make.Linear(kernels, 1, Rounding.Stored(type), outputs, inputs, Make.Values(2, outputs)).Linear;
        EmulatorCounters counters = EmulatorCounters.Of(() => kernels.MatMul(rows, x, linear, y));

        long tiles(int length) => (length + side - 1) / side;
        long elements = (tiles(outputs) * rows * inputs) + (tiles(rows) * outputs * inputs) + ((long)rows * outputs);
        Assert.Equal(1, counters["launches"]);
        Assert.InRange(counters.GlobalBytes, 1, 1.3 * elements * Rounding.Stored(type).ByteSize());
        Assert.InRange(counters.Coalescing, 0.95, double.PositiveInfinity);
        Assert.Equal(0, counters["sharedReplays"]);
        Assert.Equal(0, counters["localBytesRead"] + counters["localBytesWritten"]);
    }

    [PtxasTheory]
    [InlineData(75, ComputeType.Float16)]
    [InlineData(80, ComputeType.Float16)]
    [InlineData(90, ComputeType.Float16)]
    [InlineData(90, ComputeType.BFloat16)]
    [InlineData(75, ComputeType.Float32)]
    [InlineData(90, ComputeType.Float32)]
    public void Machine_code_is_the_tiles_and_nothing_over(int architecture, ComputeType type)
    {
        var forms = KernelCatalogue.Of(architecture, type).Where(kernel => kernel.Request.Name.StartsWith("TiledProduct<", StringComparison.Ordinal));
        Assert.NotEmpty(forms);
        bool isAmpere = architecture >= 80;
        foreach ((KernelRequest request, KernelText text) in forms)
        {
            MachineCode code = MachineCode.Of(text.Ptx, architecture);
            int strips = request.Name.Contains("Two<Two<", StringComparison.Ordinal) ? 4 : 2; // of 16 rows, a warp
            int loaded = isAmpere ? code.Count("LDGSTS", "128") : code.Count("STS", "128");
            Assert.Equal(3 * 4, loaded); // two stages in front of the loop, one in it
            if (type == ComputeType.Float32)
            {
                Assert.Equal((2 * strips) + 8, code.Count("LDS", "128"));
                Assert.InRange(code.Count("FFMA"), 2 * strips * 8 * 4, int.MaxValue); // more with gelu
            }
            else
            {
                Assert.Equal(2 * (strips + 2), code.Count("LDSM"));
                Assert.Equal(2 * strips * 4 * (isAmpere ? 1 : 2), code.Count("HMMA"));
            }

            Assert.Equal(0, code.StackBytes + code.SpillBytes);
            Assert.InRange(code.Registers, 1, 65536 / (isAmpere ? 512 : 256)); // 16 warps a multiprocessor, 8 where shared memory is small
        }
    }

    [Theory]
    [InlineData("h200", ComputeType.Float16)]
    [InlineData("h200", ComputeType.Float32)]
    public void A_row_is_the_same_whatever_is_computed_with_it(string device, ComputeType type)
    {
        const int rows = 130, inputs = 128, outputs = 64;
        IKernels kernels = gpu.Open(device, type);
        using Tensor x = Make.Device(kernels, Make.Values(1, rows, inputs), rows, inputs), y = kernels.AllocateSingle(rows, outputs);
        using Linear linear = Make.Linear(kernels, 2, Rounding.Stored(type), outputs, inputs, null).Linear;
        kernels.MatMul(rows, x, linear, y);
        float[] all = Make.Read(kernels, y, 65 * outputs);
        kernels.MatMul(65, x, linear, y);
        Assert.Equal(all, Make.Read(kernels, y, 65 * outputs));
    }

    [Fact]
    public void Sums_do_not_go_to_halves()
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using Tensor x = kernels.Allocate(65, 64), y = kernels.Allocate(65, 64);
        using Linear linear = Make.Linear(kernels, 1, DType.F16, 64, 64, null).Linear;
        Assert.Throws<ArgumentException>(() => kernels.MatMul(65, x, linear, y, Epilogue.AddToOutput));
    }

    /// <summary>Compares a product with its definition, and with itself in a second run.</summary>
    internal static void Check(IKernels kernels, ComputeType type, int rows, int inputs, int outputs, Epilogue epilogue, bool isSingle, bool hasBias)
    {
        float[] x = Rounding.To(type, Make.Values(1, rows, inputs)), bias = Make.Values(2, outputs), before = Make.Values(3, rows, outputs);
        (Linear linear, double[] weight) = Make.Linear(kernels, 4, Rounding.Stored(type), outputs, inputs, hasBias ? bias : null);
        using Tensor input = Make.Device(kernels, x, rows, inputs);
        using Tensor y = isSingle ? kernels.AllocateSingle(rows + 1, outputs) : kernels.Allocate(rows + 1, outputs);
        using (linear)
        {
            kernels.Write(before, y);
            kernels.MatMul(rows, input, linear, y, epilogue);
            if (type.HasInt8Weights())
            {
                weight = Array.ConvertAll(weight, value => (double)Rounding.Nearest(type, (float)value)); // what they are widened to
            }

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
    public static DType Stored(ComputeType type) => type.HasInt8Weights() ? DType.F32 : type switch
    {
        ComputeType.Float16 => DType.F16,
        ComputeType.BFloat16 => DType.BF16,
        _ => DType.F32,
    };

    /// <summary>The values, rounded toward zero where a rounding is needed (so that bfloat16 needs no more than a mask).</summary>
    public static float[] To(ComputeType type, float[] values) => type.Activations() switch
    {
        ComputeType.Float16 => [.. values.Select(value => (float)(Half)value)],
        ComputeType.BFloat16 => [.. values.Select(value => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000))],
        _ => values,
    };

    /// <summary>A value, rounded to the nearest that the type of activations has.</summary>
    public static float Nearest(ComputeType type, float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return type.Activations() switch
        {
            ComputeType.Float16 => (float)(Half)value,
            ComputeType.BFloat16 => BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000),
            _ => value,
        };
    }
}
