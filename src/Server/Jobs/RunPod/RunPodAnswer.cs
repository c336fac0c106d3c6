using System.Text.Json.Serialization;
using Handwritten.Server.OpenAi;

namespace Handwritten.Server.Jobs.RunPod;

/// <summary>What RunPod's API takes.</summary>
/// <param name="Input">As for /v1/jobs where it names an audio_url, else as RunPod's worker for faster-whisper has it.</param>
/// <param name="Webhook">What is told when the job has ended.</param>
internal sealed record RunPodBody(JobBody Input, string? Webhook);

/// <summary>What RunPod's API answers. Times are milliseconds.</summary>
/// <param name="Id">The job's name.</param>
/// <param name="Status"><c>IN_QUEUE</c>, <c>IN_PROGRESS</c>, <c>COMPLETED</c>, <c>FAILED</c> or <c>CANCELLED</c>.</param>
/// <param name="Output">What was said: a <see cref="VerboseTranscriptionAnswer"/> or a <see cref="WorkerAnswer"/>.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="DelayTime">How long it waited.</param>
/// <param name="ExecutionTime">How long it took.</param>
public sealed record RunPodAnswer(
    string Id,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] object? Output,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Error,
    [property: JsonPropertyName("delayTime"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? DelayTime,
    [property: JsonPropertyName("executionTime"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? ExecutionTime)
{
    internal static RunPodAnswer Of(Job job) => new(
        job.Id,
        StatusOf(job),
        job.Result is { } result ? job.Order.Output(result) : null,
        job.Error?.Message,
        Milliseconds(job.StartedAt - job.CreatedAt),
        Milliseconds(job.EndedAt - job.StartedAt));

    internal static string StatusOf(Job job) => job.Status switch
    {
        JobStatus.Queued => "IN_QUEUE",
        JobStatus.Running => "IN_PROGRESS",
        JobStatus.Succeeded => "COMPLETED",
        JobStatus.Failed => "FAILED",
        _ => "CANCELLED",
    };

    private static long? Milliseconds(TimeSpan? time) => (long?)time?.TotalMilliseconds;
}

/// <summary>What has come of a job since the last call.</summary>
/// <param name="Status">As in <see cref="RunPodAnswer"/>.</param>
/// <param name="Stream">The segments.</param>
public sealed record RunPodPieces(string Status, IReadOnlyList<RunPodPiece> Stream);

/// <summary>A piece of a job's output.</summary>
/// <param name="Output">A segment.</param>
public sealed record RunPodPiece(SegmentAnswer Output);

/// <summary>What became of a client's jobs that waited.</summary>
/// <param name="Removed">How many were taken back.</param>
/// <param name="Status">Always <c>completed</c>.</param>
public sealed record RunPodPurge(int Removed, string Status = "completed");

/// <summary>How a client's jobs and the server are.</summary>
/// <param name="Jobs">The client's jobs, counted.</param>
/// <param name="Workers">The server as RunPod would count it: one worker.</param>
public sealed record RunPodHealth(RunPodJobs Jobs, RunPodWorkers Workers);

/// <summary>Jobs, counted by status.</summary>
public sealed record RunPodJobs(
    int Completed, int Failed, [property: JsonPropertyName("inProgress")] int InProgress, [property: JsonPropertyName("inQueue")] int InQueue, int Retried = 0);

/// <summary>Workers, counted by what they do; <c>ready</c> are those that are idle or running.</summary>
public sealed record RunPodWorkers(int Idle, int Initializing, int Ready, int Running, int Throttled, int Unhealthy);
