using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class FunctionTests : DriverFixture
{
    private const int MaxDynamicShared = 8;

    private CudaFunction Find(string name) =>
        Cuda.Handles.Get<CudaFunction>(CudaModule.Load(Context, SamplePtx.Text).Function(name));

    [Fact]
    public void A_module_has_kernels_and_variables()
    {
        CudaModule module = CudaModule.Load(Context, SamplePtx.Text);
        Assert.Equal(module.Function("scale"), module.Function("scale"));
        Assert.NotEqual(module.Function("scale"), module.Function("stage"));
        Assert.Contains("add_one", Fails(CudaResult.NotFound, () => module.Function("add_two")).Message, StringComparison.Ordinal);
        Assert.Equal((4, 32), (module.Variable("counter").Bytes, module.Variable("table").Bytes));
        Fails(CudaResult.NotFound, () => module.Variable("stage"));
    }

    [Fact]
    public void An_unloaded_module_takes_its_functions_and_variables_along()
    {
        CudaModule module = CudaModule.Load(Context, SamplePtx.Text);
        nint function = module.Function("scale");
        ulong counter = module.Variable("counter").Address;
        NewStream().Add(Note("work that might use it"));
        module.Unload();
        Assert.Equal("work that might use it", Log);
        Fails(CudaResult.InvalidHandle, () => Cuda.Handles.Get<CudaFunction>(function));
        Assert.Null(Cuda.Memory.TryLocate(counter));
    }

    [Fact]
    public void A_captured_launch_of_an_unloaded_kernel_fails()
    {
        CudaStream stream = NewStream();
        CudaFunction stage = Find("stage");
        stream.BeginCapture(CaptureMode.Relaxed);
        stream.Add(new KernelWork(stage, new Dim3(1, 1, 1), new Dim3(1, 1, 1), 0, []));
        var exec = new GraphExec(stream.EndCapture());
        exec.Launch(stream);
        stream.Synchronize();
        stage.Module.Unload();
        exec.Launch(stream);
        Assert.Contains("unloaded", Fails(CudaResult.LaunchFailed, stream.Synchronize).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".version 7.8\n.target sm_75\n.address_size 64\n.visible .entry k() { frobnicate.u32; ret; }", CudaResult.InvalidPtx, "line 4")]
    [InlineData("Hello", CudaResult.InvalidPtx, "line 1")]
    [InlineData(".version 6.5\n.target sm_75\n.address_size 64\n.visible .entry k() { .reg .b32 %r<2>; .reg .b64 %d<1>;\ncp.async.ca.shared.global [%r0], [%d0], 16; ret; }", CudaResult.InvalidPtx, "requires .target sm_80")]
    [InlineData(".version 6.5\n.target sm_80\n.address_size 64\n", CudaResult.InvalidPtx, "does not support .target sm_80")]
    [InlineData(".version 7.8\n.target sm_75\n.address_size 64\n.visible .entry k() { .reg .u32 %r<2>; .reg .f32 %f<2>;\nadd.f32 %f0, %f1, %r0; ret; }", CudaResult.InvalidPtx, "operand 3 of 'add.f32'")]
    [InlineData(".version 9.9\n.target sm_75\n.address_size 64", CudaResult.UnsupportedPtxVersion, "9.9")]
    [InlineData(".version 8.8\n.target sm_120\n.address_size 64", CudaResult.NoBinaryForGpu, "sm_120")]
    public void A_text_that_cannot_be_loaded_is_refused_with_the_reason(string text, CudaResult result, string reason) =>
        Assert.Contains(reason, Fails(result, () => CudaModule.Load(Context, text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Attributes_tell_what_the_kernel_takes()
    {
        CudaFunction stage = Find("stage");
        Assert.Equal((1024, 40960, 0, 32), (stage.GetAttribute(0), stage.GetAttribute(1), stage.GetAttribute(3), stage.GetAttribute(2)));
        Assert.Equal((78, 90), (stage.GetAttribute(5), stage.GetAttribute(6)));
        Assert.Equal(8192, stage.GetAttribute(MaxDynamicShared));
        Assert.InRange(Find("add_one").GetAttribute(4), 1, 32);
        Assert.Equal(128, Find("bounded").GetAttribute(0));
        Fails(CudaResult.InvalidValue, () => stage.GetAttribute(99));
    }

    [Theory]
    [InlineData("", 200, 255)]
    [InlineData(".maxntid 256, 1, 1", 200, 255)]
    [InlineData(".maxntid 384, 1, 1", 168, 168)]
    [InlineData(".maxntid 1024, 1, 1", 64, 64)]
    [InlineData(".maxntid 384, 1, 1 .maxnreg 80", 80, 80)]
    public void A_kernel_takes_no_more_registers_than_leave_room_for_the_threads_that_it_names(string directives, int least, int most)
    {
        const int values = 200;
        string text = $".version 7.8\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p) {directives} {{ .reg .b64 %d; .reg .b32 %r<{values}>; ld.param.u64 %d, [p];\n"
            + string.Concat(Enumerable.Range(0, values).Select(i => $"ld.global.b32 %r{i}, [%d+{4 * i}];\n"))
            + string.Concat(Enumerable.Range(0, values).Select(i => $"st.global.b32 [%d+{4 * i}], %r{values - 1 - i};\n")) + "ret; }";
        Assert.InRange(Cuda.Handles.Get<CudaFunction>(CudaModule.Load(Context, text).Function("k")).GetAttribute(4), least, most);
    }

    [Fact]
    public void Attributes_that_can_be_set_are()
    {
        CudaFunction stage = Find("stage");
        stage.SetAttribute(MaxDynamicShared, 100_000);
        Assert.Equal(100_000, stage.GetAttribute(MaxDynamicShared));
        Fails(CudaResult.InvalidValue, () => stage.SetAttribute(MaxDynamicShared, 227 * 1024 - 40960 + 1));
        Fails(CudaResult.InvalidValue, () => stage.SetAttribute(MaxDynamicShared, -1));
        stage.SetAttribute(9, 100);
        Assert.Equal(100, stage.GetAttribute(9));
        Fails(CudaResult.InvalidValue, () => stage.SetAttribute(9, 101));
        Fails(CudaResult.InvalidValue, () => stage.SetAttribute(1, 100));
    }

    [Theory]
    [InlineData(1, 1, 1, 1024, 1, 1, true)]
    [InlineData(1, 1, 1, 1025, 1, 1, false)]
    [InlineData(1, 1, 1, 16, 16, 4, true)]
    [InlineData(1, 1, 1, 32, 32, 2, false)]
    [InlineData(1, 1, 1, 4, 4, 64, true)]
    [InlineData(1, 1, 1, 1, 1, 65, false)]
    [InlineData(1, 1, 1, 0, 1, 1, false)]
    [InlineData(int.MaxValue, 1, 1, 1, 1, 1, true)]
    [InlineData(int.MinValue, 1, 1, 1, 1, 1, false)]
    [InlineData(0, 1, 1, 1, 1, 1, false)]
    [InlineData(1, 65535, 1, 1, 1, 1, true)]
    [InlineData(1, 65536, 1, 1, 1, 1, false)]
    [InlineData(1, 1, 65535, 1, 1, 1, true)]
    [InlineData(1, 1, 65536, 1, 1, 1, false)]
    public void Grids_and_blocks_have_limits(int gx, int gy, int gz, int bx, int by, int bz, bool isPossible)
    {
        CudaFunction stage = Find("stage");
        void Check() => stage.CheckLaunch(new Dim3(gx, gy, gz), new Dim3(bx, by, bz), 0);
        if (isPossible)
            Check();
        else
            Fails(CudaResult.InvalidValue, Check);
    }

    [Fact]
    public void A_kernels_own_directives_limit_its_blocks()
    {
        (Dim3 grid, CudaFunction bounded, CudaFunction exact) = (new Dim3(1, 1, 1), Find("bounded"), Find("exact"));
        bounded.CheckLaunch(grid, new Dim3(128, 1, 1), 0);
        Fails(CudaResult.InvalidValue, () => bounded.CheckLaunch(grid, new Dim3(129, 1, 1), 0));
        exact.CheckLaunch(grid, new Dim3(64, 1, 1), 0);
        Fails(CudaResult.InvalidValue, () => exact.CheckLaunch(grid, new Dim3(32, 1, 1), 0));
    }

    [Fact]
    public void Shared_memory_beyond_48_KB_needs_opting_in()
    {
        (Dim3 one, CudaFunction stage) = (new Dim3(1, 1, 1), Find("stage"));
        stage.CheckLaunch(one, one, 8192);
        Fails(CudaResult.InvalidValue, () => stage.CheckLaunch(one, one, 8193));
        Fails(CudaResult.InvalidValue, () => stage.CheckLaunch(one, one, -1));
        stage.SetAttribute(MaxDynamicShared, 100_000);
        stage.CheckLaunch(one, one, 100_000);
    }
}
