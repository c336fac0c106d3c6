using System.Runtime.CompilerServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// ldmatrix: a warp reads 8 x 8 tiles of 16-bit elements out of shared memory into fragments. Each lane gives the address
/// of a row of 16 bytes: lanes 0 to 7 those of the first tile, 8 to 15 of the second, and so on. Lane l receives the
/// elements 2 (l % 4) and 2 (l % 4) + 1 of row l / 4; transposed, of column l / 4.
/// </summary>
internal static class MatrixLoad
{
    /// <summary>Four tiles: rows 0 and 8 of the left half, then of the right half of a row-major 16 x 16 tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(ref FragmentA a, int address)
    {
        Input<int> from = address;
        CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];", ref a.X0, ref a.X1, ref a.X2, ref a.X3, ref from);
    }

    /// <summary>
    /// Four tiles of a factor that is stored with k along its rows, [n, k], for two fragments at once: k = 0 and k = 8 of the
    /// first, then of the second.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(ref FragmentB first, ref FragmentB second, int address)
    {
        Input<int> from = address;
        CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];", ref first.X0, ref first.X1, ref second.X0, ref second.X1, ref from);
    }

    /// <summary>Four tiles of a factor that is stored with n along its rows, [k, n], for two fragments at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadTransposed(ref FragmentB first, ref FragmentB second, int address)
    {
        Input<int> from = address;
        CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];", ref first.X0, ref first.X1, ref second.X0, ref second.X1, ref from);
    }
}
