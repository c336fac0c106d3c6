using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>
/// cuMemcpy… and cuMemset…. What tells them apart is which ends must be memory of a device, and whether they may return early.
/// </summary>
internal static unsafe class TransferExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpy))]
    private static CudaResult cuMemcpy(ulong destination, ulong source, nuint bytes) =>
        Call(driver => Copy(driver, destination, source, bytes, stream: null));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyAsync))]
    private static CudaResult cuMemcpyAsync(ulong destination, ulong source, nuint bytes, nint stream) =>
        Call(driver => Copy(driver, destination, source, bytes, stream));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyHtoD_v2))]
    private static CudaResult cuMemcpyHtoD_v2(ulong destination, ulong source, nuint bytes) =>
        Call(driver => Copy(driver, destination, source, bytes, stream: null, toDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyHtoDAsync_v2))]
    private static CudaResult cuMemcpyHtoDAsync_v2(ulong destination, ulong source, nuint bytes, nint stream) =>
        Call(driver => Copy(driver, destination, source, bytes, stream, toDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyDtoH_v2))]
    private static CudaResult cuMemcpyDtoH_v2(ulong destination, ulong source, nuint bytes) =>
        Call(driver => Copy(driver, destination, source, bytes, stream: null, fromDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyDtoHAsync_v2))]
    private static CudaResult cuMemcpyDtoHAsync_v2(ulong destination, ulong source, nuint bytes, nint stream) =>
        Call(driver => Copy(driver, destination, source, bytes, stream, fromDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyDtoD_v2))]
    private static CudaResult cuMemcpyDtoD_v2(ulong destination, ulong source, nuint bytes) =>
        Call(driver => Copy(driver, destination, source, bytes, stream: null, toDevice: true, fromDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemcpyDtoDAsync_v2))]
    private static CudaResult cuMemcpyDtoDAsync_v2(ulong destination, ulong source, nuint bytes, nint stream) =>
        Call(driver => Copy(driver, destination, source, bytes, stream, toDevice: true, fromDevice: true));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD8_v2))]
    private static CudaResult cuMemsetD8_v2(ulong destination, byte value, nuint count) =>
        Call(driver => Fill(driver, destination, value, sizeof(byte), count, stream: null));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD8Async))]
    private static CudaResult cuMemsetD8Async(ulong destination, byte value, nuint count, nint stream) =>
        Call(driver => Fill(driver, destination, value, sizeof(byte), count, stream));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD16_v2))]
    private static CudaResult cuMemsetD16_v2(ulong destination, ushort value, nuint count) =>
        Call(driver => Fill(driver, destination, value, sizeof(ushort), count, stream: null));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD16Async))]
    private static CudaResult cuMemsetD16Async(ulong destination, ushort value, nuint count, nint stream) =>
        Call(driver => Fill(driver, destination, value, sizeof(ushort), count, stream));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD32_v2))]
    private static CudaResult cuMemsetD32_v2(ulong destination, uint value, nuint count) =>
        Call(driver => Fill(driver, destination, value, sizeof(uint), count, stream: null));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemsetD32Async))]
    private static CudaResult cuMemsetD32Async(ulong destination, uint value, nuint count, nint stream) =>
        Call(driver => Fill(driver, destination, value, sizeof(uint), count, stream));

    private static void Copy(
        EmulatedDriver driver, ulong destination, ulong source, nuint bytes, nint? stream, bool toDevice = false, bool fromDevice = false)
    {
        CudaStream ordered = driver.Stream(stream ?? 0);
        if (bytes == 0)
            return;
        Place to = Locate(destination, toDevice, "destination"), from = Locate(source, fromDevice, "source");
        Transfer.Copy(ordered, to, from, bytes, isAsync: stream is not null);

        Place Locate(ulong address, bool isOnDevice, string what) => isOnDevice
            ? driver.Memory.LocateOnDevice(address, bytes, what)
            : driver.Memory.Locate(address, bytes, what);
    }

    private static void Fill(EmulatedDriver driver, ulong destination, uint value, int elementBytes, nuint count, nint? stream)
    {
        CudaStream ordered = driver.Stream(stream ?? 0);
        if (count == 0)
            return;
        CudaException.Require(count <= long.MaxValue / 4, CudaResult.InvalidValue, $"{count} elements are too many.");
        Place place = driver.Memory.LocateOnDevice(destination, count * (nuint)elementBytes, "destination");
        Transfer.Fill(ordered, place, value, elementBytes, count, isAsync: stream is not null);
    }
}
