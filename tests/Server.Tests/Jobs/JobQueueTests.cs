using Handwritten.Runtime.Transcription;
using Handwritten.Server.Jobs;
using Handwritten.Server.Requests;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

public sealed class JobQueueTests
{
    private readonly JobQueue _queue = new();

    [Fact]
    public async Task Clients_take_turns_however_many_jobs_one_of_them_has()
    {
        Job[] many = [JobOf("A"), JobOf("A"), JobOf("A")];
        Job late = JobOf("B"), later = JobOf("B");
        Add([.. many, late, later]);
        Assert.Equal([many[0], late, many[1], later, many[2]], await TakeAsync(5));
    }

    [Fact]
    public async Task A_client_that_comes_back_takes_its_turn_behind_those_who_wait()
    {
        Job[] many = [JobOf("A"), JobOf("A"), JobOf("A")];
        Job first = JobOf("B"), second = JobOf("B");
        Add([.. many, first]);
        Assert.Equal([many[0], first], await TakeAsync(2));
        Add(second);
        Assert.Equal([many[1], second, many[2]], await TakeAsync(3));
    }

    [Fact]
    public async Task Who_is_waited_for_comes_first_and_loses_that_when_nobody_waits_any_more()
    {
        Job bulk = JobOf("A"), awaited = JobOf("B"), given = JobOf("B");
        (awaited.IsAwaited, given.IsAwaited) = (true, true);
        Add(bulk, given, awaited);
        given.IsAwaited = false;
        _queue.Renew(given);
        Assert.Equal([awaited, bulk, given], await TakeAsync(3));
    }

    [Fact]
    public async Task A_place_for_who_is_waited_for_is_kept_for_them()
    {
        Add(JobOf("A"));
        Task<Job?> place = _queue.TakeAsync(onlyAwaited: true);
        Job awaited = JobOf("A");
        awaited.IsAwaited = true;
        Assert.False(place.IsCompleted);
        Add(awaited);
        Assert.Same(awaited, await place);
    }

    [Fact]
    public async Task A_client_has_no_more_places_than_are_allowed_until_it_gives_one_back()
    {
        JobQueue queue = new(mostOfClient: 1);
        Job first = JobOf("A"), second = JobOf("A"), other = JobOf("B");
        queue.Add(first);
        queue.Add(second);
        queue.Add(other);
        Assert.Same(first, await queue.TakeAsync(onlyAwaited: false));
        Assert.Same(other, await queue.TakeAsync(onlyAwaited: false));
        Task<Job?> next = queue.TakeAsync(onlyAwaited: false);
        Assert.False(next.IsCompleted);
        queue.Leave(first);
        Assert.Same(second, await next);
    }

    [Fact]
    public async Task Jobs_for_which_nobody_waits_leave_places_to_others_and_to_those_somebody_waits_for()
    {
        JobQueue queue = new(mostInBulk: 1);
        Job first = JobOf("A"), second = JobOf("A"), other = JobOf("B"), awaited = JobOf("A");
        awaited.IsAwaited = true;
        queue.Add(first);
        queue.Add(second);
        Assert.Same(first, await queue.TakeAsync(onlyAwaited: false));
        Task<Job?> next = queue.TakeAsync(onlyAwaited: false);
        Assert.False(next.IsCompleted);
        queue.Add(other);
        Assert.Same(other, await next);
        queue.Add(awaited);
        Assert.Same(awaited, await queue.TakeAsync(onlyAwaited: false));
        next = queue.TakeAsync(onlyAwaited: false);
        queue.Leave(awaited);
        Assert.False(next.IsCompleted);
        queue.Leave(first);
        Assert.Same(second, await next);
    }

    [Fact]
    public async Task A_job_that_has_ended_is_not_given_out_and_a_closed_queue_ends()
    {
        Job cancelled = JobOf("A"), other = JobOf("A");
        Add(cancelled, other);
        cancelled.Cancel(DateTimeOffset.UnixEpoch);
        Assert.Equal([other], await TakeAsync(1));
        Task<Job?> next = _queue.TakeAsync(onlyAwaited: false);
        _queue.Close();
        Assert.Null(await next);
    }

    private static Job JobOf(string client) => new(
        client, new JobOrder(new TranscriptionRequest { Options = new TranscriptionOptions() }), new RemoteInput(new Uri("http://a.example"), new Dictionary<string, string>()),
        webhook: null, DateTimeOffset.UnixEpoch);

    private void Add(params Job[] jobs) => Array.ForEach(jobs, _queue.Add);

    private async Task<IReadOnlyList<Job>> TakeAsync(int count)
    {
        List<Job> taken = [];
        for (int i = 0; i < count; i++)
        {
            taken.Add((await _queue.TakeAsync(onlyAwaited: false))!);
        }

        return taken;
    }
}
