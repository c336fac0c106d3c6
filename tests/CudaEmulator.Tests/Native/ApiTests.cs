using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Tests.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>Devices, contexts, memory and handles, called right and wrong.</summary>
public sealed unsafe class ApiTests : ApiFixture
{
    [Fact]
    public void Null_pointers_are_invalid_values()
    {
        Assert.Equal(CudaResult.InvalidValue, Cuda.DriverGetVersion(null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.DeviceGetCount(null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.DeviceGetName(null, 10, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.DeviceTotalMem(null, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.DeviceGetAttribute(null, 1, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.CtxCreate(null, 0, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemAlloc(null, 8));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemGetInfo(null, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.StreamCreate(null, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.EventCreate(null, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.ModuleLoadData(null, SamplePtx.Text));
        Assert.Contains("context is null", Detail(CudaResult.InvalidValue, Cuda.CtxCreate(null, 0, 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_of_no_device_or_attribute()
    {
        int value;
        nuint bytes;
        nint context;
        byte* name = stackalloc byte[5];
        Assert.Equal(CudaResult.InvalidDevice, Cuda.DeviceTotalMem(&bytes, 3));
        Assert.Equal(CudaResult.InvalidDevice, Cuda.DeviceGetAttribute(&value, 1, -1));
        Assert.Equal(CudaResult.InvalidValue, Cuda.DeviceGetAttribute(&value, 0, 0));
        Assert.Equal(CudaResult.InvalidDevice, Cuda.CtxCreate(&context, 0, 9));
        Assert.Equal(CudaResult.Success, Cuda.DeviceGetName(name, 5, 0));
        Assert.Equal("Emul", Marshal.PtrToStringUTF8((nint)name)); // what fits, with its end
    }

    [Fact]
    public void Contexts_are_a_stack()
    {
        nint current, other;
        Assert.Equal(CudaResult.Success, Cuda.CtxCreate(&other, 0, 1));
        Assert.Equal(CudaResult.Success, Cuda.CtxGetCurrent(&current));
        Assert.Equal(other, current);
        Assert.Equal(CudaResult.Success, Cuda.CtxPopCurrent(&current));
        Assert.Equal(other, current);
        Cuda.CtxGetCurrent(&current);
        Assert.Equal(Context, current);
        Assert.Equal(CudaResult.Success, Cuda.CtxPushCurrent(other));
        Assert.Equal(CudaResult.Success, Cuda.CtxDestroy(other)); // and it is no longer current
        Cuda.CtxGetCurrent(&current);
        Assert.Equal(Context, current);
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxPushCurrent(other));
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxDestroy(other));
    }

    [Fact]
    public void A_thread_has_noContext_until_one_is_made_current() => OnNewThread(() =>
    {
        nint current;
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxSynchronize());
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxPopCurrent(&current));
        Assert.Equal(CudaResult.Success, Cuda.CtxGetCurrent(&current));
        Assert.Equal(0, current);
        Assert.Equal(CudaResult.Success, Cuda.CtxSetCurrent(Context));
        Assert.Equal(CudaResult.Success, Cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, Cuda.CtxSetCurrent(0));
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxSynchronize());
    });

    private static void OnNewThread(Action body)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(body));
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw failure;
    }

    [Fact]
    public void AContext_destroyed_under_a_threads_feet()
    {
        nint other = 0;
        OnNewThread(() =>
        {
            nint created;
            Assert.Equal(CudaResult.Success, Cuda.CtxCreate(&created, 0, 0));
            other = created;
        });
        Assert.Equal(CudaResult.Success, Cuda.CtxPushCurrent(other));
        OnNewThread(() => Assert.Equal(CudaResult.Success, Cuda.CtxDestroy(other)));
        Assert.Equal(CudaResult.ContextIsDestroyed, Cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, Cuda.CtxPopCurrent(null));
        Assert.Equal(CudaResult.Success, Cuda.CtxSynchronize());
    }

    [Fact]
    public void The_primaryContext_is_there_as_long_as_somebody_retains_it()
    {
        nint first, second;
        uint flags;
        int active;
        Assert.Equal(CudaResult.Success, Cuda.PrimaryRetain(&first, 2));
        Assert.Equal(CudaResult.Success, Cuda.PrimaryRetain(&second, 2));
        Assert.Equal(first, second);
        Assert.Equal(CudaResult.Success, Cuda.PrimaryRelease(2));
        Assert.Equal(CudaResult.Success, Cuda.PrimaryState(2, &flags, &active));
        Assert.Equal(1, active);
        Assert.Equal(CudaResult.Success, Cuda.PrimaryRelease(2));
        Cuda.PrimaryState(2, &flags, &active);
        Assert.Equal(0, active);
        Assert.Equal(CudaResult.InvalidContext, Cuda.PrimaryRelease(2));
        Assert.Equal(CudaResult.InvalidContext, Cuda.CtxSetCurrent(first));
    }

    [Fact]
    public void Memory_goes_to_the_device_and_back()
    {
        ulong address;
        nuint free, total;
        Assert.Equal(CudaResult.Success, Cuda.MemAlloc(&address, 12));
        Assert.Equal(CudaResult.Success, Cuda.MemGetInfo(&free, &total));
        Assert.InRange(free, 1u, total - 12);
        int* numbers = stackalloc int[] { 1, 2, 3, 0, 0, 0 };
        Assert.Equal(CudaResult.Success, Cuda.MemcpyHtoD(address, numbers, 12));
        Assert.Equal(CudaResult.Success, Cuda.MemcpyDtoH(numbers + 3, address, 12));
        Assert.Equal((1, 2, 3), (numbers[3], numbers[4], numbers[5]));
        Assert.Equal(CudaResult.Success, Cuda.MemsetD32Async(address + 4, 0xdeadbeef, 2, 0));
        Assert.Equal(CudaResult.Success, Cuda.MemcpyDtoH(numbers, address, 12));
        Assert.Equal((1, unchecked((int)0xdeadbeef)), (numbers[0], numbers[2]));

        Assert.Equal(CudaResult.InvalidValue, Cuda.MemcpyHtoD(address, numbers, 13));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemcpyHtoD((ulong)numbers, numbers, 12));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemcpyDtoH(null, address, 12));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemcpyDtoH(numbers, 0, 12));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemsetD32Async(address, 0, 4, 0));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemsetD32Async(address + 2, 0, 1, 0));
        Assert.Equal(CudaResult.Success, Cuda.MemcpyHtoD(0, null, 0));

        Assert.Equal(CudaResult.InvalidValue, Cuda.MemFree(address + 1));
        Assert.Equal(CudaResult.Success, Cuda.MemFree(address));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemFree(address));
        Assert.Equal(CudaResult.Success, Cuda.MemFree(0));
        Assert.Equal(CudaResult.OutOfMemory, Cuda.MemAlloc(&address, (nuint)1 << 50));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemAlloc(&address, 0));
    }

    [Fact]
    public void Pointers_tell_what_they_point_to()
    {
        ulong device, host, value;
        uint kind;
        Assert.Equal(CudaResult.Success, Cuda.MemAlloc(&device, 100));
        Assert.Equal(CudaResult.Success, Cuda.MemAllocHost(&host, 100));
        Assert.Equal(CudaResult.Success, Cuda.PointerGetAttribute(&kind, 2, device + 99));
        Assert.Equal(2u, kind);
        Assert.Equal(CudaResult.Success, Cuda.PointerGetAttribute(&kind, 2, host + 99));
        Assert.Equal(1u, kind);
        Assert.Equal(CudaResult.Success, Cuda.PointerGetAttribute(&value, 11, device + 99));
        Assert.Equal(device, value);
        Assert.Equal(CudaResult.Success, Cuda.PointerGetAttribute(&value, 12, device + 99));
        Assert.Equal(100ul, value);
        Assert.Equal(CudaResult.InvalidValue, Cuda.PointerGetAttribute(&kind, 2, device + 100));
        Assert.Equal(CudaResult.InvalidValue, Cuda.PointerGetAttribute(&kind, 999, device));
        Assert.Equal(CudaResult.Success, Cuda.MemFreeHost(host));
        Assert.Equal(CudaResult.InvalidValue, Cuda.MemFreeHost(host));
    }

    [Fact]
    public void Handles_that_are_none()
    {
        nint stream, @event, found;
        Assert.Equal(CudaResult.Success, Cuda.StreamCreate(&stream, 1));
        Assert.Equal(CudaResult.Success, Cuda.EventCreate(&@event, 0));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.StreamSynchronize(@event));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.EventRecord(stream, stream));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.EventRecord(0, stream));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.LaunchKernel(0, (1, 1, 1), (1, 1, 1), 0, stream, null));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.ModuleGetFunction(&found, stream, "k"));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.ModuleUnload(stream));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.GraphLaunch(stream, stream));
        Assert.Equal(CudaResult.Success, Cuda.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.StreamQuery(stream));
        Assert.Equal(CudaResult.Success, Cuda.EventQuery(@event));
        Assert.Equal(CudaResult.Success, Cuda.EventDestroy(@event));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.EventQuery(@event));
        Assert.Equal(CudaResult.InvalidValue, Cuda.StreamCreate(&stream, 7));
        Assert.Equal(CudaResult.Success, Cuda.StreamSynchronize(0));
        Assert.Equal(CudaResult.Success, Cuda.StreamSynchronize(1));
        Assert.Equal(CudaResult.Success, Cuda.StreamSynchronize(2));
    }
}
