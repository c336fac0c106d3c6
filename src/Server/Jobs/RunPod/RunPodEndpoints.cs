using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Operation;

namespace Handwritten.Server.Jobs.RunPod;

/// <summary>
/// Jobs in the shape of RunPod's serverless API, <c>{"input": {"audio_url": ...}}</c>, so that what was written for it works with this
/// server as it is: also below <c>/v2/ENDPOINT</c>, where RunPod's clients look for it. There is one endpoint, whatever it is called.
/// Source: RunPod's documentation, "Operation reference".
/// </summary>
internal static class RunPodEndpoints
{
    private const string Tag = "Serverless (RunPod's shape)";
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    public static void Map(IEndpointRouteBuilder clients)
    {
        Map(clients, "");
        Map(clients, "/v2/{endpoint}").ExcludeFromDescription();
    }

    /// <summary>Adds what RunPod asks a worker, without a key, before it sends requests: 200 if it takes some, 204 if it will soon.</summary>
    public static void MapPing(IEndpointRouteBuilder everybody) => everybody
        .MapGet("/ping", (Readiness readiness) => Results.StatusCode(readiness.Status switch
        {
            _ when readiness.IsReady => StatusCodes.Status200OK,
            "loading" => StatusCodes.Status204NoContent,
            _ => StatusCodes.Status503ServiceUnavailable,
        }))
        .WithTags(Tag).WithSummary("Whether the server takes requests: 200, or 204 if it will soon.").Produces(StatusCodes.Status200OK).Produces(StatusCodes.Status204NoContent);

    private static RouteGroupBuilder Map(IEndpointRouteBuilder clients, string prefix)
    {
        RouteGroupBuilder group = clients.MapGroup(prefix);
        group.WithTags(Tag).ProducesErrors();
        group.MapPost("/run", async (HttpContext context, JobIntake intake) => Answer(await intake.TakeRunPodAsync(context, isAwaited: false)))
            .WithSummary("Hand in a recording.").Accepts<RunPodBody>("application/json").Produces<RunPodAnswer>();
        group.MapPost("/runsync", RunSyncAsync)
            .WithSummary("Hand in a recording and wait for the answer, ?wait=MILLISECONDS at most (90,000 if left out).").Accepts<RunPodBody>("application/json").Produces<RunPodAnswer>();
        group.MapMethods("/status/{id}", [HttpMethods.Get, HttpMethods.Post], (string id, HttpContext context, JobStore jobs) => Answer(jobs.Find(id, Client.Of(context).Name)))
            .WithSummary("How far a job is.").Produces<RunPodAnswer>();
        group.MapMethods("/stream/{id}", [HttpMethods.Get, HttpMethods.Post], (string id, HttpContext context, JobStore jobs) => Stream(jobs.Find(id, Client.Of(context).Name)))
            .WithSummary("The segments that have come since the last call.").Produces<RunPodPieces>();
        group.MapPost("/cancel/{id}", Cancel).WithSummary("Take a job back.").Produces<RunPodAnswer>();
        group.MapPost("/purge-queue", PurgeQueue).WithSummary("Take back all jobs of this client that wait.").Produces<RunPodPurge>();
        group.MapGet("/health", Health).WithSummary("This client's jobs, counted, and whether the server is busy.").Produces<RunPodHealth>();
        return group;
    }

    private static async Task<IResult> RunSyncAsync(HttpContext context, JobIntake intake, JobStore jobs, TimeProvider time, int wait = 90_000)
    {
        TimeSpan patience = TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, LongestWait.TotalMilliseconds));
        Job job = await intake.TakeRunPodAsync(context, isAwaited: patience > TimeSpan.Zero);
        try
        {
            await job.Ended.WaitAsync(patience, time, context.RequestAborted);
        }
        catch (TimeoutException)
        {
            jobs.Leave(job); // the answer says that it is under way; /status/ID has the rest
        }
        catch (OperationCanceledException)
        {
            job.Cancel(time.GetUtcNow()); // nobody waits any more
            throw;
        }

        return Answer(job);
    }

    private static IResult Cancel(string id, HttpContext context, JobStore jobs, TimeProvider time)
    {
        Job job = jobs.Find(id, Client.Of(context).Name);
        job.Cancel(time.GetUtcNow());
        return Answer(job);
    }

    private static IResult Stream(Job job)
    {
        string status = RunPodAnswer.StatusOf(job); // before the segments: a status that is final has nothing behind it
        return Results.Json(new RunPodPieces(status, [.. job.TakeHeard().Select(segment => new RunPodPiece(SegmentAnswer.Of(segment)))]), Json.Options);
    }

    private static IResult PurgeQueue(HttpContext context, JobStore jobs, TimeProvider time)
    {
        Job[] waiting = [.. jobs.Of(Client.Of(context).Name).Where(job => job.Status == JobStatus.Queued)];
        foreach (Job job in waiting)
        {
            job.Cancel(time.GetUtcNow());
        }

        return Results.Json(new RunPodPurge(waiting.Length), Json.Options);
    }

    private static IResult Health(HttpContext context, JobStore jobs, ModelCatalogue models, Readiness readiness)
    {
        ILookup<JobStatus, Job> own = jobs.Of(Client.Of(context).Name).ToLookup(job => job.Status);
        bool isReady = readiness.IsReady, isBusy = models.All.Any(host => host.Loaded?.Engine.Statistics.Active > 0);
        return Results.Json(
            new RunPodHealth(
                new RunPodJobs(own[JobStatus.Succeeded].Count(), own[JobStatus.Failed].Count(), own[JobStatus.Running].Count(), own[JobStatus.Queued].Count()),
                new RunPodWorkers(
                    Idle: Count(isReady && !isBusy), Initializing: Count(readiness.Status == "loading"), Ready: Count(isReady), Running: Count(isReady && isBusy),
                    Throttled: 0, Unhealthy: Count(readiness.Status == "failed"))),
            Json.Options);
    }

    private static int Count(bool isSo) => isSo ? 1 : 0;

    private static IResult Answer(Job job) => Results.Json(RunPodAnswer.Of(job), Json.Options);
}
