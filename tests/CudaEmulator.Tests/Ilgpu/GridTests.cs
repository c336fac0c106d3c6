using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class GridTests(IlgpuFixture ilgpu)
{
    private static void Transpose(Index2D i, ArrayView2D<int, Stride2D.DenseX> x, ArrayView2D<int, Stride2D.DenseY> y) => y[i.Y, i.X] = x[i];

    [Fact]
    public void Two_dimensions()
    {
        var x = new int[37, 53];
        for (int i = 0; i < x.Length; i++)
            x[i / 53, i % 53] = i;
        using var source = ilgpu.Hopper.Allocate2DDenseX(x);
        using var target = ilgpu.Hopper.Allocate2DDenseY<int>(new Index2D(53, 37));
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index2D, ArrayView2D<int, Stride2D.DenseX>, ArrayView2D<int, Stride2D.DenseY>>(Transpose)(
            new Index2D(37, 53), source.View, target.View);
        int[,] y = target.GetAsArray2D();
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(i, y[i % 53, i / 53]);
    }

    private static void Laplacian(Index3D i, ArrayView3D<float, Stride3D.DenseXY> x, ArrayView3D<float, Stride3D.DenseXY> y)
    {
        Index3D extent = x.IntExtent;
        float sum = 6 * x[i];
        if (i.X > 0)
            sum -= x[new Index3D(i.X - 1, i.Y, i.Z)];
        if (i.X < extent.X - 1)
            sum -= x[new Index3D(i.X + 1, i.Y, i.Z)];
        if (i.Y > 0)
            sum -= x[new Index3D(i.X, i.Y - 1, i.Z)];
        if (i.Y < extent.Y - 1)
            sum -= x[new Index3D(i.X, i.Y + 1, i.Z)];
        if (i.Z > 0)
            sum -= x[new Index3D(i.X, i.Y, i.Z - 1)];
        if (i.Z < extent.Z - 1)
            sum -= x[new Index3D(i.X, i.Y, i.Z + 1)];
        y[i] = sum;
    }

    [Fact]
    public void Three_dimensions()
    {
        var x = new float[9, 10, 11];
        for (int i = 0; i < x.Length; i++)
            x[i / 110, i / 11 % 10, i % 11] = i * i % 97;
        using var source = ilgpu.Hopper.Allocate3DDenseXY(x);
        using var target = ilgpu.Hopper.Allocate3DDenseXY<float>(new Index3D(9, 10, 11));
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index3D, ArrayView3D<float, Stride3D.DenseXY>, ArrayView3D<float, Stride3D.DenseXY>>(Laplacian)(
            new Index3D(9, 10, 11), source.View, target.View);
        float[,,] y = target.GetAsArray3D();
        float At(int i, int j, int k) => i is >= 0 and < 9 && j is >= 0 and < 10 && k is >= 0 and < 11 ? x[i, j, k] : 0;
        for (int i = 0; i < 9; i++)
        {
            for (int j = 0; j < 10; j++)
            {
                for (int k = 0; k < 11; k++)
                {
                    Assert.Equal(6 * x[i, j, k] - At(i - 1, j, k) - At(i + 1, j, k) - At(i, j - 1, k) - At(i, j + 1, k)
                        - At(i, j, k - 1) - At(i, j, k + 1), y[i, j, k]);
                }
            }
        }
    }

    private static void Indices(ArrayView<int> y)
    {
        int block = Grid.IdxX + Grid.DimX * (Grid.IdxY + Grid.DimY * Grid.IdxZ);
        int thread = Group.IdxX + Group.DimX * (Group.IdxY + Group.DimY * Group.IdxZ);
        int size = Group.DimX * Group.DimY * Group.DimZ;
        y[block * size + thread] = Grid.IdxX + 10 * Grid.IdxY + 100 * Grid.IdxZ
            + 1000 * Group.IdxX + 10_000 * Group.IdxY + 100_000 * Group.IdxZ
            + 1_000_000 * Warp.LaneIdx + 100_000_000 * Warp.WarpIdx;
    }

    [Fact]
    public void Blocks_and_threads_know_where_they_are()
    {
        (int x, int y, int z) grid = (3, 2, 4), block = (5, 4, 3);
        int size = block.x * block.y * block.z, blocks = grid.x * grid.y * grid.z;
        using var target = ilgpu.Hopper.Allocate1D<int>(size * blocks);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<int>>(Indices)(
            new KernelConfig(new Index3D(grid.x, grid.y, grid.z), new Index3D(block.x, block.y, block.z)), target.View);
        Assert.Equal(
            from b in Enumerable.Range(0, blocks)
            from t in Enumerable.Range(0, size)
            select b % grid.x + 10 * (b / grid.x % grid.y) + 100 * (b / (grid.x * grid.y))
                + 1000 * (t % block.x) + 10_000 * (t / block.x % block.y) + 100_000 * (t / (block.x * block.y))
                + 1_000_000 * (t % 32) + 100_000_000 * (t / 32),
            target.GetAsArray1D());
    }

    private static void GridStride(ArrayView<int> x, ArrayView<int> y)
    {
        for (int i = Grid.GlobalIndex.X; i < x.IntLength; i += Grid.DimX * Group.DimX)
            y[i] = 2 * x[i];
    }

    [Fact]
    public void A_small_grid_strides_over_many_elements()
    {
        int[] x = Numbers.Ints(10_007, 1);
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<int>(x.Length);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(GridStride)(new KernelConfig(7, 96), source.View, target.View);
        Assert.Equal(x.Select(a => unchecked(2 * a)), target.GetAsArray1D());
    }

    private static void Nothing(Index1D i, ArrayView<int> y)
    {
        if (i < y.Length)
            y[i] = i;
    }

    [Fact]
    public void A_large_grid_of_large_blocks()
    {
        using var target = ilgpu.Hopper.Allocate1D<int>(300_000);
        ilgpu.Hopper.LoadImplicitlyGroupedStreamKernel<Index1D, ArrayView<int>>(Nothing, 1024)(300_000, target.View);
        Assert.Equal(Enumerable.Range(0, 300_000), target.GetAsArray1D());
    }

    [Fact]
    public void Ilgpu_asks_the_driver_for_good_block_sizes()
    {
        using var target = ilgpu.Hopper.Allocate1D<int>(10_000);
        var kernel = ilgpu.Hopper.LoadAutoGroupedKernel<Index1D, ArrayView<int>>(Nothing);
        kernel(ilgpu.Hopper.DefaultStream, 10_000, target.View);
        ilgpu.Hopper.Synchronize();
        Assert.Equal(9999, target.GetAsArray1D()[9999]);
        Kernel compiled = ilgpu.Hopper.LoadAutoGroupedKernel(((Action<Index1D, ArrayView<int>>)Nothing).Method, out KernelInfo? info);
        Assert.InRange(info!.MinGroupSize!.Value, 32, 1024);
        Assert.InRange(ilgpu.Hopper.EstimateMaxActiveGroupsPerMultiprocessor(compiled, 256, 0), 1, 8);
    }
}
