using System.Text.Json;
using System.Text.Json.Serialization;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Jobs;

/// <summary>
/// Jobs in the shape of RunPod's serverless API, <c>{"input": {"audio_url": ...}}</c>, so that what was written for it works
/// with this server as it is.
/// </summary>
internal static class RunPodEndpoints
{
    private const string Tag = "Serverless (RunPod's shape)";
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    public static void Map(IEndpointRouteBuilder clients)
    {
        RouteGroupBuilder group = clients.MapGroup("");
        group.WithTags(Tag).ProducesErrors();
        group.MapPost("/run", async (HttpContext context, JobIntake intake) => Answer(await TakeAsync(context, intake)))
            .WithSummary("Hand in a recording.").Accepts<RunPodBody>("application/json").Produces<RunPodAnswer>();
        group.MapPost("/runsync", RunSyncAsync)
            .WithSummary("Hand in a recording and wait for the answer, ?wait=MILLISECONDS at most (90,000 if left out).").Accepts<RunPodBody>("application/json").Produces<RunPodAnswer>();
        group.MapGet("/status/{id}", (string id, HttpContext context, JobStore jobs) => Answer(jobs.Find(id, Client.Of(context).Name)))
            .WithSummary("How far a job is.").Produces<RunPodAnswer>();
        group.MapPost("/cancel/{id}", (string id, HttpContext context, JobStore jobs, TimeProvider time) =>
        {
            Job job = jobs.Find(id, Client.Of(context).Name);
            job.Cancel(time.GetUtcNow());
            return Answer(job);
        }).WithSummary("Take a job back.").Produces<RunPodAnswer>();
    }

    private static async Task<IResult> RunSyncAsync(HttpContext context, JobIntake intake, TimeProvider time, int wait = 90_000)
    {
        Job job = await TakeAsync(context, intake);
        TimeSpan patience = TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, LongestWait.TotalMilliseconds));
        try
        {
            await job.Ended.WaitAsync(patience, time, context.RequestAborted);
        }
        catch (TimeoutException)
        {
            // The answer says that it is under way; /status/ID has the rest.
        }
        catch (OperationCanceledException)
        {
            job.Cancel(time.GetUtcNow()); // nobody waits any more
            throw;
        }

        return Answer(job);
    }

    private static async Task<Job> TakeAsync(HttpContext context, JobIntake intake)
    {
        JsonElement json = await JsonFields.ReadAsync(context.Request, context.RequestAborted);
        return json.TryGetProperty("input", out JsonElement input) && input.ValueKind == JsonValueKind.Object
            ? await intake.TakeJsonAsync(context, input, JsonFields.Text(json, "webhook"), RunPodAnswer.Of)
            : throw ApiException.BadField("input", "There is no input: send {\"input\": {\"audio_url\": ...}}.");
    }

    private static IResult Answer(Job job) => Results.Json(RunPodAnswer.Of(job), Json.Options);
}

/// <summary>What RunPod's API takes.</summary>
/// <param name="Input">As for /v1/jobs.</param>
/// <param name="Webhook">What is told when the job has ended.</param>
internal sealed record RunPodBody(JobBody Input, string? Webhook);

/// <summary>What RunPod's API answers. Times are milliseconds.</summary>
/// <param name="Id">The job's name.</param>
/// <param name="Status"><c>IN_QUEUE</c>, <c>IN_PROGRESS</c>, <c>COMPLETED</c>, <c>FAILED</c> or <c>CANCELLED</c>.</param>
/// <param name="Output">What was said.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="DelayTime">How long it waited.</param>
/// <param name="ExecutionTime">How long it took.</param>
public sealed record RunPodAnswer(
    string Id,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] VerboseTranscriptionAnswer? Output,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: JsonPropertyName("delayTime"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? DelayTime,
    [property: JsonPropertyName("executionTime"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? ExecutionTime)
{
    internal static RunPodAnswer Of(Job job) => new(
        job.Id,
        job.Status switch
        {
            JobStatus.Queued => "IN_QUEUE",
            JobStatus.Running => "IN_PROGRESS",
            JobStatus.Succeeded => "COMPLETED",
            JobStatus.Failed => "FAILED",
            _ => "CANCELLED",
        },
        job.Result is { } result ? TranscriptionResponses.Verbose(result) : null,
        job.Error?.Message,
        Milliseconds(job.StartedAt - job.CreatedAt),
        Milliseconds(job.EndedAt - job.StartedAt));

    private static long? Milliseconds(TimeSpan? time) => (long?)time?.TotalMilliseconds;
}
