using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Kernels: their launch, their attributes, and how many of their blocks fit.</summary>
internal static unsafe class LaunchExports
{
    // Keys of cuLaunchKernel's "extra" list: CU_LAUNCH_PARAM_END, ..._BUFFER_POINTER, ..._BUFFER_SIZE.
    private const nint End = 0, BufferPointer = 1, BufferSize = 2;

    [UnmanagedCallersOnly(EntryPoint = nameof(cuLaunchKernel))]
    private static CudaResult cuLaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ,
        uint sharedBytes, nint stream, void** parameters, void** extra) => Call(driver =>
    {
        CudaStream ordered = driver.Stream(stream);
        CudaFunction kernel = driver.Object<CudaFunction>(function);
        CudaException.Require(kernel.Module.Context == ordered.Context, CudaResult.InvalidHandle, "The kernel and the stream belong to different contexts.");
        // A number past 2^31 becomes negative here, and is refused as such.
        Dim3 grid = new((int)gridX, (int)gridY, (int)gridZ), block = new((int)blockX, (int)blockY, (int)blockZ);
        kernel.CheckLaunch(grid, block, (int)sharedBytes);
        ordered.Add(new KernelWork(kernel, grid, block, (int)sharedBytes, Arguments(kernel.Code, parameters, extra)));
    });

    /// <summary>Copies the arguments: from one pointer each, or from a buffer that holds them all.</summary>
    private static byte[] Arguments(KernelCode code, void** parameters, void** extra)
    {
        byte[] bytes = new byte[code.ParameterBytes];
        CudaException.Require(parameters == null || extra == null, CudaResult.InvalidValue, "Arguments are given in two ways at once.");
        CudaException.Require(bytes.Length == 0 || parameters != null || extra != null, CudaResult.InvalidValue, $"{code.Name} is launched without arguments.");
        if (parameters != null)
        {
            foreach ((KernelParameter parameter, int i) in code.Parameters.Select((parameter, i) => (parameter, i)))
            {
                CudaException.Require(parameters[i] != null, CudaResult.InvalidValue, $"Argument {i} of {code.Name} is null.");
                new ReadOnlySpan<byte>(parameters[i], parameter.Bytes).CopyTo(bytes.AsSpan(parameter.Offset));
            }
        }
        else if (extra != null)
        {
            byte* buffer = null;
            nuint size = 0;
            for (; (nint)extra[0] != End; extra += 2)
            {
                if ((nint)extra[0] == BufferPointer)
                    buffer = (byte*)extra[1];
                else if ((nint)extra[0] == BufferSize && extra[1] != null)
                    size = *(nuint*)extra[1];
                else
                    throw new CudaException(CudaResult.InvalidValue, $"{(nint)extra[0]} is no key of a list of launch arguments.");
            }
            CudaException.Require((buffer != null || bytes.Length == 0) && size >= (nuint)bytes.Length, CudaResult.InvalidValue,
                $"{code.Name} takes {bytes.Length} bytes of arguments, and is given {size}.");
            new ReadOnlySpan<byte>(buffer, bytes.Length).CopyTo(bytes);
        }
        return bytes;
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuFuncGetAttribute))]
    private static CudaResult cuFuncGetAttribute(int* value, int attribute, nint function) =>
        Call(driver => Out(value) = driver.Object<CudaFunction>(function).GetAttribute(attribute));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuFuncSetAttribute))]
    private static CudaResult cuFuncSetAttribute(nint function, int attribute, int value) =>
        Call(driver => driver.Object<CudaFunction>(function).SetAttribute(attribute, value));

    /// <summary>A hint about the cache, which the emulator has not.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuFuncSetCacheConfig))]
    private static CudaResult cuFuncSetCacheConfig(nint function, int config) => Call(driver => _ = driver.Object<CudaFunction>(function));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuFuncGetModule))]
    private static CudaResult cuFuncGetModule(nint* module, nint function) =>
        Call(driver => Out(module) = driver.Object<CudaFunction>(function).Module.Handle);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuOccupancyMaxActiveBlocksPerMultiprocessor))]
    private static CudaResult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, nint function, int threads, nuint sharedBytes) =>
        Call(driver => MaxBlocks(driver, blocks, function, threads, sharedBytes));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags))]
    private static CudaResult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        int* blocks, nint function, int threads, nuint sharedBytes, uint flags) =>
        Call(driver => MaxBlocks(driver, blocks, function, threads, sharedBytes));

    private static void MaxBlocks(EmulatedDriver driver, int* blocks, nint function, int threads, nuint sharedBytes)
    {
        CudaException.Require(threads > 0, CudaResult.InvalidValue, $"There are no blocks of {threads} threads.");
        Out(blocks) = Occupancy.Blocks(driver.Object<CudaFunction>(function), threads, (int)Math.Min(sharedBytes, int.MaxValue));
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuOccupancyMaxPotentialBlockSize))]
    private static CudaResult cuOccupancyMaxPotentialBlockSize(
        int* minGrid, int* block, nint function, delegate* unmanaged<int, nuint> sharedBytesOf, nuint sharedBytes, int limit) =>
        Call(driver => BestBlock(driver, minGrid, block, function, sharedBytesOf, sharedBytes, limit));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuOccupancyMaxPotentialBlockSizeWithFlags))]
    private static CudaResult cuOccupancyMaxPotentialBlockSizeWithFlags(
        int* minGrid, int* block, nint function, delegate* unmanaged<int, nuint> sharedBytesOf, nuint sharedBytes, int limit, uint flags) =>
        Call(driver => BestBlock(driver, minGrid, block, function, sharedBytesOf, sharedBytes, limit));

    private static void BestBlock(
        EmulatedDriver driver, int* minGrid, int* block, nint function, delegate* unmanaged<int, nuint> sharedBytesOf, nuint sharedBytes, int limit)
    {
        _ = Out(minGrid);
        _ = Out(block);
        (*minGrid, *block) = Occupancy.BestBlock(driver.Object<CudaFunction>(function),
            threads => (int)Math.Min(sharedBytesOf == null ? sharedBytes : sharedBytesOf(threads), int.MaxValue), limit);
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuOccupancyAvailableDynamicSMemPerBlock))]
    private static CudaResult cuOccupancyAvailableDynamicSMemPerBlock(nuint* sharedBytes, nint function, int blocks, int threads) =>
        Call(driver => Out(sharedBytes) = (nuint)Occupancy.DynamicSharedFor(driver.Object<CudaFunction>(function), blocks, threads));
}
