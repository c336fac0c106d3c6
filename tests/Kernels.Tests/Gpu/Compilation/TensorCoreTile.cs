using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>
/// What inline PTX for tensor cores looks like in ILGPU: registers are <see cref="Ref{T}"/> fields of structs, and each becomes
/// local memory. A warp multiplies rows of a by rows of b, 16 x 8 outputs in each of its 4 tiles.
/// </summary>
internal static class TensorCoreTile
{
    internal struct TileC
    {
        public Ref<float> X0, X1, X2, X3;
    }

    internal struct TileA
    {
        public Ref<uint> X0, X1, X2, X3;
    }

    internal struct TileB
    {
        public Ref<uint> X0, X1;
    }

    /// <summary>c[tile, lane, 0..3] = Σ over k of products of the fragments a[k, lane, 0..3] and b[k, tile, lane, 0..1].</summary>
    public static void Kernel(ArrayView<uint> a, ArrayView<uint> b, ArrayView<float> c, int count)
    {
        TileC c0 = default, c1 = default, c2 = default, c3 = default;
        TileA ta = default;
        TileB b0 = default, b1 = default, b2 = default, b3 = default;
        int lane = Warp.LaneIdx;
        for (int k = 0; k < count; k++)
        {
            Load(ref ta, a, (k * 32) + lane);
            Load(ref b0, b, (((k * 4) + 0) * 32) + lane);
            Load(ref b1, b, (((k * 4) + 1) * 32) + lane);
            Load(ref b2, b, (((k * 4) + 2) * 32) + lane);
            Load(ref b3, b, (((k * 4) + 3) * 32) + lane);
            MultiplyAdd(ref c0, ref ta, ref b0);
            MultiplyAdd(ref c1, ref ta, ref b1);
            MultiplyAdd(ref c2, ref ta, ref b2);
            MultiplyAdd(ref c3, ref ta, ref b3);
        }

        Store(c, lane, ref c0);
        Store(c, 32 + lane, ref c1);
        Store(c, 64 + lane, ref c2);
        Store(c, 96 + lane, ref c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(ref TileA tile, ArrayView<uint> a, int index)
    {
        tile.X0.Value = a[4 * index];
        tile.X1.Value = a[(4 * index) + 1];
        tile.X2.Value = a[(4 * index) + 2];
        tile.X3.Value = a[(4 * index) + 3];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(ref TileB tile, ArrayView<uint> b, int index)
    {
        tile.X0.Value = b[2 * index];
        tile.X1.Value = b[(2 * index) + 1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ArrayView<float> c, int index, ref TileC tile)
    {
        c[4 * index] = tile.X0.Value;
        c[(4 * index) + 1] = tile.X1.Value;
        c[(4 * index) + 2] = tile.X2.Value;
        c[(4 * index) + 3] = tile.X3.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(ref TileC c, ref TileA a, ref TileB b) => CudaAsm.EmitRef(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
        ref c.X0, ref c.X1, ref c.X2, ref c.X3, ref a.X0, ref a.X1, ref a.X2, ref a.X3, ref b.X0, ref b.X1);
}
