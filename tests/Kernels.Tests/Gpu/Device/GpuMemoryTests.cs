using Handwritten.Kernels.Gpu;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Device;

[Collection(nameof(GpuTests))]
public sealed class GpuMemoryTests : IDisposable
{
    private const long Segment = 1 << 20;

    private readonly GpuDevice _device = GpuFixture.NewDevice();

    public void Dispose() => _device.Dispose();

    private GpuMemory Pool(long segment = Segment) => new(_device.Accelerator, segment);

    [Fact]
    public void Pieces_of_a_segment_do_not_overlap_and_are_aligned()
    {
        GpuMemory memory = Pool();
        GpuAllocation[] pieces = [.. Enumerable.Range(1, 50).Select(i => memory.Allocate(i * 100, "x"))];
        Assert.Equal(Segment, memory.ReservedBytes);
        Assert.All(pieces, piece => Assert.Equal(0, piece.Address % 256));
        Assert.All(pieces.Zip(pieces.Skip(1)), pair => Assert.True(pair.First.Address + pair.First.Bytes <= pair.Second.Address));
        Assert.All(pieces, piece => Assert.Equal(piece.Address, piece.Vectors.LoadEffectiveAddressAsPtr()));
        memory.Release();
    }

    [Fact]
    public void What_is_freed_is_used_again_and_joined_with_its_neighbours()
    {
        GpuMemory memory = Pool();
        GpuAllocation[] pieces = [.. Enumerable.Range(0, 8).Select(_ => memory.Allocate(Segment / 8, "x"))];
        foreach (int i in (int[])[2, 4, 3, 3])
        {
            pieces[i].Dispose(); // a second time does nothing
        }

        using GpuAllocation joined = memory.Allocate(3 * Segment / 8, "x");
        Assert.Equal(pieces[2].Address, joined.Address);
        Assert.Equal((Segment, Segment), (memory.ReservedBytes, memory.UsedBytes));
        memory.Release();
    }

    [Fact]
    public void The_smallest_free_piece_that_is_large_enough_is_taken()
    {
        GpuMemory memory = Pool();
        GpuAllocation large = memory.Allocate(4096, "x"), between = memory.Allocate(256, "x"), small = memory.Allocate(512, "x"), last = memory.Allocate(256, "x");
        large.Dispose();
        small.Dispose();
        Assert.Equal(small.Address, memory.Allocate(500, "x").Address);
        Assert.NotEqual(between.Address, last.Address);
        memory.Release();
    }

    [Fact]
    public void The_report_names_who_uses_how_much()
    {
        GpuMemory memory = Pool();
        GpuAllocation weights = memory.Allocate(1000, "weights");
        using GpuAllocation more = memory.Allocate(3 * Segment, "weights"), cache = memory.Allocate(2560, "KV cache");
        Assert.Equal([new("weights", (3 * Segment) + 1024, 2), new("KV cache", 2560, 1)], memory.Report());
        weights.Dispose();
        Assert.Equal([new("weights", 3 * Segment, 1), new("KV cache", 2560, 1)], memory.Report());
        Assert.Equal((3 * Segment) + 2560, memory.UsedBytes);
        memory.Release();
    }

    [Fact]
    public void A_budget_is_kept_and_named()
    {
        GpuMemory memory = Pool();
        memory.BudgetBytes = 4 << 20;
        using GpuAllocation weights = memory.Allocate(3 << 20, "weights");
        GpuException failure = Assert.Throws<GpuException>(() => memory.Allocate(2 << 20, "KV cache"));
        Assert.Equal("The GPU has too little memory: KV cache needs 2.0 MiB more, and 1.0 MiB of a budget of 4.0 MiB are left (in use: weights 3.0 MiB). Choose a smaller batch, model or compute type.", failure.Message);
        using GpuAllocation fits = memory.Allocate(1 << 20, "KV cache");
        memory.Release();
    }

    [Fact]
    public void A_device_that_is_full_is_named_and_goes_on()
    {
        GpuMemory memory = Pool();
        memory.BudgetBytes = long.MaxValue;
        memory.Allocate(1000, "idle").Dispose();
        GpuException failure = Assert.Throws<GpuException>(() => memory.Allocate(1L << 50, "weights"));
        Assert.Contains("weights needs 1048576.0 GiB more, and ", failure.Message, StringComparison.Ordinal);
        Assert.Equal((false, true), (failure.IsDeviceLost, failure.IsOutOfMemory));
        Assert.Equal(0, memory.ReservedBytes); // what nobody uses was given back before giving up
        using GpuAllocation fits = memory.Allocate(1000, "weights");
        memory.Release();
    }

    [Fact]
    public void Without_segments_each_allocation_goes_back_to_the_driver()
    {
        GpuMemory memory = Pool(0);
        GpuAllocation one = memory.Allocate(1000, "x"), two = memory.Allocate(5000, "x");
        Assert.NotEqual(0, one.Offset); // nobody may take a tensor's beginning for the allocation's
        Assert.Equal(one.Offset + 1024 + two.Offset + 5120, memory.ReservedBytes);
        one.Dispose();
        Assert.Equal(two.Offset + 5120, memory.ReservedBytes);
        two.Dispose();
        Assert.Equal(0, memory.ReservedBytes);
    }

    [Fact]
    public void Allocations_at_random_never_overlap()
    {
        GpuMemory memory = Pool();
        Random random = new(3);
        List<GpuAllocation> held = [];
        for (int i = 0; i < 3000; i++)
        {
            if (held.Count > 0 && random.Next(5) < 2)
            {
                int which = random.Next(held.Count);
                held[which].Dispose();
                held.RemoveAt(which);
            }
            else
            {
                GpuAllocation taken = memory.Allocate(random.Next(1, 1 << random.Next(1, 19)), "x");
                Assert.DoesNotContain(held, other => taken.Address < other.Address + other.Bytes && other.Address < taken.Address + taken.Bytes);
                held.Add(taken);
            }
        }

        Assert.Equal(held.Sum(piece => piece.Bytes), memory.UsedBytes);
        held.ForEach(piece => piece.Dispose());
        Assert.Equal(0, memory.UsedBytes);
        using GpuAllocation all = memory.Allocate(Segment, "x"); // everything was joined again
        memory.Release();
    }
}
