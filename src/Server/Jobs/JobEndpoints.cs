using System.Text.Json.Serialization;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Operation;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Jobs;

/// <summary>Recordings to transcribe while nobody waits: hand them in, look how far they are, fetch what was said.</summary>
internal static class JobEndpoints
{
    private const string Tag = "Jobs";
    private const int UsualOfPage = 20, MostOfPage = 100; // as OpenAI has it

    public static void Map(IEndpointRouteBuilder clients)
    {
        RouteGroupBuilder group = clients.MapGroup("/v1/jobs");
        group.WithTags(Tag).ProducesErrors();
        group.MapPost("", CreateAsync)
            .WithSummary("Hand in a recording: a form as for /v1/audio/transcriptions, or JSON with audio_url or audio_base64; webhook_url is told when it is done.")
            .Accepts<JobBody>("application/json", "multipart/form-data")
            .TakesForm(typeof(TranscriptionForm))
            .Produces<JobAnswer>(StatusCodes.Status202Accepted);
        group.MapGet("", List)
            .WithSummary("The jobs of this client, the newest first (?order=asc: the oldest), without their results: ?limit=20 of them, ?after=ID those behind this one.")
            .Produces<JobList>();
        group.MapGet("/{id}", (string id, HttpContext context, JobStore jobs) => Results.Json(JobAnswer.Of(jobs.Find(id, Client.Of(context).Name)), Json.Options))
            .WithSummary("How far a job is.").Produces<JobAnswer>();
        group.MapGet("/{id}/result", (string id, HttpContext context, JobStore jobs) => Result(jobs.Find(id, Client.Of(context).Name)))
            .WithSummary("What was said, in the format that the job asked for.").ProducesTranscription().Produces<ErrorResponse>(StatusCodes.Status409Conflict);
        group.MapPost("/{id}/cancel", Cancel).WithSummary("Take a job back.").Produces<JobAnswer>();
        group.MapDelete("/{id}", Cancel).WithSummary("Take a job back.").Produces<JobAnswer>();
    }

    private static async Task<IResult> CreateAsync(HttpContext context, JobIntake intake)
    {
        Job job = context.Request.HasJsonContentType()
            ? await intake.TakeJsonAsync(context)
            : await intake.TakeFormAsync(context);
        context.Response.Headers.Location = $"/v1/jobs/{job.Id}";
        return Results.Json(JobAnswer.Of(job), Json.Options, statusCode: StatusCodes.Status202Accepted);
    }

    /// <summary>A page, as OpenAI's lists have them.</summary>
    private static IResult List(HttpContext context, JobStore jobs)
    {
        RequestFields fields = new(context.Request.Query.SelectMany(field => field.Value.Select(value => KeyValuePair.Create(field.Key, value ?? ""))));
        int limit = fields.Integer("limit", 1, MostOfPage) ?? UsualOfPage;
        bool oldestFirst = fields.Choice("order", "asc", "desc") == "asc";
        string client = Client.Of(context).Name;
        Job? after = fields.Text("after") is { } id ? jobs.Find(id, client) : null;
        fields.RefuseUnknown();
        IEnumerable<Job> all = oldestFirst ? jobs.Of(client).Reverse() : jobs.Of(client);
        Job[] rest = [.. after is null ? all : all.SkipWhile(job => job != after).Skip(1)];
        JobAnswer[] page = [.. rest.Take(limit).Select(job => JobAnswer.Of(job) with { Result = null })];
        return Results.Json(new JobList("list", page, page.FirstOrDefault()?.Id, page.LastOrDefault()?.Id, rest.Length > limit), Json.Options);
    }

    private static IResult Result(Job job) => job switch
    {
        { Result: { } result } => TranscriptionResponses.Of(result.Transcription),
        { Error: { } error } => throw error,
        _ => throw new ApiException(StatusCodes.Status409Conflict, $"The job is {job.Status.ToString().ToLowerInvariant()}: there is no result.", code: "job_not_done"),
    };

    private static IResult Cancel(string id, HttpContext context, JobStore jobs, TimeProvider time)
    {
        Job job = jobs.Find(id, Client.Of(context).Name);
        job.Cancel(time.GetUtcNow());
        return Results.Json(JobAnswer.Of(job), Json.Options);
    }
}

/// <summary>The JSON of a job; every option of /v1/audio/transcriptions may stand beside these.</summary>
/// <param name="AudioUrl">Where the recording is.</param>
/// <param name="Headers">What to send to fetch it.</param>
/// <param name="AudioBase64">The recording itself, for short ones.</param>
/// <param name="WebhookUrl">What is told when the job has ended, signed as standardwebhooks.com has it.</param>
/// <param name="Task"><c>transcribe</c> or <c>translate</c>.</param>
internal sealed record JobBody(string? AudioUrl, IReadOnlyDictionary<string, string>? Headers, string? AudioBase64, string? WebhookUrl, string? Task);

/// <summary>A page of the list of jobs.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">The jobs.</param>
/// <param name="FirstId">The first one's name; null if there is none.</param>
/// <param name="LastId">The last one's name, behind which the next page begins.</param>
/// <param name="HasMore">Whether there is a next page.</param>
public sealed record JobList(string Object, IReadOnlyList<JobAnswer> Data, string? FirstId, string? LastId, bool HasMore);

/// <summary>A job. Times are seconds since 1970.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Object">Always <c>job</c>.</param>
/// <param name="Status">How far it is.</param>
/// <param name="Progress">Share of the recording that has been transcribed, in [0, 1].</param>
/// <param name="CreatedAt">When it was handed in.</param>
/// <param name="StartedAt">When the work began.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Result">What was said, once it has succeeded; not in lists.</param>
public sealed record JobAnswer(
    string Id, string Object, JobStatus Status, double Progress, double CreatedAt, double? StartedAt, double? EndedAt, ErrorBody? Error,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] VerboseTranscriptionAnswer? Result)
{
    internal static JobAnswer Of(Job job) => new(
        job.Id, "job", job.Status, job.Progress, Seconds(job.CreatedAt), job.StartedAt is { } started ? Seconds(started) : null, job.EndedAt is { } ended ? Seconds(ended) : null,
        job.Error?.ToResponse().Error, job.Result is { } result ? TranscriptionResponses.Verbose(result.Transcription) : null);

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;
}

/// <summary>What a webhook is told.</summary>
/// <param name="Type"><c>job.succeeded</c>, <c>job.failed</c> or <c>job.cancelled</c>.</param>
/// <param name="Timestamp">When, in seconds since 1970.</param>
/// <param name="Data">The job.</param>
public sealed record JobEvent(string Type, double Timestamp, JobAnswer Data)
{
    internal static object Of(Job job)
    {
        JobAnswer answer = JobAnswer.Of(job);
        return new JobEvent($"job.{job.Status.ToString().ToLowerInvariant()}", answer.EndedAt ?? answer.CreatedAt, answer);
    }
}
