using Handwritten.CudaEmulator.Device;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed unsafe class StreamTests(IlgpuFixture ilgpu)
{
    private static void Increment(Index1D i, int amount, ArrayView<int> x) => x[i] += amount;

    private static void Copy(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] = x[i];

    private CudaStream NewStream() => (CudaStream)ilgpu.Hopper.CreateStream();

    private Action<AcceleratorStream, Index1D, int, ArrayView<int>> Incrementer =>
        ilgpu.Hopper.LoadImplicitlyGroupedKernel<Index1D, int, ArrayView<int>>(Increment, 128);

    [Fact]
    public void Page_locked_memory_is_copied_asynchronously_both_ways()
    {
        using CudaStream stream = NewStream();
        using var host = ilgpu.Hopper.AllocatePageLocked1D<int>(1000);
        using var device = ilgpu.Hopper.Allocate1D<int>(1000);
        host.Span.Fill(5);
        device.View.CopyFromPageLockedAsync(stream, host);
        Incrementer(stream, 1000, 3, device.View);
        device.View.CopyToPageLockedAsync(stream, host);
        stream.Synchronize();
        Assert.All(host.Span.ToArray(), value => Assert.Equal(8, value));
    }

    [Fact]
    public void Arrays_of_the_program_are_locked_and_unlocked()
    {
        using CudaStream stream = NewStream();
        int[] array = GC.AllocateArray<int>(500, pinned: true);
        using var device = ilgpu.Hopper.Allocate1D<int>(500);
        device.MemSet(stream, 1);
        using (var scope = ilgpu.Hopper.CreatePageLockFromPinned(array))
        {
            Assert.Equal(CudaResult.Success, ilgpu.Api.MemcpyDtoHAsync(
                (ulong)scope.AddrOfLockedObject, (ulong)device.NativePtr, 4 * 500, stream.StreamPtr));
            Assert.Equal(0, array[499]); // the device writes to it in its own time
            stream.Synchronize();
        }
        Assert.All(array, value => Assert.Equal(0x01010101, value));
        using (ilgpu.Hopper.CreatePageLockFromPinned(array))
        {
        }
    }

    [Fact]
    public void A_result_that_was_not_waited_for_is_not_there()
    {
        using CudaStream stream = NewStream();
        using var host = ilgpu.Hopper.AllocatePageLocked1D<int>(1);
        using var device = ilgpu.Hopper.Allocate1D<int>(1);
        device.MemSet(stream, 0);
        Incrementer(stream, 1, 7, device.View);
        device.View.CopyToPageLockedAsync(stream, host);
        int early = host[0];
        stream.Synchronize();
        Assert.Equal((0, 7), (early, host[0]));
    }

    [Fact]
    public void Several_streams_at_once()
    {
        CudaStream[] streams = [.. Enumerable.Range(0, 4).Select(_ => NewStream())];
        MemoryBuffer1D<int, Stride1D.Dense>[] buffers = [.. streams.Select(_ => ilgpu.Hopper.Allocate1D(new int[200]))];
        ilgpu.Hopper.Synchronize();
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < streams.Length; i++)
                Incrementer(streams[i], 200, i + 1, buffers[i].View);
        }
        ilgpu.Hopper.Synchronize();
        for (int i = 0; i < streams.Length; i++)
        {
            Assert.All(buffers[i].GetAsArray1D(streams[i]), value => Assert.Equal(5 * (i + 1), value));
            buffers[i].Dispose();
            streams[i].Dispose();
        }
    }

    [Theory]
    [InlineData(true, 9)]
    [InlineData(false, 0)]
    public void Without_an_event_between_them_streams_do_not_wait_for_each_other(bool isOrdered, int expected)
    {
        using CudaStream producer = NewStream(), consumer = NewStream();
        using var x = ilgpu.Hopper.Allocate1D<int>(100);
        using var y = ilgpu.Hopper.Allocate1D<int>(100);
        x.MemSetToZero();
        var copy = ilgpu.Hopper.LoadImplicitlyGroupedKernel<Index1D, ArrayView<int>, ArrayView<int>>(Copy, 128);
        ilgpu.Hopper.Synchronize();
        nint done;
        Assert.Equal(CudaResult.Success, ilgpu.Api.EventCreate(&done, 2));
        Incrementer(producer, 100, 9, x.View);
        if (isOrdered)
        {
            Assert.Equal(CudaResult.Success, ilgpu.Api.EventRecord(done, producer.StreamPtr));
            Assert.Equal(CudaResult.Success, ilgpu.Api.StreamWaitEvent(consumer.StreamPtr, done));
        }
        copy(consumer, 100, x.View, y.View);
        Assert.All(y.GetAsArray1D(consumer), value => Assert.Equal(expected, value));
        Assert.Equal(CudaResult.Success, ilgpu.Api.EventDestroy(done));
        ilgpu.Hopper.Synchronize();
    }

    [Fact]
    public void Time_is_measured_between_markers()
    {
        using CudaStream stream = NewStream();
        using var x = ilgpu.Hopper.Allocate1D<int>(10_000);
        x.MemSetToZero(stream);
        using ProfilingMarker start = stream.AddProfilingMarker();
        Incrementer(stream, 10_000, 1, x.View);
        using ProfilingMarker end = stream.AddProfilingMarker();
        Assert.InRange(end.MeasureFrom(start), TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void A_captured_graph_is_replayed_and_updated()
    {
        using CudaStream stream = NewStream();
        using var x = ilgpu.Hopper.Allocate1D<int>(300);
        x.MemSetToZero(stream);
        stream.Synchronize();
        nint first = Capture(stream, amount: 1, x.View), second = Capture(stream, amount: 100, x.View), exec;
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphInstantiate(&exec, first));
        for (int i = 0; i < 3; i++)
            Assert.Equal(CudaResult.Success, ilgpu.Api.GraphLaunch(exec, stream.StreamPtr));
        Native.CudaApi.UpdateInfo info;
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphExecUpdate(exec, second, &info));
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphLaunch(exec, stream.StreamPtr));
        Assert.All(x.GetAsArray1D(stream), value => Assert.Equal(2 * (1 + 1 + 1 + 100), value));
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphDestroy(first));
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphDestroy(second));
        Assert.Equal(CudaResult.Success, ilgpu.Api.GraphExecDestroy(exec));
    }

    private nint Capture(CudaStream stream, int amount, ArrayView<int> x)
    {
        Action<AcceleratorStream, Index1D, int, ArrayView<int>> increment = Incrementer;
        Assert.Equal(CudaResult.Success, ilgpu.Api.StreamBeginCapture(stream.StreamPtr, 1));
        increment(stream, x.IntLength, amount, x);
        increment(stream, x.IntLength, amount, x);
        nint graph;
        Assert.Equal(CudaResult.Success, ilgpu.Api.StreamEndCapture(stream.StreamPtr, &graph));
        return graph;
    }

    [Fact]
    public void To_allocate_during_a_capture_is_refused()
    {
        using CudaStream stream = NewStream();
        Assert.Equal(CudaResult.Success, ilgpu.Api.StreamBeginCapture(stream.StreamPtr, 1));
        Assert.Throws<CudaException>(() => ilgpu.Hopper.Allocate1D<int>(10));
        nint graph;
        Assert.Equal(CudaResult.StreamCaptureInvalidated, ilgpu.Api.StreamEndCapture(stream.StreamPtr, &graph));
    }
}
