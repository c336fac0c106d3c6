using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using Handwritten.Kernels.Tests.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Products by wgmma: the tests of the others, at sizes that take its tiles.</summary>
[Collection(nameof(GpuTests))]
public sealed class WarpgroupProductTests(GpuFixture gpu)
{
    /// <summary>
    /// Rows, inputs, outputs: for 132 multiprocessors two get tiles of 128 x 128, two of 128 x 256, two of 192 x 256. Rows of one
    /// chunk, of one more than a stage, of more stages than there are.
    /// </summary>
    private static readonly (int Rows, int Inputs, int Outputs)[] Sizes =
    [
        (1027, 72, 1000), (1500, 328, 736), (1500, 8, 1472), (1410, 328, 1608), (16900, 72, 32), (1500, 328, 2880),
    ];

    public static TheoryData<string, ComputeType, int, Epilogue, bool> Cases
    {
        get
        {
            TheoryData<string, ComputeType, int, Epilogue, bool> cases = [];
            foreach (object[] opened in GpuFixture.Warpgroups)
            {
                for (int size = 0; size < Sizes.Length; size++)
                {
                    cases.Add((string)opened[0], (ComputeType)opened[1], size, Epilogue.None, false);
                    if (Sizes[size].Outputs % 32 == 0) // other float32 results are made by mma.sync
                    {
                        cases.Add((string)opened[0], (ComputeType)opened[1], size, Epilogue.AddToOutput, true);
                        cases.Add((string)opened[0], (ComputeType)opened[1], size, Epilogue.Gelu, (ComputeType)opened[1] == ComputeType.BFloat16);
                    }
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
        MatrixProductTests.Check(gpu.Open(device, type), type, rows, inputs, outputs, epilogue, isSingle, hasBias: true);
    }

    [Theory]
    [MemberData(nameof(GpuFixture.Warpgroups), MemberType = typeof(GpuFixture))]
    public void Convolutions_are_products_of_rows_that_overlap(string device, ComputeType type)
    {
        ConvolutionTests.Check(gpu.Open(device, type), type, (3, 500, 80, 704, 1), hasPositions: false);
        ConvolutionTests.Check(gpu.Open(device, type), type, (2, 1501, 16, 1472, 2), hasPositions: true);
        ConvolutionTests.Check(gpu.Open(device, type), type, (13, 1301, 16, 64, 1), hasPositions: true);
    }

    [Fact]
    public void A_row_is_the_same_whatever_is_computed_with_it()
    {
        const int rows = 1500, inputs = 64, outputs = 704;
        IKernels kernels = gpu.Open(GpuFixture.Hopper, ComputeType.Float16);
        using Tensor x = Make.Device(kernels, Make.Values(1, rows, inputs), rows, inputs), y = kernels.AllocateSingle(rows, outputs);
        using Linear linear = Make.Linear(kernels, 2, DType.F16, outputs, inputs, null).Linear;
        kernels.MatMul(rows, x, linear, y);
        float[] all = Make.Read(kernels, y, 1400 * outputs);
        kernels.MatMul(1400, x, linear, y);
        Assert.Equal(all, Make.Read(kernels, y, all.Length));
    }

    [CountersTheory]
    [InlineData(1500, 704, 128, 128)]
    [InlineData(1500, 1472, 128, 256)]
    [InlineData(1500, 2880, 192, 256)]
    public void What_moves_is_the_tile_algorithms_least_and_no_bank_is_asked_twice(int rows, int outputs, int tileRows, int tileColumns)
    {
        const int inputs = 256, elementBytes = 2;
        IKernels kernels = gpu.Open(GpuFixture.Hopper, ComputeType.Float16);
        using Tensor x = kernels.Allocate(rows, inputs), y = kernels.Allocate(rows, outputs);
        using Linear linear = Make.Linear(kernels, 1, DType.F16, outputs, inputs, Make.Values(2, outputs)).Linear;
        EmulatorCounters counters = EmulatorCounters.Of(() => kernels.MatMul(rows, x, linear, y));

        static long tiles(int length, int side) => (length + side - 1) / side;
        long elements = (tiles(outputs, tileColumns) * rows * inputs) + (tiles(rows, tileRows) * outputs * inputs) + ((long)rows * outputs);
        Assert.Equal(1, counters["launches"]);
        Assert.InRange(counters.GlobalBytes, elements * elementBytes, 1.3 * elements * elementBytes);
        Assert.InRange(counters.Coalescing, 0.95, double.PositiveInfinity);
        Assert.Equal(0, counters["sharedReplays"]);
        Assert.Equal(0, counters["localBytesRead"] + counters["localBytesWritten"]);
        Assert.Equal(2 * tiles(rows, tileRows) * tileRows * tiles(outputs, tileColumns) * tileColumns * inputs, counters["tensorF16Flops"]);
    }

    [PtxasTheory]
    [InlineData(ComputeType.Float16)]
    [InlineData(ComputeType.BFloat16)]
    public void Machine_code_is_the_tiles_and_nothing_over(ComputeType type)
    {
        var forms = KernelCatalogue.Of(90, type).Where(kernel => kernel.Request.Name.StartsWith("WarpgroupProduct<", StringComparison.Ordinal));
        Assert.NotEmpty(forms);
        foreach ((KernelRequest request, KernelText text) in forms)
        {
            MachineCode code = MachineCode.Of(text.Ptx, 90);
            // A stage is 64 elements of k, copied in front of the loop and in it. Registers: of two blocks of 256 threads, one, and one of 384.
            (string shape, int copies, int registers) = request.Name switch
            {
                var name when name.Contains("Tile128x128", StringComparison.Ordinal) => ("64x128x16", 4 + 4, 128),
                var name when name.Contains("TwoWarpgroups", StringComparison.Ordinal) => ("64x256x16", 4 + 8, 255),
                _ => ("64x256x16", 4 + 6, 168),
            };
            Assert.Contains(".target sm_90a", text.Ptx, StringComparison.Ordinal);
            Assert.Equal("", code.Warnings); // it does not have to wait for each product
            Assert.Equal((4, 4), (code.Count("HGMMA"), code.Count("HGMMA", shape)));
            Assert.Equal((2 * copies, 2 * copies), (code.Count("LDGSTS"), code.Count("LDGSTS", "128")));
            Assert.Equal(0, code.StackBytes + code.SpillBytes);
            Assert.InRange(code.Registers, 1, registers);
        }
    }

    [Fact]
    public void The_instruction_can_be_named()
    {
        Assert.Equal(HopperFeatures.Warpgroups, HopperVariable.Parse(" wgmma"));
        Assert.Equal(HopperFeatures.Warpgroups | HopperFeatures.EarlyLaunches, HopperVariable.Parse("early, wgmma"));
        Assert.All((string?[])[null, "", "none"], value => Assert.Equal(HopperFeatures.None, HopperVariable.Parse(value)));
        Assert.Equal("HANDWRITTEN_HOPPER is \"sgemm\": it can be none, early, wgmma, or early,wgmma.", Assert.Throws<GpuException>(() => HopperVariable.Parse("sgemm")).Message);
    }
}
