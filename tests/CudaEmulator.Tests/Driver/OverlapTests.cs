using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Handwritten.CudaEmulator.Execution;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

/// <summary>
/// Kernels of a graph with programmatic edges may begin before those in front have ended. Each has a bug that is found, and a
/// twin without it that nothing is said of. In every kernel %a, %b and %w are the thread's places in three arrays; a graph is
/// a chain of them.
/// </summary>
public sealed class OverlapTests : DriverFixture
{
    private const int Threads = 64, Bytes = 4 * Threads;
    private const string Wait = "griddepcontrol.wait;", Begin = "griddepcontrol.launch_dependents;";
    private const string WriteA = Begin + Wait + "st.global.u32 [%a], 7;", WriteB = Begin + Wait + "st.global.u32 [%b], 7;";

    private static readonly Dim3 One = new(1, 1, 1);

    private readonly ulong _a, _b, _weights;

    public OverlapTests()
    {
        (_a, _b, _weights) = (Context.Allocate(Bytes), Context.Allocate(Bytes), Context.Allocate(Bytes));
        CudaStream stream = NewStream();
        foreach (ulong array in (ulong[])[_a, _b, _weights])
        {
            stream.Add(new FillWork(Cuda.Memory.Locate(array, Bytes, "array"), 0, 1, Bytes));
        }

        stream.Synchronize();
    }

    [Theory]
    [InlineData("a read", "ld.global.u32 %r, [%a]; | st.global.u32 [%b], %r;")]
    [InlineData("a read under a condition", "@%p ld.global.u32 %r, [%a]; | st.global.u32 [%b], %r;")]
    [InlineData("a write", "st.global.u32 [%a], 8; |")]
    [InlineData("an atomic", "atom.global.add.u32 %r, [%a], 8; |")]
    [InlineData("an asynchronous copy", "@%first cp.async.ca.shared.global [buffer], [%a], 4; cp.async.wait_all; |")]
    public void What_an_earlier_kernel_writes_is_touched_behind_the_wait(string what, string lines)
    {
        string[] parts = lines.Split('|');
        Run(true, WriteA, Wait + parts[0] + parts[1]);
        string report = Races(WriteA, parts[0] + Wait + parts[1]);
        Assert.True(report.StartsWith("kernel k1, PTX line ", StringComparison.Ordinal) && report.Contains("griddepcontrol.wait has to come before", StringComparison.Ordinal), $"{what}: {report}");
    }

    [Theory]
    [InlineData("st.global.u32 [%w], 8;")]
    [InlineData("red.global.add.u32 [%w], 8;")]
    public void What_an_earlier_kernel_reads_is_written_behind_the_wait(string write)
    {
        const string readW = Begin + Wait + "ld.global.u32 %r, [%w]; st.global.u32 [%a], %r;";
        Run(true, readW, WriteB, Wait + write);
        string report = Races(readW, WriteB, write + Wait);
        Assert.StartsWith("kernel k2, PTX line ", report, StringComparison.Ordinal);
        Assert.Contains("that an earlier kernel of the graph reads, which may still run: griddepcontrol.wait has to come before", report, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_earlier_kernel_only_reads_may_be_read_at_once() =>
        Run(true, Begin + "ld.global.u32 %r, [%w];" + Wait, "ld.global.u32 %r, [%w];" + Wait);

    [Fact]
    public void What_no_kernel_of_the_chain_writes_may_be_read_at_once() =>
        Run(true, WriteA, Begin + "ld.global.u32 %r, [%w];" + Wait + "st.global.u32 [%a], %r;", "ld.global.u32 %r, [%w];" + Wait + "st.global.u32 [%b], %r;");

    [Fact]
    public void A_kernel_that_waits_stands_for_all_before_it() =>
        Run(true, WriteA, Begin + Wait + "st.global.u32 [%b], 1;", Wait + "ld.global.u32 %r, [%a]; st.global.u32 [%b], %r;");

    [Fact]
    public void A_kernel_that_does_not_wait_lets_later_ones_down() =>
        Assert.Contains("a kernel in between has not waited", Races(WriteA, Begin, Wait + "ld.global.u32 %r, [%a];"), StringComparison.Ordinal);

    [Fact]
    public void The_first_kernel_of_a_chain_has_nothing_to_wait_for() => Run(true, Begin + "st.global.u32 [%a], 7;", Wait + "ld.global.u32 %r, [%a];");

    [Fact]
    public void With_usual_edges_nothing_has_to_wait() => Run(false, WriteA, "ld.global.u32 %r, [%a];");

    [Fact]
    public void Only_kernels_of_a_graph_are_connected_once_and_forwards()
    {
        CudaGraph graph = Chain(WriteA, WriteA);
        (GraphNode first, GraphNode second) = (graph.Nodes[0], graph.Nodes[1]);
        Assert.Equal([(first, second, false)], graph.Edges);
        Fails(CudaResult.InvalidValue, () => graph.Connect(first, second, true));
        Fails(CudaResult.InvalidValue, () => graph.Disconnect(first, second, true));
        Fails(CudaResult.InvalidValue, () => graph.Connect(second, first, false));
        Fails(CudaResult.InvalidValue, () => graph.Connect(Chain(WriteA).Nodes[0], second, false));
        graph.Disconnect(first, second, false);
        Assert.Empty(graph.Edges);
        graph.Connect(first, second, true);
        Assert.Equal([(first, second, true)], graph.Edges);
    }

    private string Races(params string[] kernels)
    {
        string report = Fails(CudaResult.LaunchFailed, () => Run(true, kernels)).Message;
        Assert.Contains("a race between kernels", report, StringComparison.Ordinal);
        return report;
    }

    private void Run(bool programmatic, params string[] kernels)
    {
        CudaGraph graph = Chain(kernels);
        foreach ((GraphNode from, GraphNode to, bool _) in graph.Edges.ToArray())
        {
            graph.Disconnect(from, to, false);
            graph.Connect(from, to, programmatic);
        }

        CudaStream stream = NewStream();
        new GraphExec(graph).Launch(stream);
        stream.Synchronize();
    }

    private CudaGraph Chain(params string[] kernels)
    {
        CudaModule module = CudaModule.Load(Context, string.Join('\n', [".version 7.8", ".target sm_90", ".address_size 64", .. kernels.Select(Kernel)]));
        CudaStream stream = NewStream();
        stream.BeginCapture(CaptureMode.Relaxed);
        byte[] parameters = [.. BitConverter.GetBytes(_a), .. BitConverter.GetBytes(_b), .. BitConverter.GetBytes(_weights)];
        for (int i = 0; i < kernels.Length; i++)
        {
            stream.Add(new KernelWork(Cuda.Handles.Get<CudaFunction>(module.Function($"k{i}")), One, new Dim3(Threads, 1, 1), 0, parameters));
        }

        return stream.EndCapture();
    }

    private static string Kernel(string body, int index) => $$"""
        .visible .entry k{{index}}(.param .u64 a, .param .u64 b, .param .u64 w)
        {
            .shared .align 16 .b8 buffer[256];
            .reg .pred %p, %first;
            .reg .b32 %r, %t;
            .reg .b64 %a, %b, %w, %o;
            mov.u32 %t, %tid.x;
            setp.ge.u32 %p, %t, 5;
            setp.eq.u32 %first, %t, 0;
            mov.u32 %r, 3;
            mul.wide.u32 %o, %t, 4;
            ld.param.u64 %a, [a];
            ld.param.u64 %b, [b];
            ld.param.u64 %w, [w];
            add.u64 %a, %a, %o;
            add.u64 %b, %b, %o;
            add.u64 %w, %w, %o;
            {{body.Replace(";", ";\n", StringComparison.Ordinal)}}
            ret;
        }
        """;
}
