using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>
/// What a decoding step of the size of large-v3 asks of the memory, counted by the emulated driver: a step is bound by its
/// bytes, so a kernel may move at most 1.1 times those that it cannot do without.
/// </summary>
[Collection(nameof(GpuTests))]
public sealed class DecoderCostTests(GpuFixture gpu)
{
    private const int Heads = 20, Width = Heads * 64, Half = 2;

    [CountersTheory]
    [InlineData(1)]
    [InlineData(5)]
    public void Self_attention_reads_each_entry_once(int lanes)
    {
        const int position = 300;
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using DecoderRows rows = Rows(kernels, lanes, position);
        using KeyValueCache cache = kernels.AllocateCache(lanes, 448, Heads, 64);
        using Tensor input = kernels.Allocate(lanes, 3 * Width), y = kernels.Allocate(lanes, Width);
        long least = (long)lanes * (((position + 1) * 2) + 3 + 1) * Width * Half;
        RequireCost("Attend", least, kernels, y, () => kernels.AttendSelf(rows, input, cache, y));
    }

    [CountersTheory]
    [InlineData(1)]
    [InlineData(3)]
    public void Cross_attention_reads_each_frame_once(int lanes)
    {
        const int frames = 1500;
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using DecoderRows rows = Rows(kernels, lanes, 0);
        using KeyValueCache cache = kernels.AllocateCache(lanes, frames, Heads, 64);
        using Tensor query = kernels.Allocate(lanes, Width), y = kernels.Allocate(lanes, Width);
        long least = (long)lanes * ((frames * 2) + 1 + 1) * Width * Half;
        RequireCost("Attend", least, kernels, y, () => kernels.AttendCross(rows, query, cache, y));
    }

    [CountersTheory]
    [InlineData(1, Width, Width)]
    [InlineData(5, 4 * Width, Width)]
    [InlineData(8, Width, 4 * Width)]
    [InlineData(17, Width, 3 * Width)]
    public void A_product_reads_its_weights_once(int rows, int inputs, int outputs)
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using Tensor x = kernels.Allocate(rows, inputs), y = kernels.Allocate(rows, outputs);
        using Linear linear = new(kernels.Allocate(outputs, inputs), kernels.AllocateSingle(outputs));
        long least = (Half * (((long)inputs * outputs) + ((long)rows * (inputs + outputs)))) + (4L * outputs);
        RequireCost("TensorCore", least, kernels, y, () => kernels.MatMul(rows, x, linear, y));
    }

    [CountersTheory]
    [InlineData(1, Width, Width)]
    [InlineData(5, 4 * Width, Width)]
    [InlineData(8, Width, 4 * Width)]
    [InlineData(17, Width, 3 * Width)]
    public void A_product_reads_int8_weights_and_their_scales_once(int rows, int inputs, int outputs)
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Int8Float16);
        using Tensor x = kernels.Allocate(rows, inputs), y = kernels.Allocate(rows, outputs);
        using Linear linear = new(Make.Matrix(kernels, new float[outputs * inputs], outputs, inputs), kernels.AllocateSingle(outputs));
        long least = ((long)inputs * outputs) + (Half * (long)rows * (inputs + outputs)) + (8L * outputs);
        RequireCost("TensorCore", least, kernels, y, () => kernels.MatMul(rows, x, linear, y));
    }

    [CountersTheory]
    [InlineData(1)]
    [InlineData(9)]
    public void A_pass_is_embedded_by_whole_sectors(int count)
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        LaunchCounters counters = LaunchCounters.Of("Kernel", () => Rows(kernels, count, 0).Dispose());
        Assert.InRange(counters.Coalescing, 0.95, double.MaxValue);
    }

    private static DecoderRows Rows(IKernels kernels, int lanes, int position)
    {
        DecoderRows rows = kernels.AllocateRows(lanes);
        for (int lane = 0; lane < lanes; lane++)
        {
            rows.Add(0, lane, position, lane, false);
        }

        using Tensor tokens = kernels.Allocate(1, Width), positions = kernels.AllocateSingle(position + 1, Width), x = kernels.AllocateSingle(lanes, Width);
        Wait(kernels, x, () => kernels.Embed(rows, tokens, positions, x));
        return rows;
    }

    private static void RequireCost(string kernel, long least, IKernels kernels, Tensor y, Action run)
    {
        LaunchCounters counters = LaunchCounters.Of(kernel, () => Wait(kernels, y, run));
        Assert.InRange(counters["globalUniqueBytes"], 0.9 * least, 1.1 * least);
        Assert.InRange(counters.Coalescing, 0.95, double.MaxValue);
        Assert.Equal(0, counters["sharedReplays"]);
    }

    private static void Wait(IKernels kernels, Tensor y, Action run)
    {
        run();
        Make.Read(kernels, y, 1);
    }
}
