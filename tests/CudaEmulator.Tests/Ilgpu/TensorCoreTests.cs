using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

/// <summary>
/// A tensor-core matrix product in ILGPU with inline PTX: tiles of a and b come into shared memory by cp.async, two stages
/// deep, into registers by ldmatrix, and into the tensor cores by mma.sync.
/// <code>
///     block: 64 x 64 of c, 4 warps         stage: 64 x 32 of a, rows of 40 halves (80 bytes: no bank twice)
///     warp:  32 x 32, 2 x 4 tiles 16 x 8          32 x 64 of b, rows of 72 halves (144 bytes)
/// </code>
/// </summary>
[Collection(nameof(IlgpuTests))]
public sealed unsafe class TensorCoreTests(IlgpuFixture ilgpu)
{
    private const int BlockM = 64, BlockN = 64, BlockK = 32;
    private const int RowA = 2 * (BlockK + 8), RowB = 2 * (BlockN + 8); // bytes
    private const int StageA = BlockM * RowA, StageB = BlockK * RowB, Stage = StageA + StageB;
    private const int SharedBytes = 2 * Stage;

    /// <summary>Eight halves: what one cp.async brings.</summary>
    internal struct Eight
    {
        public ulong Low;
        public ulong High;
    }

    /// <summary>A 16 x 8 tile of c, four elements a lane.</summary>
    internal struct TileC
    {
        public Ref<float> X0, X1, X2, X3;

        public void Store(ArrayView<float> c, int n, int row, int column)
        {
            row += Warp.LaneIdx / 4;
            column += Warp.LaneIdx % 4 * 2;
            c[row * n + column] = X0.Value;
            c[row * n + column + 1] = X1.Value;
            c[(row + 8) * n + column] = X2.Value;
            c[(row + 8) * n + column + 1] = X3.Value;
        }
    }

    /// <summary>A 16 x 16 tile of a.</summary>
    internal struct TileA
    {
        public Ref<uint> X0, X1, X2, X3;

        public void Load(int address)
        {
            Input<int> from = address + Warp.LaneIdx % 16 * RowA + Warp.LaneIdx / 16 * 16;
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];", ref X0, ref X1, ref X2, ref X3, ref from);
        }
    }

    /// <summary>A 16 x 8 tile of b.</summary>
    internal struct TileB
    {
        public Ref<uint> X0, X1;

        public void Load(int address)
        {
            Input<int> from = address + Warp.LaneIdx % 16 * RowB;
            CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];", ref X0, ref X1, ref from);
        }
    }

    private static void MultiplyAdd(ref TileC c, ref TileA a, ref TileB b) => CudaAsm.EmitRef(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
        ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X0, ref a.X1, ref a.X2, ref a.X3, ref b.X0, ref b.X1);

    private static void CopyAsync(int shared, ArrayView<Eight> source, int index)
    {
        fixed (Eight* address = &source[index])
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", shared, (nint)address);
    }

    private static void LoadStage(int shared, ArrayView<Eight> a, ArrayView<Eight> b, int k, int n, int k0)
    {
        for (int i = Group.IdxX; i < BlockM * BlockK / 8; i += Group.DimX)
        {
            (int row, int chunk) = (i / (BlockK / 8), i % (BlockK / 8));
            CopyAsync(shared + row * RowA + chunk * 16, a, ((Grid.IdxY * BlockM + row) * k + k0) / 8 + chunk);
        }
        for (int i = Group.IdxX; i < BlockK * BlockN / 8; i += Group.DimX)
        {
            (int row, int chunk) = (i / (BlockN / 8), i % (BlockN / 8));
            CopyAsync(shared + StageA + row * RowB + chunk * 16, b, ((k0 + row) * n + Grid.IdxX * BlockN) / 8 + chunk);
        }
        CudaAsm.Emit("cp.async.commit_group;");
    }

    private static void MatMul(ArrayView<Eight> a, ArrayView<Eight> b, ArrayView<float> c, int n, int k)
    {
        ArrayView<byte> dynamic = SharedMemory.GetDynamic<byte>();
        if (dynamic.Length < SharedBytes)
            return;
        CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out int shared);

        TileC c00 = default, c01 = default, c02 = default, c03 = default, c10 = default, c11 = default, c12 = default, c13 = default;
        TileA a0 = default, a1 = default;
        TileB b0 = default, b1 = default, b2 = default, b3 = default;
        int warpRow = Warp.WarpIdx / 2 * 32, warpColumn = Warp.WarpIdx % 2 * 32;

        LoadStage(shared, a, b, k, n, 0);
        for (int k0 = 0; k0 < k; k0 += BlockK)
        {
            int stage = k0 / BlockK % 2;
            if (k0 + BlockK < k)
                LoadStage(shared + (1 - stage) * Stage, a, b, k, n, k0 + BlockK);
            else
                CudaAsm.Emit("cp.async.commit_group;"); // empty: there is always one group behind the one waited for
            CudaAsm.Emit("cp.async.wait_group 1;");
            Group.Barrier();
            for (int step = 0; step < BlockK; step += 16)
            {
                int tilesA = shared + stage * Stage + warpRow * RowA + step * 2;
                int tilesB = shared + stage * Stage + StageA + step * RowB + warpColumn * 2;
                a0.Load(tilesA);
                a1.Load(tilesA + 16 * RowA);
                b0.Load(tilesB);
                b1.Load(tilesB + 16);
                b2.Load(tilesB + 32);
                b3.Load(tilesB + 48);
                MultiplyAdd(ref c00, ref a0, ref b0);
                MultiplyAdd(ref c01, ref a0, ref b1);
                MultiplyAdd(ref c02, ref a0, ref b2);
                MultiplyAdd(ref c03, ref a0, ref b3);
                MultiplyAdd(ref c10, ref a1, ref b0);
                MultiplyAdd(ref c11, ref a1, ref b1);
                MultiplyAdd(ref c12, ref a1, ref b2);
                MultiplyAdd(ref c13, ref a1, ref b3);
            }
            Group.Barrier();
        }

        int row = Grid.IdxY * BlockM + warpRow, column = Grid.IdxX * BlockN + warpColumn;
        c00.Store(c, n, row, column);
        c01.Store(c, n, row, column + 8);
        c02.Store(c, n, row, column + 16);
        c03.Store(c, n, row, column + 24);
        c10.Store(c, n, row + 16, column);
        c11.Store(c, n, row + 16, column + 8);
        c12.Store(c, n, row + 16, column + 16);
        c13.Store(c, n, row + 16, column + 24);
    }

    [Theory]
    [InlineData(64, 64, 32)]
    [InlineData(128, 192, 96)]
    [InlineData(512, 512, 512)]
    public void Matrices_are_multiplied_on_tensor_cores(int m, int n, int k)
    {
        System.Half[] a = [.. Numbers.Floats(m * k, 1).Select(value => (System.Half)value)];
        System.Half[] b = [.. Numbers.Floats(k * n, 2).Select(value => (System.Half)value)];
        using var da = ilgpu.Hopper.Allocate1D(Eights(a));
        using var db = ilgpu.Hopper.Allocate1D(Eights(b));
        using var dc = ilgpu.Hopper.Allocate1D<float>(m * n);
        ilgpu.Hopper.LoadStreamKernel<ArrayView<Eight>, ArrayView<Eight>, ArrayView<float>, int, int>(MatMul)(
            new KernelConfig(new Index2D(n / BlockN, m / BlockM), new Index2D(128, 1), SharedMemoryConfig.RequestDynamic<byte>(SharedBytes)),
            da.View, db.View, dc.View, n, k);
        float[] c = dc.GetAsArray1D();

        float[] fa = [.. a.Select(value => (float)value)], fb = [.. b.Select(value => (float)value)];
        var row = new double[n];
        double worst = 0;
        for (int i = 0; i < m; i++)
        {
            Array.Clear(row);
            for (int p = 0; p < k; p++)
            {
                for (int j = 0; j < n; j++)
                    row[j] += (double)fa[i * k + p] * fb[p * n + j];
            }
            for (int j = 0; j < n; j++)
                worst = Math.Max(worst, Math.Abs(row[j] - c[i * n + j]));
        }
        Assert.InRange(worst, 0, 1e-6 * k); // products of halves are exact in float32: only the sums round
    }

    private static Eight[] Eights(System.Half[] halves) => System.Runtime.InteropServices.MemoryMarshal.Cast<System.Half, Eight>(halves).ToArray();
}
