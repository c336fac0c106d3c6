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
    /// <param name="index">Which element of it; any number if nothing is read.</param>
    /// <param name="bytes">How many bytes to read, from 0 to 16; zeros take the place of the others.</param>
    static abstract void Copy(int shared, ArrayView<Bits128> source, long index, int bytes);

    /// <summary>
    /// The first half of a <see cref="Copy"/>, for threads that have something else to do before the second, <see cref="End"/>:
    /// where copies are not asynchronous, the load's latency passes behind that.
    /// </summary>
    /// <returns>For <see cref="End"/>.</returns>
    static abstract Bits128 Begin(int shared, ArrayView<Bits128> source, long index, int bytes);

    /// <summary>The second half of a copy.</summary>
    /// <param name="shared">As at the beginning.</param>
    /// <param name="value">What <see cref="Begin"/> returned.</param>
    static abstract void End(int shared, Bits128 value);

    /// <summary>Makes the copies since the last call a group.</summary>
    static abstract void Commit();

    /// <summary>Waits for all groups of this thread. Other threads' copies are seen after a barrier behind it.</summary>
    static abstract void WaitForAll();

    /// <summary>Waits for all groups but the latest.</summary>
    static abstract void WaitForAllButOne();
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

    /// <summary>Starts a copy, or does nothing if <paramref name="takesPart"/> is 0; without a branch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyIf(int takesPart, int shared, ArrayView<Bits128> source, long index, int bytes)
    {
        fixed (Bits128* address = &source[index])
        {
            CudaAsm.Emit("{ .reg .pred takes; setp.ne.s32 takes, %3, 0; @takes cp.async.cg.shared.global [%0], [%1], 16, %2; }", shared, (nint)address, bytes, takesPart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits128 Begin(int shared, ArrayView<Bits128> source, long index, int bytes)
    {
        Copy(shared, source, index, bytes);
        return default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(int shared, Bits128 value)
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit() => CudaAsm.Emit("cp.async.commit_group;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAll() => CudaAsm.Emit("cp.async.wait_group 0;");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WaitForAllButOne() => CudaAsm.Emit("cp.async.wait_group 1;");
}

/// <summary>
/// A load and a store through registers, for sm_75. Nothing is left to wait for. Reads 16 bytes or none, without a branch.
/// </summary>
internal readonly unsafe struct PlainCopy : ISharedCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(int shared, ArrayView<Bits128> source, long index, int bytes) => End(shared, Begin(shared, source, index, bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bits128 Begin(int shared, ArrayView<Bits128> source, long index, int bytes)
    {
        Ref<uint> x = default, y = default, z = default, w = default;
        x.Value = y.Value = z.Value = w.Value = 0;
        fixed (Bits128* address = &source[index])
        {
            CudaAsm.Emit("mov.u64 %0, %1;", out ulong pointer, (nint)address);
            Input<ulong> from = pointer;
            Input<int> read = bytes;
            CudaAsm.EmitRef(
                "{ .reg .pred read; setp.ne.s32 read, %5, 0; @read ld.global.v4.b32 {%0, %1, %2, %3}, [%4]; }",
                ref x, ref y, ref z, ref w, ref from, ref read);
        }

        return new Bits128(x.Value, y.Value, z.Value, w.Value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(int shared, Bits128 value) =>
        CudaAsm.Emit("st.shared.v4.b32 [%0], {%1, %2, %3, %4};", shared, value.X, value.Y, value.Z, value.W);

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
}
