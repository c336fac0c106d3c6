using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Memory: of the device, and of the host where the device reaches it.</summary>
internal static unsafe class MemoryExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemGetInfo_v2))]
    private static CudaResult cuMemGetInfo_v2(nuint* free, nuint* total) => Call(driver =>
    {
        DeviceMemory memory = driver.Current.Device.Memory;
        Out(free) = (nuint)memory.FreeBytes;
        Out(total) = (nuint)memory.TotalBytes;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemAlloc_v2))]
    private static CudaResult cuMemAlloc_v2(ulong* address, nuint bytes) => Call(driver =>
    {
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemAlloc_v2));
        Out(address) = context.Allocate(bytes);
    });

    /// <summary>To free null is to do nothing.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemFree_v2))]
    private static CudaResult cuMemFree_v2(ulong address) => Call(driver =>
    {
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemFree_v2));
        if (address != 0)
            context.Free(address);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemAllocAsync))]
    private static CudaResult cuMemAllocAsync(ulong* address, nuint bytes, nint stream) => Call(driver =>
    {
        CudaStream ordered = driver.Stream(stream);
        CudaException.Require(ordered.Capture is null, CudaResult.StreamCaptureUnsupported,
            "The emulator does not capture cuMemAllocAsync: allocate before the capture.");
        Out(address) = ordered.Context.Allocate(bytes);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemFreeAsync))]
    private static CudaResult cuMemFreeAsync(ulong address, nint stream) => Call(driver =>
    {
        CudaStream ordered = driver.Stream(stream);
        ordered.Context.FreeAsync(address, ordered);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemGetAddressRange_v2))]
    private static CudaResult cuMemGetAddressRange_v2(ulong* start, nuint* bytes, ulong address) => Call(driver =>
    {
        _ = driver.Current;
        Allocation allocation = driver.Memory.TryLocate(address)?.Allocation
            ?? throw new CudaException(CudaResult.NotFound, $"0x{address:x} lies in no allocation.");
        if (start != null)
            *start = allocation.Address;
        if (bytes != null)
            *bytes = (nuint)allocation.Bytes;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemAllocHost_v2))]
    private static CudaResult cuMemAllocHost_v2(ulong* address, nuint bytes) => Call(driver => AllocateHost(driver, address, bytes));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemHostAlloc))]
    private static CudaResult cuMemHostAlloc(ulong* address, nuint bytes, uint flags) => Call(driver => AllocateHost(driver, address, bytes));

    private static void AllocateHost(EmulatedDriver driver, ulong* address, nuint bytes)
    {
        _ = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemHostAlloc));
        Out(address) = driver.PageLocked.Allocate(bytes);
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemFreeHost))]
    private static CudaResult cuMemFreeHost(ulong address) => Call(driver =>
    {
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemFreeHost));
        context.WaitForAllWork();
        driver.PageLocked.Free(address);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemHostRegister_v2))]
    private static CudaResult cuMemHostRegister_v2(ulong address, nuint bytes, uint flags) => Call(driver =>
    {
        _ = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemHostRegister_v2));
        driver.PageLocked.Register(address, bytes);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemHostUnregister))]
    private static CudaResult cuMemHostUnregister(ulong address) => Call(driver =>
    {
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuMemHostUnregister));
        context.WaitForAllWork();
        driver.PageLocked.Unregister(address);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuMemHostGetDevicePointer_v2))]
    private static CudaResult cuMemHostGetDevicePointer_v2(ulong* device, ulong host, uint flags) => Call(driver =>
    {
        _ = driver.Current;
        CudaException.Require(flags == 0 && driver.Memory.TryLocate(host) is { Kind: PlaceKind.PageLocked }, CudaResult.InvalidValue,
            $"0x{host:x} does not lie in page-locked host memory.");
        Out(device) = host;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuPointerGetAttribute))]
    private static CudaResult cuPointerGetAttribute(void* data, int attribute, ulong address) => Call(driver =>
    {
        _ = driver.Current;
        Place place = driver.Memory.TryLocate(address)
            ?? throw new CudaException(CudaResult.InvalidValue, $"The driver knows of no memory at 0x{address:x}.");
        CudaException.Require(data != null, CudaResult.InvalidValue, "The argument data is null.");
        WritePointerAttribute(driver, place, attribute, data);
    });

    /// <summary>For an address that the driver does not know, every answer is 0.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuPointerGetAttributes))]
    private static CudaResult cuPointerGetAttributes(uint count, int* attributes, void** data, ulong address) => Call(driver =>
    {
        _ = driver.Current;
        CudaException.Require(attributes != null && data != null, CudaResult.InvalidValue, "There are no attributes asked for.");
        Place place = driver.Memory.TryLocate(address) ?? new Place(address, PlaceKind.Pageable, 0, null);
        for (uint i = 0; i < count; i++)
            WritePointerAttribute(driver, place, attributes[i], data[i]);
    });

    // Numbers and sizes of the answers as in CUpointer_attribute's documentation.
    private static void WritePointerAttribute(EmulatedDriver driver, Place place, int attribute, void* data)
    {
        ulong ifKnown = place.Allocation is null ? 0 : place.Address;
        switch (attribute)
        {
            case 1:
                *(nint*)data = place.Allocation is null ? 0 : driver.Current.Handle;
                break;
            case 2:
                *(uint*)data = (uint)place.Kind;
                break;
            case 3:
                *(ulong*)data = ifKnown;
                break;
            case 4:
                *(ulong*)data = place.Kind == PlaceKind.PageLocked ? place.Address : 0;
                break;
            case 7:
                *(ulong*)data = (ulong)(place.Allocation?.Number ?? 0);
                break;
            case 6 or 8 or 10 or 13: // synchronous, managed, exportable, mapped from elsewhere
                *(uint*)data = 0;
                break;
            case 9:
                *(int*)data = place.Ordinal;
                break;
            case 11:
                *(ulong*)data = place.Allocation?.Address ?? 0;
                break;
            case 12:
                *(nuint*)data = (nuint)(place.Allocation?.Bytes ?? 0);
                break;
            default:
                throw new CudaException(CudaResult.InvalidValue, $"The emulator has no pointer attribute {attribute}.");
        }
    }
}
