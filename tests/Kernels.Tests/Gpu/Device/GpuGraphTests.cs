using Handwritten.Kernels.Gpu;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Device;

[Collection(nameof(GpuTests))]
public sealed class GpuGraphTests : IDisposable
{
    private const int Rows = 5, Width = 192;

    private readonly GpuDevice _device = GpuFixture.NewDevice();

    public void Dispose() => _device.Dispose();

    [Fact]
    public void A_captured_layer_norm_replays_on_changed_inputs()
    {
        using IKernels kernels = GpuKernels.Create(_device, ComputeType.Float32);
        float[] gain = Make.Values(2, Width), bias = Make.Values(3, Width);
        using Tensor x = kernels.AllocateSingle(Rows, Width), y = kernels.Allocate(Rows, Width);
        using Norm norm = new(Make.Table(kernels, gain, Width), Make.Table(kernels, bias, Width));
        kernels.LayerNorm(Rows, x, norm, y); // loads the kernel
        using GpuGraph graph = GpuGraph.Capture(_device, () => kernels.LayerNorm(Rows, x, norm, y));
        Assert.Equal(1, graph.NodeCount);
        for (int seed = 10; seed < 13; seed++)
        {
            float[] values = Make.Values(seed, Rows, Width);
            kernels.Write(values, x);
            graph.Launch();
            double[] expected = Reference.LayerNorm(Reference.Double(values), gain, bias, Rows, Width);
            Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, Rows * Width)), 0, Tolerance.Of(ComputeType.Float32, expected));
        }
    }

    /// <summary>With the emulator's checks on: a kernel that did not wait for the one before would be found.</summary>
    [Theory]
    [InlineData("h200", true)]
    [InlineData("h200", false)]
    [InlineData("t4", true)]
    public void Kernels_of_a_graph_begin_early_where_they_can_and_compute_the_same(string name, bool allowed)
    {
        using GpuDevice device = new(Math.Max(0, EmulatedDriver.Devices.ToList().IndexOf(name)));
        using IKernels kernels = GpuKernels.Create(device, ComputeType.Float16);
        bool can = device.ComputeCapability >= 90;
        Assert.Equal(can, device.CanLaunchEarly);
        device.LaunchesEarly = can && allowed;
        using Norm norm = new(Make.Table(kernels, Make.Values(1, Width), Width), Make.Table(kernels, Make.Values(2, Width), Width));
        using Linear first = Make.Linear(kernels, 3, DType.F32, Width, Width, Make.Values(4, Width)).Linear, second = Make.Linear(kernels, 5, DType.F32, Width, Width, null).Linear;
        using Tensor x = kernels.AllocateSingle(Rows, Width), h = kernels.Allocate(Rows, Width), y = kernels.Allocate(Rows, Width);
        float[] values = Make.Values(6, Rows, Width);
        void step()
        {
            kernels.NormMatMul(1, x, norm, first, h, y, Epilogue.Gelu);
            kernels.MatMul(1, y, second, x, Epilogue.AddToOutput);
            kernels.LayerNorm(Rows, x, norm, h);
            kernels.MatMul(Rows, h, first, y);
            kernels.MatMul(Rows, y, second, x, Epilogue.AddToOutput);
        }

        kernels.Write(values, x);
        step();
        step();
        float[] expected = Make.Read(kernels, x, Rows * Width);
        kernels.Write(values, x);
        using GpuGraph graph = GpuGraph.Capture(device, step);
        Assert.Equal((5, can && allowed ? 4 : 0), (graph.NodeCount, graph.EarlyCount));
        graph.Launch();
        graph.Launch();
        Assert.Equal(expected, Make.Read(kernels, x, Rows * Width));
    }

    [Fact]
    public void A_replay_and_a_launch_allocate_nothing()
    {
        using IKernels kernels = GpuKernels.Create(_device, ComputeType.Float32);
        using Tensor x = kernels.AllocateSingle(Rows, Width), y = kernels.Allocate(Rows, Width);
        using Norm norm = new(Make.Table(kernels, Make.Values(2, Width), Width), Make.Table(kernels, Make.Values(3, Width), Width));
        using DecoderRows rows = kernels.AllocateRows(4);
        kernels.LayerNorm(Rows, x, norm, y);
        using GpuGraph graph = GpuGraph.Capture(_device, () => kernels.LayerNorm(Rows, x, norm, y));
        void step()
        {
            ((GpuDecoderRows)rows).Upload();
            kernels.LayerNorm(Rows, x, norm, y);
            graph.Launch();
        }

        for (int i = 0; i < 50; i++)
        {
            step(); // until the runtime has compiled it for good
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            step();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        _device.Synchronize();
    }

    /// <summary>On a GPU a small tensor comes out of a segment that is there already, so nothing is asked of the driver.</summary>
    public static TheoryData<string> NotRecordable => EmulatedDriver.IsReal ? ["wait", "read"] : ["wait", "read", "allocate"];

    [Theory]
    [MemberData(nameof(NotRecordable))]
    public void What_cannot_be_recorded_is_refused_and_spoils_nothing(string what)
    {
        using IKernels kernels = GpuKernels.Create(_device, ComputeType.Float32);
        using Tensor x = kernels.AllocateSingle(Rows, Width);
        float[] values = Make.Values(1, Rows, Width);
        kernels.Write(values, x);
        GpuException failure = Assert.Throws<GpuException>(() => GpuGraph.Capture(_device, () =>
        {
            switch (what)
            {
                case "wait": kernels.Synchronize(); break;
                case "read": kernels.Read(x, new float[4]); break;
                default: kernels.AllocateSingle(1 << 20); break;
            }
        }));
        Assert.StartsWith("The work cannot be recorded as a graph: ", failure.Message, StringComparison.Ordinal);
        Assert.Equal(values, Make.Read(kernels, x, values.Length));
    }

    [Fact]
    public void Work_that_fails_by_itself_is_not_hidden()
    {
        Assert.Throws<FormatException>(() => GpuGraph.Capture(_device, () => throw new FormatException()));
        _device.Synchronize();
    }

    [Fact]
    public void Nothing_is_no_graph() => Assert.Throws<GpuException>(() => GpuGraph.Capture(_device, () => { }));

    [Fact]
    public void A_graph_that_is_disposed_of_is_not_launched()
    {
        using GpuTensor x = new(_device, DType.F32, [64]);
        GpuGraph graph = GpuGraph.Capture(_device, () => CudaDriver.Check(CudaDriver.Fill(x.Address, 1, 256, _device.Stream.StreamPtr), "cuMemsetD8Async"));
        graph.Launch();
        graph.Dispose();
        graph.Dispose();
        Assert.Throws<ObjectDisposedException>(graph.Launch);
    }
}
