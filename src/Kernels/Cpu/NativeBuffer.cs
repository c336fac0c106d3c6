using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Zeroed memory outside the garbage collector, aligned for vectors. Fresh pages of the operating system are zero
/// already, so memory that is never used is never touched and does not count as resident. Large buffers start on a
/// 2 MiB boundary and ask Linux for huge pages: a stream of weights then takes a 512th of the address translations (TLB misses).
/// There is no finalizer on purpose: a kernel works on the raw pointer, and a collector that freed a tensor in the
/// middle of its last use would be worse than a leak of a tensor that nobody disposed.
/// </summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const int CacheLine = 64;
    private const int HugePage = 2 << 20;
    private const int MadvHugePage = 14;

    private void* _allocation;
    private byte* _data;

    /// <summary>Allocates <paramref name="byteCount"/> zero bytes.</summary>
    /// <exception cref="OutOfMemoryException">The operating system has no such block.</exception>
    public NativeBuffer(long byteCount)
    {
        ByteCount = byteCount;
        int alignment = byteCount >= 2 * HugePage ? HugePage : CacheLine;
        _allocation = NativeMemory.AllocZeroed((nuint)byteCount + (nuint)alignment);
        _data = (byte*)(((nuint)_allocation + (nuint)alignment) & ~((nuint)alignment - 1));
        if (alignment == HugePage && OperatingSystem.IsLinux())
        {
            AdviseHugePages();
        }
    }

    public long ByteCount { get; }

    public byte* Data => _data is not null ? _data : throw new ObjectDisposedException(nameof(NativeBuffer), "The tensor's memory has been freed.");

    public float* Floats => (float*)Data;

    public void Dispose()
    {
        NativeMemory.Free(_allocation);
        _allocation = _data = null;
    }

    /// <summary>Only a hint: where the C library has another name or the kernel declines, small pages serve as well.</summary>
    private void AdviseHugePages()
    {
        try
        {
            _ = MemoryAdvise(_data, (nuint)ByteCount, MadvHugePage);
        }
        catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
        {
            // Nothing to do.
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemoryAdvise(void* address, nuint length, int advice);
}
