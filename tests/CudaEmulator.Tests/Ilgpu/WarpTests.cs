using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Algorithms.ScanReduceOperations;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class WarpTests(IlgpuFixture ilgpu)
{
    private T[] Run<T>(Action<ArrayView<T>, ArrayView<T>> kernel, T[] x, int block = 64) where T : unmanaged
    {
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<T>(x.Length);
        ilgpu.Hopper.LoadStreamKernel(kernel)(new KernelConfig(x.Length / block, block), source.View, target.View);
        return target.GetAsArray1D();
    }

    private static void Shuffles(ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[Grid.GlobalIndex.X];
        y[Grid.GlobalIndex.X] = Warp.Shuffle(value, (Warp.LaneIdx + 5) % 32) + 3 * Warp.ShuffleDown(value, 4) + 5 * Warp.ShuffleUp(value, 9)
            + 7 * Warp.ShuffleXor(value, 12) + 11 * Warp.Broadcast(value, 17);
    }

    [Fact]
    public void Values_go_from_lane_to_lane()
    {
        int[] x = Numbers.Ints(256, 1);
        Assert.Equal(x.Chunk(32).SelectMany(warp => warp.Select((value, lane) => unchecked(
            warp[(lane + 5) % 32] + 3 * (lane + 4 < 32 ? warp[lane + 4] : value) + 5 * (lane >= 9 ? warp[lane - 9] : value)
            + 7 * warp[lane ^ 12] + 11 * warp[17]))), Run(Shuffles, x));
    }

    private static void WideShuffles(ArrayView<double> x, ArrayView<double> y)
    {
        double value = x[Grid.GlobalIndex.X];
        for (int mask = 16; mask > 0; mask /= 2)
            value += Warp.ShuffleXor(value, mask);
        y[Grid.GlobalIndex.X] = value;
    }

    [Fact]
    public void Values_of_64_bits_go_from_lane_to_lane()
    {
        double[] x = [.. Enumerable.Range(0, 128).Select(i => i * 0.25)];
        Assert.Equal(x.Chunk(32).SelectMany(warp => Enumerable.Repeat(warp.Sum(), 32)), Run(WideShuffles, x));
    }

    private static void WarpReductions(ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[Grid.GlobalIndex.X];
        int sum = WarpExtensions.AllReduce<int, AddInt32>(value);
        int most = WarpExtensions.AllReduce<int, MaxInt32>(value);
        y[Grid.GlobalIndex.X] = sum + 100_000 * (most % 100) + 7 * WarpExtensions.ExclusiveScan<int, AddInt32>(value);
    }

    [Fact]
    public void Reductions_and_scans_over_a_warp()
    {
        int[] x = [.. Enumerable.Range(0, 256).Select(i => i * i % 101)];
        Assert.Equal(x.Chunk(32).SelectMany(warp => warp.Select((_, lane) =>
            warp.Sum() + 100_000 * (warp.Max() % 100) + 7 * warp[..lane].Sum())), Run(WarpReductions, x));
    }

    private static void GroupReductions(ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[Grid.GlobalIndex.X];
        int sum = GroupExtensions.AllReduce<int, AddInt32>(value);
        Group.Barrier();
        int before = GroupExtensions.ExclusiveScan<int, AddInt32>(value);
        Group.Barrier();
        int upTo = GroupExtensions.InclusiveScan<int, AddInt32>(value);
        y[Grid.GlobalIndex.X] = sum + 1_000 * (upTo - before) + 10_000 * before;
    }

    [Fact]
    public void Reductions_and_scans_over_a_block()
    {
        int[] x = [.. Enumerable.Range(0, 192 * 3).Select(i => i % 9)];
        Assert.Equal(x.Chunk(192).SelectMany(block => block.Select((value, i) => block.Sum() + 1000 * value + 10_000 * block[..i].Sum())),
            Run(GroupReductions, x, block: 192));
    }

    private static void DivergentLanes(ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[Grid.GlobalIndex.X], count = 0;
        while (value > 0)
        {
            value -= Warp.LaneIdx + 1;
            count++;
        }
        // The lanes have left the loop at different times, and meet here.
        Warp.Barrier();
        y[Grid.GlobalIndex.X] = count + 1000 * Warp.ShuffleXor(count, 1);
    }

    [Fact]
    public void Lanes_meet_again_after_a_loop()
    {
        int[] x = [.. Enumerable.Range(0, 128).Select(i => 50 + i)];
        int Count(int i) => (x[i] + i % 32) / (i % 32 + 1);
        Assert.Equal(x.Select((_, i) => Count(i) + 1000 * Count(i ^ 1)), Run(DivergentLanes, x));
    }
}
