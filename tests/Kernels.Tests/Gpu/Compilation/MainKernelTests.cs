using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>
/// What must be in the machine code of the kernels that take the time: every tensor-core instruction once, for a tile that is
/// unrolled and not doubled; copies to shared memory that pass the registers; 16 bytes an access.
/// </summary>
public sealed class MainKernelTests
{
    private static MachineCode Product(int architecture, ComputeType type, string start, string end)
    {
        (var request, _) = Assert.Single(KernelCatalogue.Of(architecture, type), kernel =>
            kernel.Request.Name.StartsWith(start, StringComparison.Ordinal) && kernel.Request.Name.EndsWith(end, StringComparison.Ordinal));
        return KernelCatalogue.MachineCode(architecture, type, request.Name);
    }

    [PtxasTheory]
    [InlineData(80, ComputeType.Float16)]
    [InlineData(86, ComputeType.Float16)]
    [InlineData(90, ComputeType.Float16)]
    [InlineData(90, ComputeType.BFloat16)]
    public void A_product_on_tensor_cores_has_each_instruction_once(int architecture, ComputeType type)
    {
        // A warp's share of 128 x 128 x 32: 64 x 32, that is 4 x 4 mma of 16 x 8 x 16 twice. 4 KB of each factor a stage and
        // 256 threads are 4 copies of 16 bytes a thread, at the start of each of two stages and in the loop.
        MachineCode code = Product(architecture, type, "TiledProduct<AsynchronousCopy, DenseRows, TensorCoreTile<Two<Two<", $"ElementOutput<{type}>, Identity>.Kernel");
        Assert.Equal((32, 12, 12), (code.Count("HMMA"), code.Count("LDGSTS"), code.Count("LDSM")));
        Assert.Equal(8, code.Count("STG", "128"));
        Assert.Equal(code.Count("STG"), code.Count("STG", "128"));
        Assert.InRange(code.Registers, 1, 128); // two blocks of 256 threads on a multiprocessor
    }

    [PtxasFact]
    public void A_product_on_a_turing_has_each_instruction_once()
    {
        // Its mma is half as deep.
        MachineCode code = Product(75, ComputeType.Float16, "TiledProduct<PlainCopy, DenseRows, TensorCoreTile<Two<Two<", "ElementOutput<Float16>, Identity>.Kernel");
        Assert.Equal((64, 0, 12), (code.Count("HMMA"), code.Count("LDGSTS"), code.Count("LDSM")));
        Assert.InRange(code.Registers, 1, 255);
    }

    [PtxasTheory]
    [InlineData(75)]
    [InlineData(80)]
    [InlineData(90)]
    public void The_encoders_attention_loads_and_stores_16_bytes_at_a_time(int architecture)
    {
        MachineCode code = Product(architecture, ComputeType.Float16, "EncoderAttentionTensor<", "Kernel");
        Assert.InRange(code.Count("HMMA"), 64, 512);
        Assert.Equal((code.Count("LDG"), code.Count("STG")), (code.Count("LDG", "128"), code.Count("STG", "128")));
        Assert.Equal(architecture >= 80, code.Count("LDGSTS", "128") > 0);
    }
}
