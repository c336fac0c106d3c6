using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The driver's functions that ILGPU does not call. They work on the context that is current on the calling thread. What they
/// do not tell in <see cref="Check"/>'s words they return as a number.
/// </summary>
internal static unsafe partial class CudaDriver
{
    private const int OutOfMemory = 2;
    private const int NotReady = 600;
    private const int UnsupportedPtxVersion = 222;

    /// <summary>Throws what a result code says.</summary>
    /// <exception cref="GpuException">The call failed.</exception>
    public static void Check(int result, string call)
    {
        if (result != 0)
        {
            throw Failure(result, call);
        }
    }

    /// <summary>What a failed call of ILGPU means to the user.</summary>
    /// <param name="exception">Its exception: the error's name is the one thing it tells.</param>
    /// <param name="call">What was called.</param>
    public static GpuException Failure(CudaException exception, string call) =>
        Enum.TryParse(exception.Error, out CudaError error) ? Failure((int)error, call, exception) : new GpuException($"The GPU failed: {call}: {exception.Message}", exception);

    /// <summary>Disposes something of ILGPU, also on a device that has failed: the driver has freed it then.</summary>
    public static void Free(IDisposable item)
    {
        try
        {
            item.Dispose();
        }
        catch (CudaException)
        {
            // A context that has failed refuses every call until it is destroyed, and everything in it goes with it.
        }
    }

    /// <summary>Whether what an event stands for has run.</summary>
    public static bool HasRun(nint @event)
    {
        int result = QueryEvent(@event);
        if (result != NotReady)
        {
            Check(result, "cuEventQuery");
        }

        return result == 0;
    }

    /// <summary>What a result code means to the user.</summary>
    public static GpuException Failure(int result, string call, Exception? cause = null)
    {
        string name = GetErrorName(result, out nint text) == 0 ? Marshal.PtrToStringUTF8(text)! : "an error that it has no name for";
        string message = result switch
        {
            OutOfMemory => $"The GPU has too little free memory ({call}).",
            UnsupportedPtxVersion => $"The NVIDIA driver is too old for the PTX version of these kernels: update it ({call}).",
            _ when IsFatal(result) => $"The GPU failed in mid-run ({name}, seen by {call}): all that it held is lost, so the engine must be opened again.",
            _ => $"The GPU failed: {call} returned CUDA error {result} ({name}).",
        };
        return new GpuException(message, cause) { IsDeviceLost = IsFatal(result), IsOutOfMemory = result == OutOfMemory };
    }

    /// <summary>Whether the context is of no more use: by cuda.h, after these errors every further call in it fails.</summary>
    private static bool IsFatal(int result) => result is 4 or 201 or 214 or 220 or 226 or 700 or 702 or 709 or 710 or (>= 714 and <= 721) or 999;

    [LibraryImport("cuda", EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int CopyToDevice(nint target, void* source, nuint bytes, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int CopyToHost(void* target, nint source, nuint bytes, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuMemsetD8Async")]
    public static partial int Fill(nint target, byte value, nuint bytes, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuMemHostAlloc")]
    public static partial int AllocateHost(out nint address, nuint bytes, uint flags);

    [LibraryImport("cuda", EntryPoint = "cuMemFreeHost")]
    public static partial int FreeHost(nint address);

    [LibraryImport("cuda", EntryPoint = "cuMemGetInfo_v2")]
    public static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport("cuda", EntryPoint = "cuStreamSynchronize")]
    public static partial int Synchronize(nint stream);

    [LibraryImport("cuda", EntryPoint = "cuEventCreate")]
    public static partial int CreateEvent(out nint @event, uint flags);

    [LibraryImport("cuda", EntryPoint = "cuEventDestroy_v2")]
    public static partial int DestroyEvent(nint @event);

    [LibraryImport("cuda", EntryPoint = "cuEventRecord")]
    public static partial int RecordEvent(nint @event, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuEventSynchronize")]
    public static partial int WaitForEvent(nint @event);

    [LibraryImport("cuda", EntryPoint = "cuEventElapsedTime")]
    public static partial int ElapsedMilliseconds(out float milliseconds, nint begin, nint end);

    [LibraryImport("cuda", EntryPoint = "cuFuncSetAttribute")]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport("cuda", EntryPoint = "cuStreamBeginCapture_v2")]
    public static partial int BeginCapture(nint stream, int mode);

    [LibraryImport("cuda", EntryPoint = "cuStreamEndCapture")]
    public static partial int EndCapture(nint stream, out nint graph);

    [LibraryImport("cuda", EntryPoint = "cuGraphInstantiateWithFlags")]
    public static partial int InstantiateGraph(out nint executable, nint graph, ulong flags);

    [LibraryImport("cuda", EntryPoint = "cuGraphDestroy")]
    public static partial int DestroyGraph(nint graph);

    [LibraryImport("cuda", EntryPoint = "cuGraphGetNodes")]
    public static partial int GraphNodes(nint graph, nint* nodes, ref nuint count);

    [LibraryImport("cuda", EntryPoint = "cuGraphNodeGetType")]
    public static partial int GraphNodeType(nint node, out int type);

    [LibraryImport("cuda", EntryPoint = "cuGraphGetEdges_v2")]
    public static partial int GraphEdges(nint graph, nint* from, nint* to, GraphEdgeData* data, ref nuint count);

    [LibraryImport("cuda", EntryPoint = "cuGraphAddDependencies_v2")]
    public static partial int AddGraphEdges(nint graph, nint* from, nint* to, GraphEdgeData* data, nuint count);

    [LibraryImport("cuda", EntryPoint = "cuGraphRemoveDependencies_v2")]
    public static partial int RemoveGraphEdges(nint graph, nint* from, nint* to, GraphEdgeData* data, nuint count);

    [LibraryImport("cuda", EntryPoint = "cuGraphLaunch")]
    public static partial int LaunchGraph(nint executable, nint stream);

    [LibraryImport("cuda", EntryPoint = "cuGraphExecDestroy")]
    public static partial int DestroyExecutable(nint executable);

    [LibraryImport("cuda", EntryPoint = "cuInit")]
    public static partial int Initialize(uint flags);

    [LibraryImport("cuda", EntryPoint = "cuDriverGetVersion")]
    public static partial int DriverVersion(out int version);

    [LibraryImport("cuda", EntryPoint = "cuDeviceGetCount")]
    public static partial int DeviceCount(out int count);

    [LibraryImport("cuda", EntryPoint = "cuDeviceGet")]
    public static partial int Device(out int device, int ordinal);

    [LibraryImport("cuda", EntryPoint = "cuDeviceGetName")]
    public static partial int DeviceName(byte* name, int length, int device);

    [LibraryImport("cuda", EntryPoint = "cuDeviceGetAttribute")]
    public static partial int DeviceAttribute(out int value, int attribute, int device);

    [LibraryImport("cuda", EntryPoint = "cuDeviceTotalMem_v2")]
    public static partial int DeviceMemory(out nuint bytes, int device);

    [LibraryImport("cuda", EntryPoint = "cuCtxCreate_v2")]
    public static partial int CreateContext(out nint context, uint flags, int device);

    [LibraryImport("cuda", EntryPoint = "cuCtxDestroy_v2")]
    public static partial int DestroyContext(nint context);

    /// <summary>CUgraphEdgeData: what an edge of a graph waits for.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 8)]
    public struct GraphEdgeData
    {
        public byte FromPort;
        public byte ToPort;
        public byte Type;
    }

    [LibraryImport("cuda", EntryPoint = "cuEventQuery")]
    private static partial int QueryEvent(nint @event);

    [LibraryImport("cuda", EntryPoint = "cuGetErrorName")]
    private static partial int GetErrorName(int result, out nint name);
}
