using System.Runtime.InteropServices;
using System.Text;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>libcuda's functions, as a C program calls them.</summary>
internal sealed unsafe class CudaApi(nint library)
{
    public CudaResult Init(uint flags = 0) => ((delegate* unmanaged<uint, CudaResult>)Find("cuInit"))(flags);

    public CudaResult DriverGetVersion(int* version) => ((delegate* unmanaged<int*, CudaResult>)Find("cuDriverGetVersion"))(version);

    public CudaResult DeviceGetCount(int* count) => ((delegate* unmanaged<int*, CudaResult>)Find("cuDeviceGetCount"))(count);

    public CudaResult DeviceGetName(byte* name, int length, int device) =>
        ((delegate* unmanaged<byte*, int, int, CudaResult>)Find("cuDeviceGetName"))(name, length, device);

    public CudaResult DeviceGetUuid(byte* uuid, int device) => ((delegate* unmanaged<byte*, int, CudaResult>)Find("cuDeviceGetUuid_v2"))(uuid, device);

    public CudaResult DeviceTotalMem(nuint* bytes, int device) =>
        ((delegate* unmanaged<nuint*, int, CudaResult>)Find("cuDeviceTotalMem_v2"))(bytes, device);

    public CudaResult DeviceGetAttribute(int* value, int attribute, int device) =>
        ((delegate* unmanaged<int*, int, int, CudaResult>)Find("cuDeviceGetAttribute"))(value, attribute, device);

    public CudaResult CtxCreate(nint* context, uint flags, int device) =>
        ((delegate* unmanaged<nint*, uint, int, CudaResult>)Find("cuCtxCreate_v2"))(context, flags, device);

    public CudaResult CtxDestroy(nint context) => ((delegate* unmanaged<nint, CudaResult>)Find("cuCtxDestroy_v2"))(context);

    public CudaResult CtxSetCurrent(nint context) => ((delegate* unmanaged<nint, CudaResult>)Find("cuCtxSetCurrent"))(context);

    public CudaResult CtxGetCurrent(nint* context) => ((delegate* unmanaged<nint*, CudaResult>)Find("cuCtxGetCurrent"))(context);

    public CudaResult CtxPushCurrent(nint context) => ((delegate* unmanaged<nint, CudaResult>)Find("cuCtxPushCurrent_v2"))(context);

    public CudaResult CtxPopCurrent(nint* context) => ((delegate* unmanaged<nint*, CudaResult>)Find("cuCtxPopCurrent_v2"))(context);

    public int Findings() => ((delegate* unmanaged<int>)Find("handwrittenEmulatorFindings"))();

    public CudaResult ProfileReset() => ((delegate* unmanaged<CudaResult>)Find("handwrittenEmulatorProfileReset"))();

    public CudaResult ProfileWrite(string path)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
            return ((delegate* unmanaged<byte*, CudaResult>)Find("handwrittenEmulatorProfileWrite"))(bytes);
    }

    public CudaResult CtxSynchronize() => ((delegate* unmanaged<CudaResult>)Find("cuCtxSynchronize"))();

    public CudaResult PrimaryRetain(nint* context, int device) =>
        ((delegate* unmanaged<nint*, int, CudaResult>)Find("cuDevicePrimaryCtxRetain"))(context, device);

    public CudaResult PrimaryRelease(int device) => ((delegate* unmanaged<int, CudaResult>)Find("cuDevicePrimaryCtxRelease_v2"))(device);

    public CudaResult PrimaryState(int device, uint* flags, int* active) =>
        ((delegate* unmanaged<int, uint*, int*, CudaResult>)Find("cuDevicePrimaryCtxGetState"))(device, flags, active);

    public CudaResult MemAlloc(ulong* address, nuint bytes) => ((delegate* unmanaged<ulong*, nuint, CudaResult>)Find("cuMemAlloc_v2"))(address, bytes);

    public CudaResult MemFree(ulong address) => ((delegate* unmanaged<ulong, CudaResult>)Find("cuMemFree_v2"))(address);

    public CudaResult MemAllocHost(ulong* address, nuint bytes) =>
        ((delegate* unmanaged<ulong*, nuint, CudaResult>)Find("cuMemAllocHost_v2"))(address, bytes);

    public CudaResult MemFreeHost(ulong address) => ((delegate* unmanaged<ulong, CudaResult>)Find("cuMemFreeHost"))(address);

    public CudaResult MemGetInfo(nuint* free, nuint* total) =>
        ((delegate* unmanaged<nuint*, nuint*, CudaResult>)Find("cuMemGetInfo_v2"))(free, total);

    public CudaResult MemcpyHtoD(ulong destination, void* source, nuint bytes) =>
        ((delegate* unmanaged<ulong, void*, nuint, CudaResult>)Find("cuMemcpyHtoD_v2"))(destination, source, bytes);

    public CudaResult MemcpyDtoH(void* destination, ulong source, nuint bytes) =>
        ((delegate* unmanaged<void*, ulong, nuint, CudaResult>)Find("cuMemcpyDtoH_v2"))(destination, source, bytes);

    public CudaResult MemcpyDtoHAsync(ulong destination, ulong source, nuint bytes, nint stream) =>
        ((delegate* unmanaged<ulong, ulong, nuint, nint, CudaResult>)Find("cuMemcpyDtoHAsync_v2"))(destination, source, bytes, stream);

    public CudaResult MemsetD32Async(ulong destination, uint value, nuint count, nint stream) =>
        ((delegate* unmanaged<ulong, uint, nuint, nint, CudaResult>)Find("cuMemsetD32Async"))(destination, value, count, stream);

    public CudaResult PointerGetAttribute(void* data, int attribute, ulong address) =>
        ((delegate* unmanaged<void*, int, ulong, CudaResult>)Find("cuPointerGetAttribute"))(data, attribute, address);

    public CudaResult StreamCreate(nint* stream, uint flags) =>
        ((delegate* unmanaged<nint*, uint, CudaResult>)Find("cuStreamCreate"))(stream, flags);

    public CudaResult StreamSynchronize(nint stream) => ((delegate* unmanaged<nint, CudaResult>)Find("cuStreamSynchronize"))(stream);

    public CudaResult StreamQuery(nint stream) => ((delegate* unmanaged<nint, CudaResult>)Find("cuStreamQuery"))(stream);

    public CudaResult StreamWaitEvent(nint stream, nint @event) =>
        ((delegate* unmanaged<nint, nint, uint, CudaResult>)Find("cuStreamWaitEvent"))(stream, @event, 0);

    public CudaResult StreamDestroy(nint stream) => ((delegate* unmanaged<nint, CudaResult>)Find("cuStreamDestroy_v2"))(stream);

    public CudaResult StreamBeginCapture(nint stream, int mode) =>
        ((delegate* unmanaged<nint, int, CudaResult>)Find("cuStreamBeginCapture_v2"))(stream, mode);

    public CudaResult StreamEndCapture(nint stream, nint* graph) =>
        ((delegate* unmanaged<nint, nint*, CudaResult>)Find("cuStreamEndCapture"))(stream, graph);

    public CudaResult GraphGetNodes(nint graph, nint* nodes, nuint* count) =>
        ((delegate* unmanaged<nint, nint*, nuint*, CudaResult>)Find("cuGraphGetNodes"))(graph, nodes, count);

    public CudaResult GraphNodeGetType(nint node, int* type) => ((delegate* unmanaged<nint, int*, CudaResult>)Find("cuGraphNodeGetType"))(node, type);

    public CudaResult GraphInstantiate(nint* exec, nint graph) =>
        ((delegate* unmanaged<nint*, nint, ulong, CudaResult>)Find("cuGraphInstantiateWithFlags"))(exec, graph, 0);

    public CudaResult GraphLaunch(nint exec, nint stream) => ((delegate* unmanaged<nint, nint, CudaResult>)Find("cuGraphLaunch"))(exec, stream);

    public CudaResult GraphExecUpdate(nint exec, nint graph, UpdateInfo* info) =>
        ((delegate* unmanaged<nint, nint, UpdateInfo*, CudaResult>)Find("cuGraphExecUpdate_v2"))(exec, graph, info);

    public CudaResult GraphDestroy(nint graph) => ((delegate* unmanaged<nint, CudaResult>)Find("cuGraphDestroy"))(graph);

    public CudaResult GraphExecDestroy(nint exec) => ((delegate* unmanaged<nint, CudaResult>)Find("cuGraphExecDestroy"))(exec);

    public CudaResult EventCreate(nint* @event, uint flags) => ((delegate* unmanaged<nint*, uint, CudaResult>)Find("cuEventCreate"))(@event, flags);

    public CudaResult EventRecord(nint @event, nint stream) => ((delegate* unmanaged<nint, nint, CudaResult>)Find("cuEventRecord"))(@event, stream);

    public CudaResult EventQuery(nint @event) => ((delegate* unmanaged<nint, CudaResult>)Find("cuEventQuery"))(@event);

    public CudaResult EventDestroy(nint @event) => ((delegate* unmanaged<nint, CudaResult>)Find("cuEventDestroy_v2"))(@event);

    public CudaResult ModuleLoadData(nint* module, string text)
    {
        fixed (byte* image = Encoding.UTF8.GetBytes(text + '\0'))
            return ((delegate* unmanaged<nint*, byte*, CudaResult>)Find("cuModuleLoadData"))(module, image);
    }

    public CudaResult ModuleLoadDataEx(nint* module, string text, uint count, int* options, void** values)
    {
        fixed (byte* image = Encoding.UTF8.GetBytes(text + '\0'))
            return ((delegate* unmanaged<nint*, byte*, uint, int*, void**, CudaResult>)Find("cuModuleLoadDataEx"))(module, image, count, options, values);
    }

    public CudaResult ModuleUnload(nint module) => ((delegate* unmanaged<nint, CudaResult>)Find("cuModuleUnload"))(module);

    public CudaResult ModuleGetFunction(nint* function, nint module, string name)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(name + '\0'))
            return ((delegate* unmanaged<nint*, nint, byte*, CudaResult>)Find("cuModuleGetFunction"))(function, module, bytes);
    }

    public CudaResult ModuleGetGlobal(ulong* address, nuint* size, nint module, string name)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(name + '\0'))
            return ((delegate* unmanaged<ulong*, nuint*, nint, byte*, CudaResult>)Find("cuModuleGetGlobal_v2"))(address, size, module, bytes);
    }

    public CudaResult FuncGetAttribute(int* value, int attribute, nint function) =>
        ((delegate* unmanaged<int*, int, nint, CudaResult>)Find("cuFuncGetAttribute"))(value, attribute, function);

    public CudaResult FuncSetAttribute(nint function, int attribute, int value) =>
        ((delegate* unmanaged<nint, int, int, CudaResult>)Find("cuFuncSetAttribute"))(function, attribute, value);

    public CudaResult LaunchKernel(nint function, (uint X, uint Y, uint Z) grid, (uint X, uint Y, uint Z) block, uint shared, nint stream, void** parameters, void** extra = null) =>
        ((delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, CudaResult>)Find("cuLaunchKernel"))(
            function, grid.X, grid.Y, grid.Z, block.X, block.Y, block.Z, shared, stream, parameters, extra);

    public CudaResult GetProcAddress(string name, nint* function, int version, int* status)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(name + '\0'))
            return ((delegate* unmanaged<byte*, nint*, int, ulong, int*, CudaResult>)Find("cuGetProcAddress_v2"))(bytes, function, version, 0, status);
    }

    public string? ErrorName(CudaResult result) => GetText("cuGetErrorName", result);

    public string? ErrorString(CudaResult result) => GetText("cuGetErrorString", result);

    public nint Find(string name) => NativeLibrary.GetExport(library, name);

    private string? GetText(string function, CudaResult result)
    {
        byte* text;
        ((delegate* unmanaged<CudaResult, byte**, CudaResult>)Find(function))(result, &text);
        return Marshal.PtrToStringUTF8((nint)text);
    }

    /// <summary>CUgraphExecUpdateResultInfo.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct UpdateInfo
    {
        public int Result;
        public nint ErrorNode;
        public nint ErrorFromNode;
    }
}
