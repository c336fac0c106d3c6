using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>How 16 bytes get from global into shared memory, as a policy that is compiled into a kernel.</summary>
internal interface ISharedCopy
{
    /// <summary>Starts a copy.</summary>
    /// <param name="shared">Address in shared memory, a multiple of 16.</param>
    /// <param name="source">Where from.</param>
    /// <param name="index">Which element of it; a valid one even if nothing is read.</param>
    /// <param name="bytes">How many bytes to read, from 0 to 16; zeros take the place of the others.</param>
    static abstract void Copy(int shared, ArrayView<Bits128> source, long index, int bytes);

    /// <summary>Makes the copies since the last call a group.</summary>
    static abstract void Commit();

    /// <summary>Waits for all groups of this thread. Other threads' copies are seen after a barrier behind it.</summary>
    static abstract void WaitForAll();

    /// <summary>Waits for all groups but the latest.</summary>
    static abstract void WaitForAllButOne();

    /// <summary>Waits for all groups but the latest two.</summary>
    static abstract void WaitForAllButTwo();
}

/// <summary>cp.async, from sm_80 on: past the registers and past the L1 cache, while the thread goes on.</summary>
internal readonly unsafe struct AsynchronousCopy : ISharedCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(int shared, ArrayView<Bits128> source, long index, int bytes)
    {
        fixed (Bits128* address = &source[index])
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", shared, (nint)address, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit() => CudaAsm.Emit("cp.async.commit_group;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAll() => CudaAsm.Emit("cp.async.wait_group 0;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButOne() => CudaAsm.Emit("cp.async.wait_group 1;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButTwo() => CudaAsm.Emit("cp.async.wait_group 2;");
}

/// <summary>A load and a store through registers, for sm_75. Nothing is left to wait for. Reads 16 bytes or none.</summary>
internal readonly unsafe struct PlainCopy : ISharedCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(int shared, ArrayView<Bits128> source, long index, int bytes)
    {
        fixed (Bits128* address = &source[index])
        {
            CudaAsm.Emit(
                "{ .reg .pred read; .reg .b32 x, y, z, w; setp.ne.s32 read, %2, 0; "
                + "mov.b32 x, 0; mov.b32 y, 0; mov.b32 z, 0; mov.b32 w, 0; "
                + "@read ld.global.v4.b32 {x, y, z, w}, [%1]; st.shared.v4.b32 [%0], {x, y, z, w}; }",
                shared, (nint)address, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAll()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButOne()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButTwo()
    {
    }
}
