using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class EventTests : DriverFixture
{
    [Fact]
    public void A_stream_waits_for_an_event_of_another()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        CudaEvent done = NewEvent();
        a.Add(Note("a"));
        done.Record(a);
        b.WaitFor(done);
        b.Add(Note("b"));
        b.Synchronize();
        Assert.Equal("a b", Log);
    }

    [Fact]
    public void Without_the_wait_the_other_stream_comes_first()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        a.Add(Note("a"));
        b.Add(Note("b"));
        b.Synchronize();
        Assert.Equal("b", Log);
    }

    [Fact]
    public void What_is_waited_for_is_the_record_at_the_time_of_the_call()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        CudaEvent done = NewEvent();
        a.Add(Note("a1"));
        done.Record(a);
        b.WaitFor(done);
        a.Add(Note("a2"));
        done.Record(a);
        b.Add(Note("b"));
        b.Synchronize();
        Assert.Equal("a1 b", Log);
    }

    [Fact]
    public void An_event_never_recorded_is_done_and_nobody_waits_for_it()
    {
        CudaEvent never = NewEvent();
        Assert.True(never.Query());
        never.Synchronize();
        CudaStream stream = NewStream();
        stream.WaitFor(never);
        Assert.True(stream.Query());
    }

    [Fact]
    public void Synchronising_an_event_waits_for_what_came_before_it_only()
    {
        CudaStream stream = NewStream();
        CudaEvent middle = NewEvent();
        stream.Add(Note("before"));
        middle.Record(stream);
        stream.Add(Note("after"));
        middle.Synchronize();
        Assert.Equal("before", Log);
        Assert.True(middle.Query());
    }

    [Fact]
    public void Elapsed_time_is_that_between_the_places_reached()
    {
        CudaStream stream = NewStream();
        (CudaEvent start, CudaEvent end) = (NewEvent(), NewEvent());
        start.Record(stream);
        stream.Add(new TestWork(() => Thread.Sleep(20)));
        end.Record(stream);
        end.Synchronize();
        Assert.InRange(CudaEvent.Elapsed(start, end).TotalMilliseconds, 19, 10_000);
        Assert.InRange(CudaEvent.Elapsed(end, start).TotalMilliseconds, -10_000, -19);
    }

    [Fact]
    public void Elapsed_time_needs_two_places_reached_and_timed()
    {
        CudaStream stream = NewStream();
        (CudaEvent start, CudaEvent end, CudaEvent untimed) = (NewEvent(), NewEvent(), NewEvent(hasTiming: false));
        start.Record(stream);
        Fails(CudaResult.InvalidHandle, () => CudaEvent.Elapsed(start, end));
        using var gate = new ManualResetEventSlim();
        stream.Add(new TestWork(gate.Wait));
        end.Record(stream);
        untimed.Record(stream);
        Fails(CudaResult.NotReady, () => CudaEvent.Elapsed(start, end));
        gate.Set();
        stream.Synchronize();
        Fails(CudaResult.InvalidHandle, () => CudaEvent.Elapsed(start, untimed));
        Assert.True(CudaEvent.Elapsed(start, end) >= TimeSpan.Zero);
    }

    [Fact]
    public void An_event_is_recorded_in_streams_of_its_context()
    {
        CudaContext other = CudaContext.Create(Cuda, Cuda.Devices[0], 0);
        Fails(CudaResult.InvalidHandle, () => NewEvent().Record(other.LegacyStream));
    }
}
