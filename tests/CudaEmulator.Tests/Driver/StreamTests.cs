using System.Diagnostics;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class StreamTests : DriverFixture
{
    [Fact]
    public void Work_in_a_stream_runs_in_order()
    {
        CudaStream stream = NewStream();
        for (int i = 0; i < 100; i++)
            stream.Add(Note($"{i}"));
        stream.Synchronize();
        Assert.Equal(string.Join(' ', Enumerable.Range(0, 100)), Log);
    }

    [Fact]
    public void Asking_for_work_does_not_do_it()
    {
        CudaStream stream = NewStream();
        int caller = Environment.CurrentManagedThreadId, worker = caller;
        stream.Add(new TestWork(() => worker = Environment.CurrentManagedThreadId));
        Assert.Equal(caller, worker);
        stream.Synchronize();
        Assert.NotEqual(caller, worker);
    }

    [Fact]
    public void Waiting_for_one_stream_does_not_bring_the_other_on()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        b.Add(Note("b"));
        a.Add(Note("a"));
        a.Synchronize();
        Assert.Equal("a", Log);
        b.Synchronize();
        Assert.Equal("a b", Log);
    }

    [Fact]
    public void Streams_that_owe_each_other_nothing_run_the_latest_first()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        a.Add(Note("a1"));
        b.Add(Note("b1"));
        a.Add(Note("a2"));
        b.Add(Note("b2"));
        Context.Synchronize();
        Assert.Equal("b1 b2 a1 a2", Log);
    }

    [Fact]
    public void Work_that_nobody_waits_for_is_done_in_the_end()
    {
        Cuda.Queue.Grace = TimeSpan.FromMilliseconds(1);
        NewStream().Add(Note("a"));
        Assert.True(SpinWait.SpinUntil(() => Log == "a", TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void Work_that_nobody_waits_for_is_done_in_the_end_though_the_host_keeps_waiting_for_other_work()
    {
        Cuda.Queue.Patience = TimeSpan.FromMilliseconds(10);
        CudaStream other = NewStream();
        NewStream().Add(Note("a"));
        var time = Stopwatch.StartNew();
        while (Log != "a" && time.Elapsed < TimeSpan.FromSeconds(10))
        {
            other.Add(new EmptyWork());
            other.Synchronize();
        }
        Assert.Equal("a", Log);
    }

    [Fact]
    public void Query_tells_whether_work_is_done_and_brings_it_on()
    {
        CudaStream stream = NewStream();
        Assert.True(stream.Query());
        using var gate = new ManualResetEventSlim();
        stream.Add(new TestWork(gate.Wait));
        Assert.False(stream.Query());
        gate.Set();
        Assert.True(SpinWait.SpinUntil(stream.Query, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void Blocking_streams_wait_for_the_default_stream_and_it_for_them()
    {
        CudaStream blocking = NewStream(isBlocking: true);
        blocking.Add(Note("a"));
        Context.LegacyStream.Add(Note("default"));
        blocking.Add(Note("b"));
        blocking.Synchronize();
        Assert.Equal("a default b", Log);
    }

    [Fact]
    public void Non_blocking_streams_do_not_wait_for_the_default_stream()
    {
        CudaStream stream = NewStream();
        Context.LegacyStream.Add(Note("default"));
        stream.Add(Note("a"));
        stream.Synchronize();
        Assert.Equal("a", Log);
    }

    [Fact]
    public void Synchronising_the_default_stream_waits_for_the_blocking_ones()
    {
        NewStream(isBlocking: true).Add(Note("blocking"));
        NewStream().Add(Note("other"));
        Context.LegacyStream.Synchronize();
        Assert.Equal("blocking", Log);
        Assert.True(Context.LegacyStream.Query());
    }

    [Fact]
    public void The_threads_own_default_stream_is_one_a_thread()
    {
        CudaStream own = Context.PerThreadStream;
        CudaStream? other = null;
        var thread = new Thread(() => other = Context.PerThreadStream);
        thread.Start();
        thread.Join();
        Assert.Same(own, Context.PerThreadStream);
        Assert.NotSame(own, other);
    }

    [Fact]
    public void A_destroyed_stream_still_does_what_it_was_asked_for()
    {
        CudaStream stream = NewStream();
        stream.Add(Note("a"));
        Context.DestroyStream(stream);
        Context.Synchronize();
        Assert.Equal("a", Log);
    }

    [Fact]
    public void The_default_stream_waits_for_the_work_of_destroyed_streams_too()
    {
        CudaStream stream = NewStream(isBlocking: true);
        stream.Add(Note("a"));
        Context.DestroyStream(stream);
        Context.LegacyStream.Add(Note("default"));
        Context.LegacyStream.Synchronize();
        Assert.Equal("a default", Log);
    }

    [Fact]
    public void A_fault_is_reported_by_every_later_call_and_nothing_runs_any_more()
    {
        CudaStream stream = NewStream();
        stream.Add(Note("before"));
        stream.Add(Fault(CudaResult.IllegalAddress));
        stream.Add(Note("after"));
        Fails(CudaResult.IllegalAddress, stream.Synchronize);
        Assert.Equal("planted", Fails(CudaResult.IllegalAddress, () => _ = Cuda.Current).Message);
        Fails(CudaResult.IllegalAddress, NewStream().Synchronize);
        Assert.Equal("before", Log);
        Context.Destroy();
    }

    [Fact]
    public void A_fault_leaves_other_contexts_alone()
    {
        CudaContext other = CudaContext.Create(Cuda, Cuda.Devices[0], 0);
        NewStream().Add(Fault(CudaResult.LaunchFailed));
        Fails(CudaResult.LaunchFailed, Context.Synchronize);
        CudaStream stream = other.CreateStream(false, 0);
        stream.Add(Note("other"));
        stream.Synchronize();
        Assert.Equal("other", Log);
    }

    [Fact]
    public void A_mistake_of_the_emulator_becomes_an_error_code()
    {
        CudaStream stream = NewStream();
        stream.Add(new TestWork(() => throw new InvalidOperationException("planted")));
        Assert.Contains("planted", Fails(CudaResult.Unknown, stream.Synchronize).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Many_threads_may_use_streams_at_once()
    {
        int sum = 0;
        Parallel.For(0, 8, _ =>
        {
            CudaStream stream = NewStream();
            for (int i = 0; i < 200; i++)
                stream.Add(new TestWork(() => sum++)); // one worker: needs no lock
            stream.Synchronize();
            Context.DestroyStream(stream);
        });
        Assert.Equal(1600, sum);
    }
}
