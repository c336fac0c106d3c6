using Handwritten.CudaEmulator.Device;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class SharedMemoryTests(IlgpuFixture ilgpu)
{
    private const int Tile = 16;

    // c [m, n] = a [m, k] * b [k, n]; a block computes a tile of c from tiles of a and b in shared memory.
    private static void TiledMatMul(
        ArrayView2D<float, Stride2D.DenseX> a, ArrayView2D<float, Stride2D.DenseX> b, ArrayView2D<float, Stride2D.DenseX> c)
    {
        var tileA = SharedMemory.Allocate2D<float, Stride2D.DenseX>(new Index2D(Tile, Tile), new Stride2D.DenseX(Tile));
        var tileB = SharedMemory.Allocate2D<float, Stride2D.DenseX>(new Index2D(Tile, Tile), new Stride2D.DenseX(Tile));
        int x = Group.IdxX, y = Group.IdxY, column = Grid.IdxX * Tile + x, row = Grid.IdxY * Tile + y;
        int m = a.IntExtent.X, k = a.IntExtent.Y, n = b.IntExtent.Y;
        float sum = 0;
        for (int begin = 0; begin < k; begin += Tile)
        {
            tileA[y, x] = row < m && begin + x < k ? a[row, begin + x] : 0;
            tileB[y, x] = column < n && begin + y < k ? b[begin + y, column] : 0;
            Group.Barrier();
            for (int i = 0; i < Tile; i++)
                sum += tileA[y, i] * tileB[i, x];
            Group.Barrier();
        }
        if (row < m && column < n)
            c[row, column] = sum;
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(16, 32, 48)]
    [InlineData(45, 70, 33)]
    public void Matrices_are_multiplied_by_tiles(int m, int n, int k)
    {
        float[,] a = Matrix(m, k, 1), b = Matrix(k, n, 2);
        using var da = ilgpu.Hopper.Allocate2DDenseX(a);
        using var db = ilgpu.Hopper.Allocate2DDenseX(b);
        using var dc = ilgpu.Hopper.Allocate2DDenseX<float>(new Index2D(m, n));
        ilgpu.Hopper.LoadStreamKernel<ArrayView2D<float, Stride2D.DenseX>, ArrayView2D<float, Stride2D.DenseX>, ArrayView2D<float, Stride2D.DenseX>>(TiledMatMul)(
            new KernelConfig(new Index2D((n + Tile - 1) / Tile, (m + Tile - 1) / Tile), new Index2D(Tile, Tile)), da.View, db.View, dc.View);
        float[,] c = dc.GetAsArray2D();
        Numbers.AssertClose(
            from i in Enumerable.Range(0, m) from j in Enumerable.Range(0, n) select Enumerable.Range(0, k).Sum(p => (double)a[i, p] * b[p, j]),
            c.Cast<float>().Select(value => (double)value), 1e-5);
    }

    private static float[,] Matrix(int rows, int columns, int seed)
    {
        float[] numbers = Numbers.Floats(rows * columns, seed);
        var matrix = new float[rows, columns];
        for (int i = 0; i < numbers.Length; i++)
            matrix[i / columns, i % columns] = numbers[i];
        return matrix;
    }

    private static void Reverse(ArrayView<int> x)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        int i = Grid.GlobalIndex.X;
        shared[Group.IdxX] = x[i];
        Group.Barrier();
        x[i] = shared[Group.DimX - 1 - Group.IdxX];
    }

    [Fact]
    public void Dynamic_shared_memory()
    {
        int[] x = [.. Enumerable.Range(0, 5 * 200)];
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<int>>(Reverse)(
            new KernelConfig(5, 200, SharedMemoryConfig.RequestDynamic<int>(200)), buffer.View);
        Assert.Equal(x.Chunk(200).SelectMany(block => block.Reverse()), buffer.GetAsArray1D());
    }

    private static void ReverseStrided(ArrayView<int> x)
    {
        ArrayView<int> shared = SharedMemory.GetDynamic<int>();
        for (int i = Group.IdxX; i < x.IntLength; i += Group.DimX)
            shared[i] = x[i];
        Group.Barrier();
        for (int i = Group.IdxX; i < x.IntLength; i += Group.DimX)
            x[i] = shared[x.IntLength - 1 - i];
    }

    [Fact]
    public void More_than_48_KB_of_shared_memory_must_be_opted_in_for()
    {
        int[] x = [.. Enumerable.Range(0, 227 * 256)]; // all 227 KB
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        var compiled = ilgpu.Hopper.Backend.Compile(
            ILGPU.Backends.EntryPoints.EntryPointDescription.FromExplicitlyGroupedKernel(((Action<ArrayView<int>>)ReverseStrided).Method), default);
        using var kernel = (CudaKernel)ilgpu.Hopper.LoadKernel(compiled);
        var launch = kernel.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, ArrayView<int>>>();
        var config = new KernelConfig(1, 256, SharedMemoryConfig.RequestDynamic<int>(x.Length));
        string message = Assert.Throws<CudaException>(() => launch(ilgpu.Hopper.DefaultStream, config, buffer.View)).Message;
        Assert.Contains("cuFuncSetAttribute", message, StringComparison.Ordinal);
        Assert.Equal(CudaResult.InvalidValue, ilgpu.Api.FuncSetAttribute(kernel.FunctionPtr, 8, 4 * x.Length + 1));
        Assert.Equal(CudaResult.Success, ilgpu.Api.FuncSetAttribute(kernel.FunctionPtr, 8, 4 * x.Length));
        launch(ilgpu.Hopper.DefaultStream, config, buffer.View);
        Assert.Equal(x.Reverse(), buffer.GetAsArray1D());
    }

    private static void BlockSums(ArrayView<float> x, ArrayView<float> sums)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(256);
        shared[Group.IdxX] = x[Grid.GlobalIndex.X];
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            Group.Barrier();
            if (Group.IdxX < half)
                shared[Group.IdxX] += shared[Group.IdxX + half];
        }
        if (Group.IsFirstThread)
            sums[Grid.IdxX] = shared[0];
    }

    [Fact]
    public void A_block_sums_up_by_halves()
    {
        float[] x = [.. Enumerable.Range(0, 256 * 20).Select(i => (float)(i % 1000))];
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<float>(20);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<float>, ArrayView<float>>(BlockSums)(new KernelConfig(20, 256), source.View, target.View);
        Assert.Equal(x.Chunk(256).Select(block => block.Sum()), target.GetAsArray1D());
    }

    private static void Votes(ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[Grid.GlobalIndex.X];
        int odd = Group.BarrierPopCount((value & 1) != 0);
        bool all = Group.BarrierAnd(value > 10), any = Group.BarrierOr(value > 900);
        int third = Group.Broadcast(value, 3);
        y[Grid.GlobalIndex.X] = odd + (all ? 1000 : 0) + (any ? 2000 : 0) + 10_000 * third;
    }

    [Fact]
    public void Barriers_that_count_and_combine()
    {
        int[] x = [.. Enumerable.Range(0, 10 * 128).Select(i => i * 7 % 1001)];
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<int>(x.Length);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(Votes)(new KernelConfig(10, 128), source.View, target.View);
        Assert.Equal(x.Chunk(128).SelectMany(block => Enumerable.Repeat(
            block.Count(value => value % 2 == 1) + (block.All(value => value > 10) ? 1000 : 0) + (block.Any(value => value > 900) ? 2000 : 0)
            + 10_000 * block[3], 128)), target.GetAsArray1D());
    }
}
