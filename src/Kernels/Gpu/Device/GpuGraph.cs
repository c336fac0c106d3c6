namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Work of a device's stream that is recorded once and then queued as a whole, by one call: launching the hundred kernels of a
/// decode step one by one takes the host longer than they take the device.
/// <code>
///     using GpuGraph step = GpuGraph.Capture(device, () => { embed(...); norm(...); product(...); });
///     for (...) step.Launch();
/// </code>
/// What is recorded is which kernels and copies run, with the arguments they were given: what changes from step to step has to
/// be in device memory. While recording, nothing runs, and nothing may wait for the device, allocate or load a kernel: run
/// the action once before.
/// </summary>
public sealed unsafe class GpuGraph : IDisposable
{
    private const int ThreadLocal = 1; // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may do what they like meanwhile

    private readonly GpuDevice _device;
    private nint _executable;

    private GpuGraph(GpuDevice device, nint executable, int nodeCount, int earlyCount) =>
        (_device, _executable, NodeCount, EarlyCount) = (device, executable, nodeCount, earlyCount);

    /// <summary>Kernels, copies and fills in it.</summary>
    public int NodeCount { get; }

    /// <summary>Kernels among them that may begin before the one in front has ended: <see cref="GpuDevice.LaunchesEarly"/>.</summary>
    public int EarlyCount { get; }

    /// <summary>Records what an action queues on the device's stream.</summary>
    /// <param name="device">The device.</param>
    /// <param name="work">Queues the work; tensors it uses have to outlive the graph.</param>
    /// <exception cref="GpuException">The action did something that cannot be recorded, or nothing.</exception>
    public static GpuGraph Capture(GpuDevice device, Action work)
    {
        device.Bind();
        nint stream = device.Stream.StreamPtr;
        CudaDriver.Check(CudaDriver.BeginCapture(stream, ThreadLocal), "cuStreamBeginCapture");
        nint graph;
        try
        {
            work();
        }
        catch (Exception exception)
        {
            // The capture has to end in any case, or the stream would be of no more use.
            _ = CudaDriver.EndCapture(stream, out graph);
            Destroy(graph);
            if (exception is GpuException { IsDeviceLost: false } failure)
            {
                throw NotRecordable(failure);
            }

            throw;
        }

        int ended = CudaDriver.EndCapture(stream, out graph);
        if (ended != 0)
        {
            throw NotRecordable(CudaDriver.Failure(ended, "cuStreamEndCapture"));
        }

        try
        {
            nuint count = 0;
            CudaDriver.Check(CudaDriver.GraphNodes(graph, null, ref count), "cuGraphGetNodes");
            if (count == 0)
            {
                throw new GpuException("Nothing was queued on the device's stream, so there is no graph.");
            }

            int early = device.LaunchesEarly ? EarlyLaunches.Allow(graph) : 0;
            CudaDriver.Check(CudaDriver.InstantiateGraph(out nint executable, graph, 0), "cuGraphInstantiate");
            return new GpuGraph(device, executable, (int)count, early);
        }
        finally
        {
            Destroy(graph);
        }
    }

    /// <summary>Queues the work once more. Allocates nothing and does not wait.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public void Launch()
    {
        ObjectDisposedException.ThrowIf(_executable == 0, this);
        _device.Bind();
        CudaDriver.Check(CudaDriver.LaunchGraph(_executable, _device.Stream.StreamPtr), "cuGraphLaunch");
    }

    /// <summary>Frees the graph, once what was launched has run.</summary>
    public void Dispose()
    {
        if (_executable != 0)
        {
            _device.Bind();
            _ = CudaDriver.Synchronize(_device.Stream.StreamPtr);
            _ = CudaDriver.DestroyExecutable(_executable);
            _executable = 0;
        }
    }

    private static GpuException NotRecordable(GpuException cause) => new(
        $"The work cannot be recorded as a graph: while it is, nothing may wait for the device, allocate, or load a kernel. {cause.Message}", cause);

    private static void Destroy(nint graph)
    {
        if (graph != 0)
        {
            _ = CudaDriver.DestroyGraph(graph);
        }
    }
}
