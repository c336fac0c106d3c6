using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class CaptureTests : DriverFixture
{
    private static CudaGraph Captured(CudaStream stream, Action body, CaptureMode mode = CaptureMode.ThreadLocal)
    {
        stream.BeginCapture(mode);
        body();
        return stream.EndCapture();
    }

    [Fact]
    public void Captured_work_does_not_run_until_the_graph_is_launched_and_then_every_time()
    {
        CudaStream stream = NewStream();
        CudaGraph graph = Captured(stream, () =>
        {
            Assert.Equal(CaptureStatus.Active, stream.CaptureStatus);
            stream.Add(Note("a"));
            stream.Add(Note("b"));
        });
        Assert.Equal(CaptureStatus.None, stream.CaptureStatus);
        Assert.Equal(2, graph.Nodes.Count);
        stream.Synchronize();
        Assert.Equal("", Log);
        var exec = new GraphExec(graph);
        exec.Launch(stream);
        exec.Launch(stream);
        stream.Synchronize();
        Assert.Equal("a b a b", Log);
    }

    [Fact]
    public void A_fork_and_a_join_become_branches()
    {
        (CudaStream origin, CudaStream other) = (NewStream(), NewStream());
        (CudaEvent fork, CudaEvent join) = (NewEvent(), NewEvent());
        CudaGraph graph = Captured(origin, () =>
        {
            origin.Add(Note("a"));
            fork.Record(origin);
            origin.Add(Note("b"));
            other.WaitFor(fork);
            Assert.Equal(CaptureStatus.Active, other.CaptureStatus);
            other.Add(Note("c"));
            join.Record(other);
            origin.WaitFor(join);
            origin.Add(Note("d"));
        });
        Assert.Equal(CaptureStatus.None, other.CaptureStatus);
        List<GraphNode> nodes = [.. graph.Nodes];
        Assert.Equal([[], [0], [0], [1, 2]], nodes.Select(node => node.After.Keys.Select(before => nodes.IndexOf(before)).Order().ToArray()));
        new GraphExec(graph).Launch(origin);
        origin.Synchronize();
        Assert.Equal("a c b d", Log); // of the branches the later one first
    }

    [Fact]
    public void A_launch_within_a_capture_becomes_a_node()
    {
        CudaStream stream = NewStream();
        var inner = new GraphExec(Captured(stream, () => stream.Add(Note("inner"))));
        CudaGraph outer = Captured(stream, () =>
        {
            stream.Add(Note("before"));
            inner.Launch(stream);
        });
        Assert.Equal([NodeKind.Kernel, NodeKind.Graph], outer.Nodes.Select(node => node.Work.Kind));
        new GraphExec(outer).Launch(stream);
        stream.Synchronize();
        Assert.Equal("before inner", Log);
    }

    [Fact]
    public void Launches_of_one_graph_follow_each_other_in_whatever_streams()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        int running = 0, most = 0;
        var exec = new GraphExec(Captured(a, () => a.Add(new TestWork(() => most = Math.Max(most, ++running)))));
        exec.Launch(a);
        a.Add(new TestWork(() => running--));
        exec.Launch(b);
        b.Synchronize();
        Assert.Equal(2, most); // the second launch followed the first, but not what came after that in its stream
        a.Synchronize();
    }

    [Fact]
    public void A_stream_is_captured_once_at_a_time_and_the_default_stream_never()
    {
        CudaStream stream = NewStream();
        Fails(CudaResult.IllegalState, () => stream.EndCapture());
        Fails(CudaResult.StreamCaptureUnsupported, () => Context.LegacyStream.BeginCapture(CaptureMode.Relaxed));
        Fails(CudaResult.InvalidValue, () => stream.BeginCapture((CaptureMode)3));
        stream.BeginCapture(CaptureMode.Relaxed);
        Fails(CudaResult.IllegalState, () => stream.BeginCapture(CaptureMode.Relaxed));
        Assert.Empty(stream.EndCapture().Nodes);
    }

    [Theory]
    [InlineData("synchronize")]
    [InlineData("query")]
    [InlineData("copy and wait")]
    public void To_wait_for_a_capturing_stream_spoils_the_capture(string call)
    {
        CudaStream stream = NewStream();
        stream.BeginCapture(CaptureMode.Relaxed);
        Fails(CudaResult.StreamCaptureUnsupported, call switch
        {
            "synchronize" => stream.Synchronize,
            "query" => () => stream.Query(),
            _ => () => stream.AddAndWait(new EmptyWork()),
        });
        Assert.Equal(CaptureStatus.Invalidated, stream.CaptureStatus);
        Fails(CudaResult.StreamCaptureInvalidated, () => stream.Add(Note("a")));
        Fails(CudaResult.StreamCaptureInvalidated, () => stream.EndCapture());
        Assert.Equal(CaptureStatus.None, stream.CaptureStatus);
        stream.Add(Note("b"));
        stream.Synchronize();
        Assert.Equal("b", Log);
    }

    [Fact]
    public void To_wait_for_an_event_recorded_in_a_capture_spoils_it()
    {
        CudaStream stream = NewStream();
        CudaEvent @event = NewEvent();
        stream.BeginCapture(CaptureMode.Relaxed);
        @event.Record(stream);
        Fails(CudaResult.CapturedEvent, @event.Synchronize);
        Fails(CudaResult.StreamCaptureInvalidated, () => stream.EndCapture());
    }

    [Fact]
    public void The_default_stream_must_rest_while_a_blocking_stream_captures()
    {
        CudaStream blocking = NewStream(isBlocking: true), other = NewStream();
        other.BeginCapture(CaptureMode.Relaxed);
        Context.LegacyStream.Add(Note("a"));
        blocking.BeginCapture(CaptureMode.Relaxed);
        Fails(CudaResult.StreamCaptureImplicit, () => Context.LegacyStream.Add(Note("b")));
        Fails(CudaResult.StreamCaptureInvalidated, () => blocking.EndCapture());
        other.EndCapture();
    }

    [Fact]
    public void A_capture_takes_no_event_from_outside()
    {
        (CudaStream stream, CudaStream other) = (NewStream(), NewStream());
        CudaEvent outside = NewEvent();
        outside.Record(other);
        stream.BeginCapture(CaptureMode.Relaxed);
        Fails(CudaResult.StreamCaptureIsolation, () => stream.WaitFor(outside));
        Fails(CudaResult.StreamCaptureInvalidated, () => stream.EndCapture());
    }

    [Fact]
    public void Two_captures_do_not_mix()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        CudaEvent @event = NewEvent();
        a.BeginCapture(CaptureMode.Relaxed);
        b.BeginCapture(CaptureMode.Relaxed);
        @event.Record(a);
        Fails(CudaResult.StreamCaptureMerge, () => b.WaitFor(@event));
        Fails(CudaResult.StreamCaptureInvalidated, () => a.EndCapture());
        Fails(CudaResult.StreamCaptureInvalidated, () => b.EndCapture());
    }

    [Fact]
    public void A_capture_ends_where_it_began_with_all_its_streams_joined()
    {
        (CudaStream origin, CudaStream other) = (NewStream(), NewStream());
        CudaEvent fork = NewEvent();
        origin.BeginCapture(CaptureMode.Relaxed);
        fork.Record(origin);
        other.WaitFor(fork);
        other.Add(Note("c"));
        Fails(CudaResult.StreamCaptureUnmatched, () => other.EndCapture());
        Fails(CudaResult.StreamCaptureUnjoined, () => origin.EndCapture());
        Assert.Equal(CaptureStatus.None, other.CaptureStatus);
        Fails(CudaResult.CapturedEvent, () => other.WaitFor(fork));
    }

    [Fact]
    public void A_capture_ends_in_the_thread_that_began_it_unless_it_is_relaxed()
    {
        CudaStream stream = NewStream();
        foreach ((CaptureMode mode, CudaResult expected) in new[]
        {
            (CaptureMode.Global, CudaResult.StreamCaptureWrongThread),
            (CaptureMode.ThreadLocal, CudaResult.StreamCaptureWrongThread),
            (CaptureMode.Relaxed, CudaResult.Success),
        })
        {
            stream.BeginCapture(mode);
            var result = CudaResult.Success;
            var thread = new Thread(() =>
            {
                try
                {
                    stream.EndCapture();
                }
                catch (CudaException e)
                {
                    result = e.Result;
                }
            });
            thread.Start();
            thread.Join();
            Assert.Equal(expected, result);
            if (expected != CudaResult.Success)
                stream.EndCapture();
        }
    }

    [Fact]
    public void A_capture_goes_with_the_stream_that_it_began_in()
    {
        (CudaStream origin, CudaStream other) = (NewStream(), NewStream());
        CudaEvent fork = NewEvent();
        origin.BeginCapture(CaptureMode.Global);
        fork.Record(origin);
        other.WaitFor(fork);
        Context.DestroyStream(origin);
        Cuda.RefuseDuringCapture("cuMemAlloc");
        other.Add(Note("a"));
        other.Synchronize();
        Assert.Equal("a", Log);
    }

    [Theory]
    [InlineData(CaptureMode.Global, CaptureMode.Global, true, true)]
    [InlineData(CaptureMode.ThreadLocal, CaptureMode.Global, true, false)]
    [InlineData(CaptureMode.Relaxed, CaptureMode.Global, false, false)]
    [InlineData(CaptureMode.Global, CaptureMode.ThreadLocal, true, false)]
    [InlineData(CaptureMode.Global, CaptureMode.Relaxed, false, false)]
    internal void Calls_that_might_synchronise_are_refused_as_the_modes_say(
        CaptureMode capture, CaptureMode thread, bool isRefusedHere, bool isRefusedElsewhere)
    {
        Assert.Equal(isRefusedHere, IsRefused(here: true));
        Assert.Equal(isRefusedElsewhere, IsRefused(here: false));

        bool IsRefused(bool here)
        {
            CudaStream stream = NewStream();
            stream.BeginCapture(capture);
            bool isRefused = false;
            var caller = new Thread(Call);
            if (here)
            {
                Call();
            }
            else
            {
                caller.Start();
                caller.Join();
            }
            Assert.Equal(isRefused ? CaptureStatus.Invalidated : CaptureStatus.Active, stream.CaptureStatus);
            Context.DestroyStream(stream);
            return isRefused;

            void Call()
            {
                Cuda.ThreadCaptureMode = thread;
                try
                {
                    Cuda.RefuseDuringCapture("cuMemAlloc");
                }
                catch (CudaException e) when (e.Result == CudaResult.StreamCaptureUnsupported)
                {
                    isRefused = true;
                }
                Cuda.ThreadCaptureMode = CaptureMode.Global;
            }
        }
    }
}
