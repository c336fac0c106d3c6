using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class DecoderAllocationTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void A_step_allocates_nothing_on_the_host(string device, ComputeType type)
    {
        const int heads = 2, width = 128, vocabulary = 51, lanes = 3;
        IKernels kernels = gpu.Open(device, type);
        using DecoderRows rows = kernels.AllocateRows(lanes);
        using KeyValueCache self = kernels.AllocateCache(lanes, 10, heads, 64), cross = kernels.AllocateCache(lanes, 140, heads, 64);
        using Tensor tokens = Make.Matrix(kernels, Make.Values(1, vocabulary, width), vocabulary, width), positions = Make.Table(kernels, Make.Values(2, 10, width), 10, width);
        using Tensor x = kernels.AllocateSingle(lanes, width), selected = kernels.AllocateSingle(lanes, width), logits = kernels.AllocateSingle(lanes, vocabulary);
        using Tensor h = kernels.Allocate(lanes, width), queryKeyValue = kernels.Allocate(lanes, 3 * width);
        using Linear projection = new(Make.Matrix(kernels, Make.Values(3, 3 * width, width), 3 * width, width), Make.Bias(kernels, new float[3 * width]));
        using Norm norm = new(Make.Table(kernels, new float[width], width), Make.Table(kernels, new float[width], width));
        using TokenChoice choice = kernels.AllocateChoice(lanes, 10, vocabulary);
        using Linear output = new(Make.Matrix(kernels, Make.Values(4, width, width), width, width), null), table = new(tokens, null);
        long allocated = -1;
        for (int step = 0; step < 10; step++)
        {
            rows.Clear();
            for (int lane = 0; lane < lanes; lane++)
            {
                rows.Add(lane, lane, step, lane, true);
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            kernels.Embed(rows, tokens, positions, x);
            kernels.NormMatMul(lanes, x, norm, projection, h, queryKeyValue);
            kernels.AttendSelf(rows, queryKeyValue, self, h);
            kernels.MatMul(lanes, h, output, x, Epilogue.AddToOutput);
            kernels.AttendCross(rows, h, cross, h);
            kernels.GatherOutputs(rows, x, selected);
            kernels.MatMul(lanes, h, table, logits);
            kernels.Choose(rows, logits, choice);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before; // of the last step
        }

        Assert.Equal(0, allocated);
    }
}
