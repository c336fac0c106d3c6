using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// How many blocks of a kernel a multiprocessor holds at a time. Whatever runs out first decides: places for blocks, places
/// for warps, registers (given out to warps by 256) or shared memory (given out to blocks by 128 bytes, 256 on sm_75).
/// </summary>
internal static class Occupancy
{
    private const int Warp = DeviceAttributes.WarpSize;
    private const int RegisterUnit = 256;

    /// <summary>Threads of a block at most, given what registers each takes.</summary>
    public static int MaxThreads(int registers) => Math.Min(
        DeviceProfile.MaxThreadsPerBlock, DeviceProfile.RegistersPerMultiprocessor / RegistersOfWarp(registers) * Warp);

    /// <summary>Resident blocks of a multiprocessor.</summary>
    /// <param name="function">The kernel.</param>
    /// <param name="threads">Threads of a block.</param>
    /// <param name="dynamicSharedBytes">Dynamic shared memory of a block.</param>
    public static int Blocks(CudaFunction function, int threads, int dynamicSharedBytes)
    {
        DeviceProfile profile = function.Module.Context.Device.Profile;
        KernelCode code = function.Code;
        if (threads > function.MaxThreads || dynamicSharedBytes > profile.SharedPerBlockOptIn - code.StaticSharedBytes)
            return 0;
        int warps = (threads + Warp - 1) / Warp;
        int shared = RoundUp(code.StaticSharedBytes + dynamicSharedBytes + profile.SharedReservedPerBlock, profile.ComputeCapability < 80 ? 256 : 128);
        int blocks = Math.Min(profile.BlocksPerMultiprocessor, profile.ThreadsPerMultiprocessor / Warp / warps);
        blocks = Math.Min(blocks, DeviceProfile.RegistersPerMultiprocessor / RegistersOfWarp(code.RegisterCount) / warps);
        return shared == 0 ? blocks : Math.Min(blocks, profile.SharedPerMultiprocessor / shared);
    }

    /// <summary>
    /// The block size that fills a multiprocessor with most threads, the larger one of equals; and the grid that then fills
    /// the device.
    /// </summary>
    /// <param name="function">The kernel.</param>
    /// <param name="dynamicSharedBytes">Dynamic shared memory, given threads of a block.</param>
    /// <param name="limit">Threads of a block at most; 0 for no limit.</param>
    public static (int MinGrid, int Block) BestBlock(CudaFunction function, Func<int, int> dynamicSharedBytes, int limit)
    {
        int most = limit > 0 ? Math.Min(limit, function.MaxThreads) : function.MaxThreads;
        (int threads, int blocks, int size) best = (0, 0, 0);
        // From the limit itself downwards through multiples of a warp.
        for (int size = most; size > 0; size = (size - 1) / Warp * Warp)
        {
            int blocks = Blocks(function, size, dynamicSharedBytes(size));
            if (blocks * size > best.threads)
                best = (blocks * size, blocks, size);
        }
        return (best.blocks * function.Module.Context.Device.Profile.Multiprocessors, best.size);
    }

    /// <summary>Dynamic shared memory that a block may have for so many of them to fit.</summary>
    public static int DynamicSharedFor(CudaFunction function, int blocks, int threads)
    {
        DeviceProfile profile = function.Module.Context.Device.Profile;
        CudaException.Require(blocks > 0 && threads > 0, CudaResult.InvalidValue, "Numbers of blocks and threads are positive.");
        int unit = profile.ComputeCapability < 80 ? 256 : 128;
        int each = profile.SharedPerMultiprocessor / blocks / unit * unit - profile.SharedReservedPerBlock - function.Code.StaticSharedBytes;
        return Math.Clamp(each, 0, profile.SharedPerBlockOptIn - function.Code.StaticSharedBytes);
    }

    private static int RegistersOfWarp(int registers) => RoundUp(Math.Max(registers, 1) * Warp, RegisterUnit);

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
