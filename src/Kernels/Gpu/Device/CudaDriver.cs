using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Gpu;

/// <summary>The driver's functions that ILGPU does not call. They work on the context that is current on the calling thread.</summary>
internal static unsafe partial class CudaDriver
{
    private const int OutOfMemory = 2;

    /// <summary>Throws what a result code says.</summary>
    /// <exception cref="GpuException">The call failed.</exception>
    public static void Check(int result, string call)
    {
        if (result != 0)
        {
            throw new GpuException(result == OutOfMemory
                ? $"The GPU has too little free memory ({call})."
                : $"The GPU failed: {call} returned CUDA error {result} ({Marshal.PtrToStringUTF8(ErrorName(result))}).");
        }
    }

    [LibraryImport("cuda", EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(nint target, void* source, nuint bytes, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(void* target, nint source, nuint bytes, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuStreamSynchronize")]
    public static partial int Synchronize(nint stream);

    [LibraryImport("cuda", EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    private static nint ErrorName(int result) => GetErrorName(result, out nint name) == 0 ? name : 0;

    [LibraryImport("cuda", EntryPoint = "cuGetErrorName")]
    private static partial int GetErrorName(int result, out nint name);
}
