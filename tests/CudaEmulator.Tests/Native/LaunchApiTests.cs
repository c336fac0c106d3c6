using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Tests.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>Modules, launches, graphs and faults, called right and wrong.</summary>
public sealed unsafe class LaunchApiTests : ApiFixture
{
    [Fact]
    public void A_module_is_loaded_and_the_log_tells_why_another_is_not()
    {
        nint module, function;
        ulong address;
        nuint size;
        Assert.Equal(CudaResult.Success, Cuda.ModuleLoadData(&module, SamplePtx.Text));
        Assert.Equal(CudaResult.Success, Cuda.ModuleGetFunction(&function, module, "add_one"));
        Assert.Equal(CudaResult.NotFound, Cuda.ModuleGetFunction(&function, module, "add_two"));
        Assert.Equal(CudaResult.Success, Cuda.ModuleGetGlobal(&address, &size, module, "counter"));
        Assert.Equal(4u, size);
        int counter;
        Assert.Equal(CudaResult.Success, Cuda.MemcpyDtoH(&counter, address, size));
        Assert.Equal(42, counter);
        Assert.Equal(CudaResult.NotFound, Cuda.ModuleGetGlobal(&address, &size, module, "nothing"));
        Assert.Equal(CudaResult.Success, Cuda.ModuleUnload(module));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.LaunchKernel(function, (1, 1, 1), (1, 1, 1), 0, 0, null));

        byte* log = stackalloc byte[200];
        int* options = stackalloc int[] { 5, 6 };
        void** values = stackalloc void*[2];
        values[0] = log;
        values[1] = (void*)200;
        Assert.Equal(CudaResult.InvalidPtx, Cuda.ModuleLoadDataEx(
            &module, ".version 7.8\n.target sm_75\n.address_size 64\n.visible .entry k()\n{\n  nonsense;\n}", 2, options, values));
        string text = Marshal.PtrToStringUTF8((nint)log)!;
        Assert.Contains("line 6", text, StringComparison.Ordinal);
        Assert.Equal(text.Length, (nint)values[1]);
        Assert.Equal(CudaResult.NoBinaryForGpu, Cuda.ModuleLoadData(&module, "\u007fELF"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_kernel_takes_its_arguments_one_by_one_or_in_a_buffer(bool inBuffer)
    {
        nint module, addOne, scale;
        ulong x;
        Cuda.ModuleLoadData(&module, SamplePtx.Text);
        Cuda.ModuleGetFunction(&addOne, module, "add_one");
        Cuda.ModuleGetFunction(&scale, module, "scale");
        Cuda.MemAlloc(&x, 400);
        Cuda.MemsetD32Async(x, 10, 100, 0);

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
        Assert.Equal(CudaResult.Success, Cuda.LaunchKernel(
            addOne, (4, 1, 1), (32, 1, 1), 0, 0, inBuffer ? null : parameters, inBuffer ? extra : null));
        parameters[0] = &factor;
        parameters[1] = &x;
        (*buffer, *(ulong*)(buffer + 8), size) = (factor, x, 16); // what is captured is what was there at the time of the launch
        Assert.Equal(CudaResult.Success, Cuda.LaunchKernel(
            scale, (1, 1, 1), (1, 1, 1), 0, 0, inBuffer ? null : parameters, inBuffer ? extra : null));

        int* numbers = stackalloc int[100];
        Assert.Equal(CudaResult.Success, Cuda.MemcpyDtoH(numbers, x, 400));
        Assert.Equal([200, .. Enumerable.Repeat(11, 98), 10], new Span<int>(numbers, 100).ToArray());

        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, parameters, extra));
        size = 15;
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null, extra));
        parameters[1] = null;
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, parameters));
        extra[0] = (void*)77;
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(scale, (1, 1, 1), (1, 1, 1), 0, 0, null, extra));
    }

    [Fact]
    public void Launches_beyond_a_limit()
    {
        nint module, stage;
        int value;
        Cuda.ModuleLoadData(&module, SamplePtx.Text);
        Cuda.ModuleGetFunction(&stage, module, "stage");
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(stage, (1, 1, 1), (1025, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(stage, (1, 65536, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(stage, (0x8000_0000, 1, 1), (1, 1, 1), 0, 0, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 8193, 0, null));
        Assert.Equal(CudaResult.InvalidValue, Cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 0x8000_0000, 0, null));
        Assert.Equal(CudaResult.Success, Cuda.FuncSetAttribute(stage, 8, 50_000));
        Assert.Equal(CudaResult.Success, Cuda.FuncGetAttribute(&value, 8, stage));
        Assert.Equal(50_000, value);
        Assert.Equal(CudaResult.Success, Cuda.LaunchKernel(stage, (1, 1, 1), (1, 1, 1), 50_000, 0, null));
        Assert.Equal(CudaResult.Success, Cuda.CtxSynchronize());
    }

    [Fact]
    public void A_graph_is_captured_looked_into_launched_and_updated()
    {
        nint module, addOne, stream, graph, other, exec;
        ulong x, host;
        Cuda.ModuleLoadData(&module, SamplePtx.Text);
        Cuda.ModuleGetFunction(&addOne, module, "add_one");
        Cuda.StreamCreate(&stream, 1);
        Cuda.MemAlloc(&x, 16);
        Cuda.MemAllocHost(&host, 16);
        graph = CaptureAddOne(stream, addOne, x, host, 7);
        nuint count;
        nint* nodes = stackalloc nint[4];
        Assert.Equal(CudaResult.Success, Cuda.GraphGetNodes(graph, null, &count));
        Assert.Equal(3u, count);
        count = 4;
        Assert.Equal(CudaResult.Success, Cuda.GraphGetNodes(graph, nodes, &count));
        Assert.Equal((3u, 0), (count, nodes[3]));
        int* types = stackalloc int[3];
        for (int i = 0; i < 3; i++)
            Assert.Equal(CudaResult.Success, Cuda.GraphNodeGetType(nodes[i], &types[i]));
        Assert.Equal((2, 0, 1), (types[0], types[1], types[2])); // memset, kernel, memcpy
        Assert.Equal(CudaResult.Success, Cuda.GraphInstantiate(&exec, graph));
        Assert.Equal(CudaResult.Success, Cuda.GraphDestroy(graph));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.GraphNodeGetType(nodes[0], types));
        Assert.Equal(8, LaunchAndRead(exec, stream, host));
        other = CaptureAddOne(stream, addOne, x, host, 20);
        CudaApi.UpdateInfo info;
        Assert.Equal(CudaResult.Success, Cuda.GraphExecUpdate(exec, other, &info));
        Assert.Equal(0, info.Result);
        Assert.Equal(21, LaunchAndRead(exec, stream, host));
        Assert.Equal(CudaResult.Success, Cuda.StreamBeginCapture(stream, 1));
        Assert.Equal(CudaResult.Success, Cuda.StreamEndCapture(stream, &other));
        Assert.Equal(CudaResult.GraphExecUpdateFailure, Cuda.GraphExecUpdate(exec, other, &info));
        Assert.Equal(2, info.Result); // the topology
        Assert.Equal(21, LaunchAndRead(exec, stream, host));
        Assert.Equal(CudaResult.Success, Cuda.GraphExecDestroy(exec));
        Assert.Equal(CudaResult.InvalidHandle, Cuda.GraphLaunch(exec, stream));
        Assert.Equal(CudaResult.Success, Cuda.MemFreeHost(host));
    }

    // memset to a value, add one, copy to the host.
    private nint CaptureAddOne(nint stream, nint addOne, ulong x, ulong host, uint value)
    {
        uint n = 4;
        void** parameters = stackalloc void*[2];
        parameters[0] = &x;
        parameters[1] = &n;
        nint graph;
        Assert.Equal(CudaResult.Success, Cuda.StreamBeginCapture(stream, 1));
        Assert.Equal(CudaResult.Success, Cuda.MemsetD32Async(x, value, 4, stream));
        Assert.Equal(CudaResult.Success, Cuda.LaunchKernel(addOne, (1, 1, 1), (32, 1, 1), 0, stream, parameters));
        Assert.Equal(CudaResult.Success, Cuda.MemcpyDtoHAsync(host, x, 16, stream));
        Assert.Equal(CudaResult.Success, Cuda.StreamEndCapture(stream, &graph));
        return graph;
    }

    private int LaunchAndRead(nint exec, nint stream, ulong host)
    {
        *(int*)(host + 12) = 0;
        Assert.Equal(CudaResult.Success, Cuda.GraphLaunch(exec, stream));
        Assert.Equal(CudaResult.Success, Cuda.StreamSynchronize(stream));
        return *(int*)(host + 12);
    }

    [Fact]
    public void A_fault_stays_until_theContext_is_destroyed()
    {
        nint module, addOne;
        ulong x;
        uint n = 33;
        Cuda.ModuleLoadData(&module, SamplePtx.Text);
        Cuda.ModuleGetFunction(&addOne, module, "add_one");
        Cuda.MemAlloc(&x, 128);
        Cuda.MemsetD32Async(x, 0, 32, 0);
        void** parameters = stackalloc void*[2];
        parameters[0] = &x;
        parameters[1] = &n;
        Assert.Equal(CudaResult.Success, Cuda.LaunchKernel(addOne, (2, 1, 1), (32, 1, 1), 0, 0, parameters));
        int findings = Cuda.Findings();
        Assert.Contains("add_one", Detail(CudaResult.IllegalAddress, Cuda.CtxSynchronize()), StringComparison.Ordinal);
        Assert.True(Cuda.Findings() > findings);
        Assert.Equal(CudaResult.IllegalAddress, Cuda.MemAlloc(&x, 128));
        Assert.Equal(CudaResult.IllegalAddress, Cuda.MemFree(x));
        Assert.Equal(CudaResult.IllegalAddress, Cuda.LaunchKernel(addOne, (1, 1, 1), (32, 1, 1), 0, 0, parameters));
        Assert.Equal(CudaResult.Success, Cuda.CtxDestroy(Context));
        nint context;
        Assert.Equal(CudaResult.Success, Cuda.CtxCreate(&context, 0, 0));
        Assert.Equal(CudaResult.Success, Cuda.MemAlloc(&x, 128));
        Assert.Equal(CudaResult.Success, Cuda.CtxSynchronize());
        Assert.Equal(CudaResult.Success, Cuda.CtxDestroy(context));
    }
}
