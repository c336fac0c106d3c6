using Handwritten.Runtime.Serving;
using Handwritten.Server.Uploads;
using Xunit;

namespace Handwritten.Server.Tests.Uploads;

/// <summary>Whose recording is decoded next.</summary>
public sealed class DecodingTurnsTests
{
    [Fact]
    public async Task Who_waits_for_an_answer_goes_before_bulk_work_and_clients_take_turns()
    {
        DecodingTurns turns = Turns(places: 1);
        IDisposable first = await TakeAsync(turns, "a");
        List<string> order = [];
        Task[] waiting =
        [
            WaitAsync("bulk", RequestPriority.Bulk), WaitAsync("a"), WaitAsync("a"), WaitAsync("a"), WaitAsync("b"),
        ];
        Assert.Equal([0, 4, 1], turns.Waiting);
        first.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal("bulk", order[^1]);
        Assert.InRange(order.IndexOf("b"), 0, 1);
        Assert.Equal([0, 0, 0], turns.Waiting);

        async Task WaitAsync(string client, RequestPriority priority = RequestPriority.Interactive)
        {
            using IDisposable turn = await turns.TakeAsync(priority, client, isLong: false, bytes: 0, CancellationToken.None);
            order.Add(client);
        }
    }

    [Fact]
    public async Task A_short_command_overtakes_the_large_files_of_its_own_client_alone()
    {
        DecodingTurns turns = Turns(places: 1);
        IDisposable first = await TakeAsync(turns, "a");
        List<string> order = [];
        Task[] waiting = [WaitAsync("b", 30 << 20), WaitAsync("a", 20 << 20), WaitAsync("a", 10 << 20), WaitAsync("a", 100_000)];
        first.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal(["b 30", "a 0", "a 10", "a 20"], order);

        async Task WaitAsync(string client, long bytes)
        {
            using IDisposable turn = await TakeAsync(turns, client, bytes: bytes);
            order.Add($"{client} {bytes >> 20}");
        }
    }

    [Fact]
    public async Task Long_recordings_never_have_all_places()
    {
        DecodingTurns turns = Turns(places: 2);
        IDisposable first = await TakeAsync(turns, "a", isLong: true);
        Task<IDisposable> second = TakeAsync(turns, "b", isLong: true);
        (await TakeAsync(turns, "a")).Dispose();
        (await TakeAsync(turns, "a")).Dispose();
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task Where_there_is_one_place_long_recordings_take_it()
    {
        DecodingTurns turns = Turns(places: 1);
        (await TakeAsync(turns, "a", isLong: true)).Dispose();
    }

    [Fact]
    public async Task Who_leaves_waits_no_more_and_holds_nothing()
    {
        DecodingTurns turns = Turns(places: 1);
        IDisposable first = await TakeAsync(turns, "a");
        using CancellationTokenSource leaving = new();
        Task<IDisposable> gone = turns.TakeAsync(RequestPriority.Interactive, "b", isLong: false, bytes: 0, leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Assert.Equal([0, 0, 0], turns.Waiting);
        first.Dispose();
        first.Dispose(); // which is no second place
        IDisposable next = await TakeAsync(turns, "c");
        Assert.False(TakeAsync(turns, "d").IsCompleted);
        next.Dispose();
    }

    [Fact]
    public async Task Too_many_of_a_client_are_told_when_to_come_back_and_bulk_work_is_not()
    {
        DecodingTurns turns = Turns(places: 1, most: 3, mostOfClient: 2);
        IDisposable first = await TakeAsync(turns, "a");
        List<Task<IDisposable>> waiting = [TakeAsync(turns, "a"), TakeAsync(turns, "a")];
        EngineBusyException refused = await Assert.ThrowsAsync<EngineBusyException>(() => TakeAsync(turns, "a"));
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        waiting.Add(TakeAsync(turns, "b"));
        await Assert.ThrowsAsync<EngineBusyException>(() => TakeAsync(turns, "c")); // three wait, and no more may
        waiting.AddRange(Enumerable.Range(0, 5).Select(_ => turns.TakeAsync(RequestPriority.Bulk, "a", isLong: false, bytes: 0, CancellationToken.None)));
        first.Dispose();
        while (waiting.Count > 0)
        {
            Task<IDisposable> next = await Task.WhenAny(waiting);
            waiting.Remove(next);
            (await next).Dispose();
        }
    }

    private static DecodingTurns Turns(int places, int most = 100, int mostOfClient = 100) => new(
        new ServerOptions { Models = [RunningServer.DemoModel(new EngineOptions { MaxRequests = most, MaxRequestsPerClient = mostOfClient })], DecodingProcesses = places }, TimeProvider.System);

    private static Task<IDisposable> TakeAsync(DecodingTurns turns, string client, bool isLong = false, long bytes = 0) =>
        turns.TakeAsync(RequestPriority.Interactive, client, isLong, bytes, CancellationToken.None);
}
