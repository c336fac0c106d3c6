using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Tests.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>The exported functions one by one, called right and wrong.</summary>
public sealed unsafe class ApiTests : IDisposable
{
    private readonly CudaApi _cuda = new(EmulatedLibrary.Handle);
    private readonly nint _context;

    public ApiTests()
    {
        nint context;
        Assert.Equal(CudaResult.Success, _cuda.CtxCreate(&context, 0, 0));
        _context = context;
    }

    public void Dispose()
    {
        _cuda.CtxDestroy(_context);
        _cuda.CtxSetCurrent(0);
    }

    [Fact]
    public void Null_pointers_are_invalid_values()
    {
        Assert.Equal(CudaResult.InvalidValue, _cuda.DriverGetVersion(null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.DeviceGetCount(null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.DeviceGetName(null, 10, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.DeviceTotalMem(null, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.DeviceGetAttribute(null, 1, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.CtxCreate(null, 0, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemAlloc(null, 8));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemGetInfo(null, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.StreamCreate(null, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.EventCreate(null, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.ModuleLoadData(null, SamplePtx.Text));
        Assert.Contains("context is null", Detail(CudaResult.InvalidValue, _cuda.CtxCreate(null, 0, 0)), StringComparison.Ordinal);
    }

    private string? Detail(CudaResult expected, CudaResult result)
    {
        Assert.Equal(expected, result);
        return _cuda.ErrorString(result);
    }

    [Fact]
    public void Numbers_of_no_device_or_attribute()
    {
        int value;
        nuint bytes;
        nint context;
        byte* name = stackalloc byte[5];
        Assert.Equal(CudaResult.InvalidDevice, _cuda.DeviceTotalMem(&bytes, 3));
        Assert.Equal(CudaResult.InvalidDevice, _cuda.DeviceGetAttribute(&value, 1, -1));
        Assert.Equal(CudaResult.InvalidValue, _cuda.DeviceGetAttribute(&value, 0, 0));
        Assert.Equal(CudaResult.InvalidDevice, _cuda.CtxCreate(&context, 0, 9));
        Assert.Equal(CudaResult.Success, _cuda.DeviceGetName(name, 5, 0));
        Assert.Equal("Emul", Marshal.PtrToStringUTF8((nint)name)); // what fits, with its end
    }

    [Fact]
    public void Contexts_are_a_stack()
    {
        nint current, other;
        Assert.Equal(CudaResult.Success, _cuda.CtxCreate(&other, 0, 1));
        Assert.Equal(CudaResult.Success, _cuda.CtxGetCurrent(&current));
        Assert.Equal(other, current);
        Assert.Equal(CudaResult.Success, _cuda.CtxPopCurrent(&current));
        Assert.Equal(other, current);
        _cuda.CtxGetCurrent(&current);
        Assert.Equal(_context, current);
        Assert.Equal(CudaResult.Success, _cuda.CtxPushCurrent(other));
        Assert.Equal(CudaResult.Success, _cuda.CtxDestroy(other)); // and it is no longer current
        _cuda.CtxGetCurrent(&current);
        Assert.Equal(_context, current);
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxPushCurrent(other));
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxDestroy(other));
    }

    [Fact]
    public void A_thread_has_no_context_until_one_is_made_current() => OnNewThread(() =>
    {
        nint current;
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxSynchronize());
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxPopCurrent(&current));
        Assert.Equal(CudaResult.Success, _cuda.CtxGetCurrent(&current));
        Assert.Equal(0, current);
        Assert.Equal(CudaResult.Success, _cuda.CtxSetCurrent(_context));
        Assert.Equal(CudaResult.Success, _cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, _cuda.CtxSetCurrent(0));
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxSynchronize());
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
    public void A_context_destroyed_under_a_threads_feet()
    {
        nint other = 0;
        OnNewThread(() =>
        {
            nint created;
            Assert.Equal(CudaResult.Success, _cuda.CtxCreate(&created, 0, 0));
            other = created;
        });
        Assert.Equal(CudaResult.Success, _cuda.CtxPushCurrent(other));
        OnNewThread(() => Assert.Equal(CudaResult.Success, _cuda.CtxDestroy(other)));
        Assert.Equal(CudaResult.ContextIsDestroyed, _cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, _cuda.CtxPopCurrent(null));
        Assert.Equal(CudaResult.Success, _cuda.CtxSynchronize());
    }

    [Fact]
    public void The_primary_context_is_there_as_long_as_somebody_retains_it()
    {
        nint first, second;
        uint flags;
        int active;
        Assert.Equal(CudaResult.Success, _cuda.PrimaryRetain(&first, 2));
        Assert.Equal(CudaResult.Success, _cuda.PrimaryRetain(&second, 2));
        Assert.Equal(first, second);
        Assert.Equal(CudaResult.Success, _cuda.PrimaryRelease(2));
        Assert.Equal(CudaResult.Success, _cuda.PrimaryState(2, &flags, &active));
        Assert.Equal(1, active);
        Assert.Equal(CudaResult.Success, _cuda.PrimaryRelease(2));
        _cuda.PrimaryState(2, &flags, &active);
        Assert.Equal(0, active);
        Assert.Equal(CudaResult.InvalidContext, _cuda.PrimaryRelease(2));
        Assert.Equal(CudaResult.InvalidContext, _cuda.CtxSetCurrent(first));
    }

    [Fact]
    public void Memory_goes_to_the_device_and_back()
    {
        ulong address;
        nuint free, total;
        Assert.Equal(CudaResult.Success, _cuda.MemAlloc(&address, 12));
        Assert.Equal(CudaResult.Success, _cuda.MemGetInfo(&free, &total));
        Assert.InRange(free, 1u, total - 12);
        int* numbers = stackalloc int[] { 1, 2, 3, 0, 0, 0 };
        Assert.Equal(CudaResult.Success, _cuda.MemcpyHtoD(address, numbers, 12));
        Assert.Equal(CudaResult.Success, _cuda.MemcpyDtoH(numbers + 3, address, 12));
        Assert.Equal((1, 2, 3), (numbers[3], numbers[4], numbers[5]));
        Assert.Equal(CudaResult.Success, _cuda.MemsetD32Async(address + 4, 0xdeadbeef, 2, 0));
        Assert.Equal(CudaResult.Success, _cuda.MemcpyDtoH(numbers, address, 12));
        Assert.Equal((1, unchecked((int)0xdeadbeef)), (numbers[0], numbers[2]));

        Assert.Equal(CudaResult.InvalidValue, _cuda.MemcpyHtoD(address, numbers, 13));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemcpyHtoD((ulong)numbers, numbers, 12));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemcpyDtoH(null, address, 12));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemcpyDtoH(numbers, 0, 12));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemsetD32Async(address, 0, 4, 0));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemsetD32Async(address + 2, 0, 1, 0));
        Assert.Equal(CudaResult.Success, _cuda.MemcpyHtoD(0, null, 0));

        Assert.Equal(CudaResult.InvalidValue, _cuda.MemFree(address + 1));
        Assert.Equal(CudaResult.Success, _cuda.MemFree(address));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemFree(address));
        Assert.Equal(CudaResult.Success, _cuda.MemFree(0));
        Assert.Equal(CudaResult.OutOfMemory, _cuda.MemAlloc(&address, (nuint)1 << 50));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemAlloc(&address, 0));
    }

    [Fact]
    public void Pointers_tell_what_they_point_to()
    {
        ulong device, host, value;
        uint kind;
        Assert.Equal(CudaResult.Success, _cuda.MemAlloc(&device, 100));
        Assert.Equal(CudaResult.Success, _cuda.MemAllocHost(&host, 100));
        Assert.Equal(CudaResult.Success, _cuda.PointerGetAttribute(&kind, 2, device + 99));
        Assert.Equal(2u, kind);
        Assert.Equal(CudaResult.Success, _cuda.PointerGetAttribute(&kind, 2, host + 99));
        Assert.Equal(1u, kind);
        Assert.Equal(CudaResult.Success, _cuda.PointerGetAttribute(&value, 11, device + 99));
        Assert.Equal(device, value);
        Assert.Equal(CudaResult.Success, _cuda.PointerGetAttribute(&value, 12, device + 99));
        Assert.Equal(100ul, value);
        Assert.Equal(CudaResult.InvalidValue, _cuda.PointerGetAttribute(&kind, 2, device + 100));
        Assert.Equal(CudaResult.InvalidValue, _cuda.PointerGetAttribute(&kind, 999, device));
        Assert.Equal(CudaResult.Success, _cuda.MemFreeHost(host));
        Assert.Equal(CudaResult.InvalidValue, _cuda.MemFreeHost(host));
    }

    [Fact]
    public void Handles_that_are_none()
    {
        nint stream, @event, found;
        Assert.Equal(CudaResult.Success, _cuda.StreamCreate(&stream, 1));
        Assert.Equal(CudaResult.Success, _cuda.EventCreate(&@event, 0));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.StreamSynchronize(@event));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.EventRecord(stream, stream));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.EventRecord(0, stream));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.LaunchKernel(0, (1, 1, 1), (1, 1, 1), 0, stream, null));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.ModuleGetFunction(&found, stream, "k"));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.ModuleUnload(stream));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.GraphLaunch(stream, stream));
        Assert.Equal(CudaResult.Success, _cuda.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.StreamDestroy(stream));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.StreamQuery(stream));
        Assert.Equal(CudaResult.Success, _cuda.EventQuery(@event));
        Assert.Equal(CudaResult.Success, _cuda.EventDestroy(@event));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.EventQuery(@event));
        Assert.Equal(CudaResult.InvalidValue, _cuda.StreamCreate(&stream, 7));
        Assert.Equal(CudaResult.Success, _cuda.StreamSynchronize(0));
        Assert.Equal(CudaResult.Success, _cuda.StreamSynchronize(1));
        Assert.Equal(CudaResult.Success, _cuda.StreamSynchronize(2));
    }

    [Fact]
    public void A_module_is_loaded_and_the_log_tells_why_another_is_not()
    {
        nint module, function;
        ulong address;
        nuint size;
        Assert.Equal(CudaResult.Success, _cuda.ModuleLoadData(&module, SamplePtx.Text));
        Assert.Equal(CudaResult.Success, _cuda.ModuleGetFunction(&function, module, "add_one"));
        Assert.Equal(CudaResult.NotFound, _cuda.ModuleGetFunction(&function, module, "add_two"));
        Assert.Equal(CudaResult.Success, _cuda.ModuleGetGlobal(&address, &size, module, "counter"));
        Assert.Equal(4u, size);
        int counter;
        Assert.Equal(CudaResult.Success, _cuda.MemcpyDtoH(&counter, address, size));
        Assert.Equal(42, counter);
        Assert.Equal(CudaResult.NotFound, _cuda.ModuleGetGlobal(&address, &size, module, "nothing"));
        Assert.Equal(CudaResult.Success, _cuda.ModuleUnload(module));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.LaunchKernel(function, (1, 1, 1), (1, 1, 1), 0, 0, null));

        byte* log = stackalloc byte[200];
        int* options = stackalloc int[] { 5, 6 };
        void** values = stackalloc void*[2];
        values[0] = log;
        values[1] = (void*)200;
        Assert.Equal(CudaResult.InvalidPtx, _cuda.ModuleLoadDataEx(
            &module, ".version 7.8\n.target sm_75\n.address_size 64\n.visible .entry k()\n{\n  nonsense;\n}", 2, options, values));
        string text = Marshal.PtrToStringUTF8((nint)log)!;
        Assert.Contains("line 6", text, StringComparison.Ordinal);
        Assert.Equal(text.Length, (nint)values[1]);
        Assert.Equal(CudaResult.NoBinaryForGpu, _cuda.ModuleLoadData(&module, "\u007fELF"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_kernel_takes_its_arguments_one_by_one_or_in_a_buffer(bool inBuffer)
    {
        nint module, addOne, scale;
        ulong x;
        _cuda.ModuleLoadData(&module, SamplePtx.Text);
        _cuda.ModuleGetFunction(&addOne, module, "add_one");
        _cuda.ModuleGetFunction(&scale, module, "scale");
        _cuda.MemAlloc(&x, 400);
        _cuda.MemsetD32Async(x, 10, 100, 0);

        uint n = 99;
        byte factor = 200;
        byte* buffer = stackalloc byte[16];
        nuint size = 12;
        void** extra = stackalloc void*[5];
        extra[0] = (void*)1;
        extra[1] = buffer;
        extra[2] = (void*)2;
        extra[3] = &size;
        extra[4] = null;
        void** parameters = stackalloc void*[2];

        parameters[0] = &x;
        parameters[1] = &n;
        (*(ulong*)buffer, *(uint*)(buffer + 8)) = (x, n);
        Assert.Equal(CudaResult.Success, _cuda.LaunchKernel(
            addOne, (4, 1, 1), (32, 1, 1), 0, 0, inBuffer ? null : parameters, inBuffer ? extra : null));
        parameters[0] = &factor;
        parameters[1] = &x;
        (*buffer, *(ulong*)(buffer + 8), size) = (factor, x, 16); // what is captured is what was there at the time of the launch
        Assert.Equal(CudaResult.Success, _cuda.LaunchKernel(
            scale, (1, 1, 1), (1, 1, 1), 0, 0, inBuffer ? null : parameters, inBuffer ? extra : null));

        int* numbers = stackalloc int[100];
        Assert.Equal(CudaResult.Success, _cuda.MemcpyDtoH(numbers, x, 400));
        Assert.Equal([200, .. Enumerable.Repeat(11, 98), 10], new Span<int>(numbers, 100).ToArray());

        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, parameters, extra));
        size = 15;
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null, extra));
        parameters[1] = null;
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, parameters));
        extra[0] = (void*)77;
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null, extra));
    }

    [Fact]
    public void Launches_beyond_a_limit()
    {
        nint module, stage;
        int value;
        _cuda.ModuleLoadData(&module, SamplePtx.Text);
        _cuda.ModuleGetFunction(&stage, module, "stage");
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(stage, (1, 1, 1), (1025, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(stage, (1, 65536, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(stage, (0x8000_0000, 1, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 8193, 0, null));
        Assert.Equal(CudaResult.InvalidValue, _cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 0x8000_0000, 0, null));
        Assert.Equal(CudaResult.Success, _cuda.FuncSetAttribute(stage, 8, 50_000));
        Assert.Equal(CudaResult.Success, _cuda.FuncGetAttribute(&value, 8, stage));
        Assert.Equal(50_000, value);
        Assert.Equal(CudaResult.Success, _cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 50_000, 0, null));
        Assert.Equal(CudaResult.Success, _cuda.CtxSynchronize());
    }

    [Fact]
    public void A_graph_is_captured_looked_into_launched_and_updated()
    {
        nint module, addOne, stream, graph, other, exec;
        ulong x, host;
        _cuda.ModuleLoadData(&module, SamplePtx.Text);
        _cuda.ModuleGetFunction(&addOne, module, "add_one");
        _cuda.StreamCreate(&stream, 1);
        _cuda.MemAlloc(&x, 16);
        _cuda.MemAllocHost(&host, 16);
        graph = CaptureAddOne(stream, addOne, x, host, 7);
        nuint count;
        nint* nodes = stackalloc nint[4];
        Assert.Equal(CudaResult.Success, _cuda.GraphGetNodes(graph, null, &count));
        Assert.Equal(3u, count);
        count = 4;
        Assert.Equal(CudaResult.Success, _cuda.GraphGetNodes(graph, nodes, &count));
        Assert.Equal((3u, 0), (count, nodes[3]));
        int* types = stackalloc int[3];
        for (int i = 0; i < 3; i++)
            Assert.Equal(CudaResult.Success, _cuda.GraphNodeGetType(nodes[i], &types[i]));
        Assert.Equal((2, 0, 1), (types[0], types[1], types[2])); // memset, kernel, memcpy
        Assert.Equal(CudaResult.Success, _cuda.GraphInstantiate(&exec, graph));
        Assert.Equal(CudaResult.Success, _cuda.GraphDestroy(graph));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.GraphNodeGetType(nodes[0], types));
        Assert.Equal(8, LaunchAndRead(exec, stream, host));
        other = CaptureAddOne(stream, addOne, x, host, 20);
        CudaApi.UpdateInfo info;
        Assert.Equal(CudaResult.Success, _cuda.GraphExecUpdate(exec, other, &info));
        Assert.Equal(0, info.Result);
        Assert.Equal(21, LaunchAndRead(exec, stream, host));
        Assert.Equal(CudaResult.Success, _cuda.StreamBeginCapture(stream, 1));
        Assert.Equal(CudaResult.Success, _cuda.StreamEndCapture(stream, &other));
        Assert.Equal(CudaResult.GraphExecUpdateFailure, _cuda.GraphExecUpdate(exec, other, &info));
        Assert.Equal(2, info.Result); // the topology
        Assert.Equal(21, LaunchAndRead(exec, stream, host));
        Assert.Equal(CudaResult.Success, _cuda.GraphExecDestroy(exec));
        Assert.Equal(CudaResult.InvalidHandle, _cuda.GraphLaunch(exec, stream));
        Assert.Equal(CudaResult.Success, _cuda.MemFreeHost(host));
    }

    // memset to a value, add one, copy to the host.
    private nint CaptureAddOne(nint stream, nint addOne, ulong x, ulong host, uint value)
    {
        uint n = 4;
        void** parameters = stackalloc void*[2];
        parameters[0] = &x;
        parameters[1] = &n;
        nint graph;
        Assert.Equal(CudaResult.Success, _cuda.StreamBeginCapture(stream, 1));
        Assert.Equal(CudaResult.Success, _cuda.MemsetD32Async(x, value, 4, stream));
        Assert.Equal(CudaResult.Success, _cuda.LaunchKernel(addOne, (1, 1, 1), (32, 1, 1), 0, stream, parameters));
        Assert.Equal(CudaResult.Success, _cuda.MemcpyDtoHAsync(host, x, 16, stream));
        Assert.Equal(CudaResult.Success, _cuda.StreamEndCapture(stream, &graph));
        return graph;
    }

    private int LaunchAndRead(nint exec, nint stream, ulong host)
    {
        *(int*)(host + 12) = 0;
        Assert.Equal(CudaResult.Success, _cuda.GraphLaunch(exec, stream));
        Assert.Equal(CudaResult.Success, _cuda.StreamSynchronize(stream));
        return *(int*)(host + 12);
    }

    [Fact]
    public void A_fault_stays_until_the_context_is_destroyed()
    {
        nint module, addOne;
        ulong x;
        uint n = 33;
        _cuda.ModuleLoadData(&module, SamplePtx.Text);
        _cuda.ModuleGetFunction(&addOne, module, "add_one");
        _cuda.MemAlloc(&x, 128);
        void** parameters = stackalloc void*[2];
        parameters[0] = &x;
        parameters[1] = &n;
        Assert.Equal(CudaResult.Success, _cuda.LaunchKernel(addOne, (2, 1, 1), (32, 1, 1), 0, 0, parameters));
        Assert.Contains("add_one", Detail(CudaResult.IllegalAddress, _cuda.CtxSynchronize()), StringComparison.Ordinal);
        Assert.Equal(CudaResult.IllegalAddress, _cuda.MemAlloc(&x, 128));
        Assert.Equal(CudaResult.IllegalAddress, _cuda.MemFree(x));
        Assert.Equal(CudaResult.IllegalAddress, _cuda.LaunchKernel(addOne, (1, 1, 1), (32, 1, 1), 0, 0, parameters));
        Assert.Equal(CudaResult.Success, _cuda.CtxDestroy(_context));
        nint context;
        Assert.Equal(CudaResult.Success, _cuda.CtxCreate(&context, 0, 0));
        Assert.Equal(CudaResult.Success, _cuda.MemAlloc(&x, 128));
        Assert.Equal(CudaResult.Success, _cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, _cuda.CtxDestroy(context));
    }
}
