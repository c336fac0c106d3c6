using System.Text.Json;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Jobs.RunPod;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Remote;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Jobs;

/// <summary>Makes jobs of requests: a form with a recording, or JSON that names one or holds it in base64.</summary>
internal sealed class JobIntake(JobStore jobs, RemoteClient remote, Scratch scratch, JsonBodies bodies, ModelCatalogue models, LastCall lastCall, TimeProvider time)
{
    private const string DataScheme = "data:";

    private static readonly string[] OwnFields = ["audio_url", "audio_base64", "headers", "webhook_url"];

    /// <summary>Takes the job of a form.</summary>
    /// <exception cref="ApiException">The form makes no sense, or there are too many jobs.</exception>
    public async Task<Job> TakeFormAsync(HttpContext context)
    {
        using CancellationTokenSource ending = lastCall.Within(context);
        using UploadedForm form = await UploadedForm.ReadAsync(context.Request, scratch, ending.Token);
        string? webhook = form.Fields.FirstOrDefault(field => field.Key == "webhook_url").Value;
        TranscriptionRequest request = Parse(form.Fields.Where(field => field.Key != "webhook_url"));
        JobWebhook? hook = Webhook("webhook_url", webhook, JobEvent.Of);
        return Add(context, new JobOrder(request), new UploadedInput(form.TakeRecording()), hook, isAwaited: false);
    }

    /// <summary>Takes a job in this server's own words.</summary>
    /// <exception cref="ApiException">The object makes no sense, or there are too many jobs.</exception>
    public async Task<Job> TakeJsonAsync(HttpContext context)
    {
        using JsonBody body = await ReadAsync(context);
        JsonElement json = body.Root;
        return await TakeAsync(context, json, Webhook("webhook_url", JsonFields.Text(json, "webhook_url"), JobEvent.Of), isAwaited: false);
    }

    /// <summary>Takes a job in RunPod's words: <c>input</c> is as here where it names an <c>audio_url</c>, and else as RunPod's worker has it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="isAwaited">Whether the client keeps the connection open until it ends.</param>
    /// <exception cref="ApiException">The object makes no sense, or there are too many jobs.</exception>
    public async Task<Job> TakeRunPodAsync(HttpContext context, bool isAwaited)
    {
        using JsonBody body = await ReadAsync(context);
        JsonElement json = body.Root;
        if (!json.TryGetProperty("input", out JsonElement input) || input.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.BadField("input", "There is no input: send {\"input\": {\"audio_url\": ...}}.");
        }

        JobWebhook? webhook = Webhook("webhook", JsonFields.Text(json, "webhook"), RunPodAnswer.Of);
        if (input.TryGetProperty("audio_url", out _))
        {
            return await TakeAsync(context, input, webhook ?? Webhook("webhook_url", JsonFields.Text(input, "webhook_url"), RunPodAnswer.Of), isAwaited);
        }

        WorkerInput worker = WorkerInput.Read(input, models);
        JobInput recording = worker.Audio is { } audio
            ? IsAddress(audio) ? Remote("audio", audio, input) : await UploadAsync("audio", audio, context)
            : await UploadAsync("audio_base64", worker.AudioBase64!, context);
        return Add(context, worker.Order, recording, webhook, isAwaited);
    }

    private async Task<Job> TakeAsync(HttpContext context, JsonElement json, JobWebhook? webhook, bool isAwaited)
    {
        TranscriptionRequest request = Parse(JsonFields.Flatten(json, OwnFields));
        JobInput input = JsonFields.Text(json, "audio_url") is { Length: > 0 } address ? Remote("audio_url", address, json)
            : JsonFields.Text(json, "audio_base64") is { Length: > 0 } text ? await UploadAsync("audio_base64", text, context)
            : throw ApiException.BadField("audio_url", "There is no recording: name it as audio_url, or send it as audio_base64.", "missing_file");
        return Add(context, new JobOrder(request), input, webhook, isAwaited);
    }

    private async Task<JsonBody> ReadAsync(HttpContext context)
    {
        using CancellationTokenSource ending = lastCall.Within(context);
        return await bodies.ReadAsync(context.Request, ending.Token);
    }

    private Job Add(HttpContext context, JobOrder order, JobInput input, JobWebhook? webhook, bool isAwaited)
    {
        Job job = new(Client.Of(context).Name, order, input, webhook, time.GetUtcNow()) { IsAwaited = isAwaited };
        try
        {
            jobs.Add(job);
            return job;
        }
        catch
        {
            job.Cancel(time.GetUtcNow());
            throw;
        }
    }

    private TranscriptionRequest Parse(IEnumerable<KeyValuePair<string, string>> fields)
    {
        TranscriptionRequest request = TranscriptionRequest.Parse(new RequestFields(fields), task: null);
        models.Find(request.Model);
        return request;
    }

    private JobWebhook? Webhook(string field, string? address, Func<Job, object> body) =>
        string.IsNullOrEmpty(address) ? null : new JobWebhook(remote.Parse(field, address), body);

    private static bool IsAddress(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private RemoteInput Remote(string field, string address, JsonElement json) => new(remote.Parse(field, address), RemoteClient.RequireHeaders("headers", JsonFields.Texts(json, "headers")));

    /// <summary>A recording in base64, also as browsers write it: <c>data:audio/wav;base64,...</c>.</summary>
    private async Task<JobInput> UploadAsync(string field, string text, HttpContext context)
    {
        string base64 = text.StartsWith(DataScheme, StringComparison.OrdinalIgnoreCase) ? text[(text.IndexOf(',', StringComparison.Ordinal) + 1)..] : text;
        byte[] bytes = new byte[base64.Length / 4 * 3 + 3];
        if (!Convert.TryFromBase64String(base64, bytes, out int count))
        {
            throw ApiException.BadField(field, $"{field} is no base64.");
        }

        FileStream file = scratch.CreateFile();
        try
        {
            await Scratch.WriteAsync(file, bytes.AsMemory(0, count), context.RequestAborted);
            return new UploadedInput(file);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }
}
