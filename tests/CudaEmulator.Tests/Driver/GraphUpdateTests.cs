using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class GraphUpdateTests : DriverFixture
{
    private CudaGraph Chain(params Work[] work)
    {
        CudaStream stream = NewStream();
        stream.BeginCapture(CaptureMode.Relaxed);
        foreach (Work piece in work)
            stream.Add(piece);
        return stream.EndCapture();
    }

    [Fact]
    public void An_update_takes_over_the_work_and_leaves_earlier_launches_theirs()
    {
        CudaStream stream = NewStream();
        var exec = new GraphExec(Chain(Note("a1"), Note("a2")));
        exec.Launch(stream);
        Assert.Equal(UpdateResult.Success, exec.Update(Chain(Note("b1"), Note("b2"))).Result);
        exec.Launch(stream);
        stream.Synchronize();
        Assert.Equal("a1 a2 b1 b2", Log);
    }

    [Fact]
    public void Another_number_of_nodes_cannot_be_taken_over()
    {
        CudaStream stream = NewStream();
        var exec = new GraphExec(Chain(Note("a")));
        Assert.Equal(UpdateResult.TopologyChanged, exec.Update(Chain(Note("b"), Note("c"))).Result);
        exec.Launch(stream);
        stream.Synchronize();
        Assert.Equal("a", Log);
    }

    [Fact]
    public void Other_dependencies_cannot_be_taken_over()
    {
        (CudaStream origin, CudaStream other) = (NewStream(), NewStream());
        (CudaEvent fork, CudaEvent join) = (NewEvent(), NewEvent());
        origin.BeginCapture(CaptureMode.Relaxed);
        fork.Record(origin);
        origin.Add(Note("a"));
        other.WaitFor(fork);
        other.Add(Note("b"));
        join.Record(other);
        origin.WaitFor(join);
        CudaGraph parallel = origin.EndCapture();
        (UpdateResult result, GraphNode? node) = new GraphExec(Chain(Note("a"), Note("b"))).Update(parallel);
        Assert.Equal(UpdateResult.TopologyChanged, result);
        Assert.Same(parallel.Nodes[1], node);
    }

    [Fact]
    public void Another_kind_of_work_cannot_be_taken_over()
    {
        ulong address = Context.Allocate(64);
        Place place = Cuda.Memory.Locate(address, 64, "memory");
        CudaGraph changed = Chain(new FillWork(place, 0, 1, 64));
        (UpdateResult result, GraphNode? node) = new GraphExec(Chain(Note("a"))).Update(changed);
        Assert.Equal(UpdateResult.NodeTypeChanged, result);
        Assert.Same(changed.Nodes[0], node);
    }

    [Fact]
    public void A_copy_keeps_its_direction()
    {
        ulong device = Context.Allocate(64), host = Cuda.PageLocked.Allocate(64);
        (Place d, Place h) = (Cuda.Memory.Locate(device, 64, ""), Cuda.Memory.Locate(host, 64, ""));
        var exec = new GraphExec(Chain(new CopyWork(d, h, 64)));
        Assert.Equal(UpdateResult.Success, exec.Update(Chain(new CopyWork(d, h, 32))).Result);
        Assert.Equal(UpdateResult.ParametersChanged, exec.Update(Chain(new CopyWork(h, d, 64))).Result);
    }
}
