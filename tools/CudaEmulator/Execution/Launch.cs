using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>Three extents or coordinates.</summary>
public readonly record struct Dim3(int X, int Y, int Z)
{
    /// <summary>Product of the three.</summary>
    public long Count => (long)X * Y * Z;

    /// <summary>The coordinates of an index that counts x fastest.</summary>
    public Dim3 At(long index) => new((int)(index % X), (int)(index / X % Y), (int)(index / X / Y));

    /// <summary>As CUDA's tools write it: <c>(1,2,3)</c>.</summary>
    public override string ToString() => $"({X},{Y},{Z})";
}

/// <summary>A kernel to be run over a grid.</summary>
/// <param name="Kernel">What to run.</param>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="DynamicSharedBytes">Shared memory of a block beyond what the kernel declares.</param>
/// <param name="Parameters">The parameters' bytes, each at its alignment: <see cref="KernelCode.ParameterBytes"/> of them.</param>
public sealed record LaunchRequest(KernelCode Kernel, Dim3 Grid, Dim3 Block, int DynamicSharedBytes, byte[] Parameters)
{
    /// <summary>The launches that on a GPU may run at the same time; null for none.</summary>
    internal Overlap? Overlap { get; init; }
}

/// <summary>How a launch is run. None of it changes what a correct kernel computes.</summary>
/// <param name="Workers">Worker threads; 0 for one a core.</param>
/// <param name="Checks">What is checked.</param>
/// <param name="Limit">Warp-instructions that it may repeat in loops, until it is taken for one that never ends.</param>
public sealed record LaunchOptions(int Workers = 0, CheckSet Checks = CheckSet.Default, long Limit = LaunchOptions.DefaultLimit)
{
    /// <summary>Minutes, at the emulator's speed.</summary>
    public const long DefaultLimit = 20_000_000_000;
}

/// <summary>A launch that failed on the device.</summary>
/// <param name="result">The error that the context reports from then on.</param>
/// <param name="report">What happened where: kernel, PTX line, block, thread, address, allocation, what was expected.</param>
public sealed class DeviceFaultException(CudaResult result, string report) : Exception(report)
{
    /// <summary>The error that the context reports from then on.</summary>
    public CudaResult Result { get; } = result;
}
