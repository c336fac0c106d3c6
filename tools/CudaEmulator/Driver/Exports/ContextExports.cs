using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Contexts: made, destroyed, and made current on a thread, whose stack of contexts they lie on.</summary>
internal static unsafe class ContextExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxCreate_v2))]
    private static CudaResult cuCtxCreate_v2(nint* context, uint flags, int device) => Call(driver => Create(driver, context, flags, device));

    /// <summary>CUDA 13's cuCtxCreate; its parameters, which may be null, choose features that the emulator has not.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxCreate_v4))]
    private static CudaResult cuCtxCreate_v4(nint* context, void* parameters, uint flags, int device) => Call(driver =>
    {
        CudaException.Require(parameters == null, CudaResult.NotSupported, "The emulator takes no context parameters: pass null.");
        Create(driver, context, flags, device);
    });

    private static void Create(EmulatedDriver driver, nint* context, uint flags, int device)
    {
        _ = Out(context);
        CudaContext created = CudaContext.Create(driver, driver.Device(device), flags);
        driver.ContextStack.Push(created);
        *context = created.Handle;
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxDestroy_v2))]
    private static CudaResult cuCtxDestroy_v2(nint context) => Call(driver =>
    {
        CudaContext destroyed = driver.Handles.Get<CudaContext>(context);
        if (driver.ContextStack.TryPeek(out CudaContext? current) && current == destroyed)
            driver.ContextStack.Pop();
        destroyed.Destroy();
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetCurrent))]
    private static CudaResult cuCtxGetCurrent(nint* context) =>
        Call(driver => Out(context) = driver.ContextStack.TryPeek(out CudaContext? current) ? current.Handle : 0);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxSetCurrent))]
    private static CudaResult cuCtxSetCurrent(nint context) => Call(driver =>
    {
        CudaContext? next = context == 0 ? null : driver.Handles.Get<CudaContext>(context);
        driver.ContextStack.TryPop(out _);
        if (next is not null)
            driver.ContextStack.Push(next);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxPushCurrent_v2))]
    private static CudaResult cuCtxPushCurrent_v2(nint context) =>
        Call(driver => driver.ContextStack.Push(driver.Handles.Get<CudaContext>(context)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxPopCurrent_v2))]
    private static CudaResult cuCtxPopCurrent_v2(nint* context) => Call(driver =>
    {
        CudaException.Require(driver.ContextStack.TryPop(out CudaContext? popped), CudaResult.InvalidContext, "No context is current.");
        if (context != null)
            *context = popped!.Handle;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetDevice))]
    private static CudaResult cuCtxGetDevice(int* device) => Call(driver => Out(device) = driver.Current.Device.Ordinal);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetFlags))]
    private static CudaResult cuCtxGetFlags(uint* flags) => Call(driver => Out(flags) = driver.Current.Flags);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetApiVersion))]
    private static CudaResult cuCtxGetApiVersion(nint context, uint* version) => Call(driver =>
    {
        _ = context == 0 ? driver.Current : driver.Handles.Get<CudaContext>(context);
        Out(version) = 3020; // the version in which contexts became what they are: cuCtxCreate_v2
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxSynchronize))]
    private static CudaResult cuCtxSynchronize() => Call(driver =>
    {
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuCtxSynchronize));
        context.Synchronize();
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetStreamPriorityRange))]
    private static CudaResult cuCtxGetStreamPriorityRange(int* least, int* greatest) => Call(driver =>
    {
        _ = driver.Current;
        if (least != null)
            *least = 0;
        if (greatest != null)
            *greatest = CudaStream.GreatestPriority;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetCacheConfig))]
    private static CudaResult cuCtxGetCacheConfig(int* config) => Call(driver => Out(config) = driver.Current.CacheConfig);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxSetCacheConfig))]
    private static CudaResult cuCtxSetCacheConfig(int config) => Call(driver =>
    {
        CudaException.Require(config is >= 0 and <= 3, CudaResult.InvalidValue, $"{config} is no cache configuration.");
        driver.Current.CacheConfig = config;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetSharedMemConfig))]
    private static CudaResult cuCtxGetSharedMemConfig(int* config) => Call(driver => Out(config) = driver.Current.SharedMemoryConfig);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxSetSharedMemConfig))]
    private static CudaResult cuCtxSetSharedMemConfig(int config) => Call(driver =>
    {
        CudaException.Require(config is >= 0 and <= 2, CudaResult.InvalidValue, $"{config} is no configuration of shared memory.");
        driver.Current.SharedMemoryConfig = config;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxGetLimit))]
    private static CudaResult cuCtxGetLimit(nuint* value, int limit) => Call(driver => Out(value) = (nuint)driver.Current.GetLimit(limit));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxSetLimit))]
    private static CudaResult cuCtxSetLimit(int limit, nuint value) => Call(driver => driver.Current.SetLimit(limit, value));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxEnablePeerAccess))]
    private static CudaResult cuCtxEnablePeerAccess(nint peer, uint flags) => Call(driver =>
    {
        (_, _) = (driver.Current, driver.Handles.Get<CudaContext>(peer));
        throw new CudaException(CudaResult.PeerAccessUnsupported, "Emulated devices do not reach each other's memory.");
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuCtxDisablePeerAccess))]
    private static CudaResult cuCtxDisablePeerAccess(nint peer) => Call(driver =>
    {
        (_, _) = (driver.Current, driver.Handles.Get<CudaContext>(peer));
        throw new CudaException(CudaResult.PeerAccessNotEnabled, "Emulated devices do not reach each other's memory.");
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDevicePrimaryCtxRetain))]
    private static CudaResult cuDevicePrimaryCtxRetain(nint* context, int device) =>
        Call(driver => Out(context) = driver.Primary[driver.Device(device).Ordinal].Retain().Handle);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDevicePrimaryCtxRelease_v2))]
    private static CudaResult cuDevicePrimaryCtxRelease_v2(int device) =>
        Call(driver => driver.Primary[driver.Device(device).Ordinal].Release());

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDevicePrimaryCtxReset_v2))]
    private static CudaResult cuDevicePrimaryCtxReset_v2(int device) =>
        Call(driver => driver.Primary[driver.Device(device).Ordinal].Reset());

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDevicePrimaryCtxSetFlags_v2))]
    private static CudaResult cuDevicePrimaryCtxSetFlags_v2(int device, uint flags) =>
        Call(driver => driver.Primary[driver.Device(device).Ordinal].SetFlags(flags));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDevicePrimaryCtxGetState))]
    private static CudaResult cuDevicePrimaryCtxGetState(int device, uint* flags, int* active) => Call(driver =>
    {
        PrimaryContext primary = driver.Primary[driver.Device(device).Ordinal];
        Out(flags) = primary.Flags;
        Out(active) = primary.IsActive ? 1 : 0;
    });
}
