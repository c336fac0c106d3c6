using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Streams, and what happens in their order: events and captures.</summary>
internal static unsafe class StreamExports
{
    private const uint NonBlocking = 1;
    private const uint BlockingSync = 1, DisableTiming = 2;

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamCreate))]
    private static CudaResult cuStreamCreate(nint* stream, uint flags) => Call(driver => Create(driver, stream, flags, 0));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamCreateWithPriority))]
    private static CudaResult cuStreamCreateWithPriority(nint* stream, uint flags, int priority) =>
        Call(driver => Create(driver, stream, flags, Math.Clamp(priority, CudaStream.GreatestPriority, 0)));

    private static void Create(EmulatedDriver driver, nint* stream, uint flags, int priority)
    {
        CudaContext context = driver.Current;
        CudaException.Require(flags <= NonBlocking, CudaResult.InvalidValue, $"{flags} are no flags of a stream.");
        Out(stream) = context.Own(context.CreateStream(isBlocking: flags != NonBlocking, priority));
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamDestroy_v2))]
    private static CudaResult cuStreamDestroy_v2(nint stream) => Call(driver =>
    {
        _ = driver.Current;
        CudaStream destroyed = driver.Handles.Remove<CudaStream>(stream);
        destroyed.Context.DestroyStream(destroyed);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamSynchronize))]
    private static CudaResult cuStreamSynchronize(nint stream) => Call(driver => driver.Stream(stream).Synchronize());

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamQuery))]
    private static CudaResult cuStreamQuery(nint stream) =>
        Answer(driver => driver.Stream(stream).Query() ? CudaResult.Success : CudaResult.NotReady);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamWaitEvent))]
    private static CudaResult cuStreamWaitEvent(nint stream, nint @event, uint flags) => Call(driver =>
    {
        CudaException.Require(flags == 0, CudaResult.InvalidValue, "cuStreamWaitEvent takes no flags.");
        driver.Stream(stream).WaitFor(driver.Object<CudaEvent>(@event));
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamGetFlags))]
    private static CudaResult cuStreamGetFlags(nint stream, uint* flags) =>
        Call(driver => Out(flags) = driver.Stream(stream).IsBlocking ? 0 : NonBlocking);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamGetPriority))]
    private static CudaResult cuStreamGetPriority(nint stream, int* priority) => Call(driver => Out(priority) = driver.Stream(stream).Priority);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamGetCtx))]
    private static CudaResult cuStreamGetCtx(nint stream, nint* context) => Call(driver => Out(context) = driver.Stream(stream).Context.Handle);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamBeginCapture_v2))]
    private static CudaResult cuStreamBeginCapture_v2(nint stream, CaptureMode mode) => Call(driver => driver.Stream(stream).BeginCapture(mode));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamEndCapture))]
    private static CudaResult cuStreamEndCapture(nint stream, nint* graph) => Call(driver =>
    {
        Out(graph) = 0;
        CudaStream captured = driver.Stream(stream);
        *graph = captured.Context.Own(captured.EndCapture());
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuStreamIsCapturing))]
    private static CudaResult cuStreamIsCapturing(nint stream, CaptureStatus* status) => Call(driver =>
        Out(status) = driver.Stream(stream).CaptureStatus);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuThreadExchangeStreamCaptureMode))]
    private static CudaResult cuThreadExchangeStreamCaptureMode(CaptureMode* mode) => Call(driver =>
    {
        CaptureMode next = Out(mode);
        CudaException.Require(Enum.IsDefined(next), CudaResult.InvalidValue, $"{(int)next} is no capture mode.");
        (*mode, driver.ThreadCaptureMode) = (driver.ThreadCaptureMode, next);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventCreate))]
    private static CudaResult cuEventCreate(nint* @event, uint flags) => Call(driver =>
    {
        CudaContext context = driver.Current;
        CudaException.Require((flags & ~(BlockingSync | DisableTiming)) == 0, CudaResult.InvalidValue, $"{flags} are no flags of an event that the emulator has.");
        Out(@event) = context.Own(new CudaEvent(context, hasTiming: (flags & DisableTiming) == 0));
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventDestroy_v2))]
    private static CudaResult cuEventDestroy_v2(nint @event) => Call(driver =>
    {
        _ = driver.Current;
        driver.Handles.Remove<CudaEvent>(@event);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventRecord))]
    private static CudaResult cuEventRecord(nint @event, nint stream) =>
        Call(driver => driver.Object<CudaEvent>(@event).Record(driver.Stream(stream)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventQuery))]
    private static CudaResult cuEventQuery(nint @event) =>
        Answer(driver => driver.Object<CudaEvent>(@event).Query() ? CudaResult.Success : CudaResult.NotReady);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventSynchronize))]
    private static CudaResult cuEventSynchronize(nint @event) => Call(driver => driver.Object<CudaEvent>(@event).Synchronize());

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventElapsedTime))]
    private static CudaResult cuEventElapsedTime(float* milliseconds, nint start, nint end) => Call(driver => Elapsed(driver, milliseconds, start, end));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuEventElapsedTime_v2))]
    private static CudaResult cuEventElapsedTime_v2(float* milliseconds, nint start, nint end) => Call(driver => Elapsed(driver, milliseconds, start, end));

    private static void Elapsed(EmulatedDriver driver, float* milliseconds, nint start, nint end) =>
        Out(milliseconds) = (float)CudaEvent.Elapsed(driver.Object<CudaEvent>(start), driver.Object<CudaEvent>(end)).TotalMilliseconds;
}
