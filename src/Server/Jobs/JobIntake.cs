using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Remote;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Jobs;

/// <summary>Makes jobs of requests: a form with a recording, or JSON that names one or holds it in base64.</summary>
internal sealed class JobIntake(JobStore jobs, RemoteClient remote, Scratch scratch, ModelCatalogue models, TimeProvider time)
{
    private static readonly string[] OwnFields = ["audio_url", "audio", "audio_base64", "headers", "webhook_url", "translate"];

    /// <summary>Takes the job of a form.</summary>
    /// <exception cref="ApiException">The form makes no sense, or there are too many jobs.</exception>
    public async Task<Job> TakeFormAsync(HttpContext context, Func<Job, object> webhookBody)
    {
        using UploadedForm form = await UploadedForm.ReadAsync(context.Request, scratch, context.RequestAborted);
        string? webhook = form.Fields.FirstOrDefault(field => field.Key == "webhook_url").Value;
        TranscriptionRequest request = Parse(form.Fields.Where(field => field.Key != "webhook_url"), task: null);
        JobWebhook? hook = Webhook("webhook_url", webhook, webhookBody);
        return Add(context, request, new UploadedInput(form.TakeRecording()), hook);
    }

    /// <summary>Takes the job of a JSON object.</summary>
    /// <param name="context">The request.</param>
    /// <param name="json">What to transcribe and how.</param>
    /// <param name="webhook">Whom to tell; null where the object says so, or nobody.</param>
    /// <param name="webhookBody">What to tell.</param>
    /// <exception cref="ApiException">The object makes no sense, or there are too many jobs.</exception>
    public async Task<Job> TakeJsonAsync(HttpContext context, JsonElement json, string? webhook, Func<Job, object> webhookBody)
    {
        SpeechTask? task = json.TryGetProperty("translate", out JsonElement translate) && translate.ValueKind == JsonValueKind.True ? SpeechTask.Translate : null;
        TranscriptionRequest request = Parse(JsonFields.Flatten(json, OwnFields), task);
        JobWebhook? hook = Webhook("webhook_url", webhook ?? JsonFields.Text(json, "webhook_url"), webhookBody);
        JobInput input = await InputAsync(json, context.RequestAborted);
        return Add(context, request, input, hook);
    }

    private Job Add(HttpContext context, TranscriptionRequest request, JobInput input, JobWebhook? webhook)
    {
        Job job = new(Client.Of(context).Name, request, input, webhook, time.GetUtcNow());
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

    private TranscriptionRequest Parse(IEnumerable<KeyValuePair<string, string>> fields, SpeechTask? task)
    {
        TranscriptionRequest request = TranscriptionRequest.Parse(new RequestFields(fields), task);
        models.Find(request.Model);
        return request;
    }

    private JobWebhook? Webhook(string field, string? address, Func<Job, object> body) =>
        string.IsNullOrEmpty(address) ? null : new JobWebhook(remote.Parse(field, address), body);

    private async Task<JobInput> InputAsync(JsonElement json, CancellationToken cancellation)
    {
        if ((JsonFields.Text(json, "audio_url") ?? JsonFields.Text(json, "audio")) is { Length: > 0 } address)
        {
            return new RemoteInput(remote.Parse("audio_url", address), RemoteClient.RequireHeaders("headers", JsonFields.Texts(json, "headers")));
        }

        if (JsonFields.Text(json, "audio_base64") is not { Length: > 0 } text)
        {
            throw ApiException.BadField("audio_url", "There is no recording: name it as audio_url, or send it as audio_base64.", "missing_file");
        }

        byte[] bytes = new byte[text.Length * 3 / 4 + 3];
        if (!Convert.TryFromBase64String(text, bytes, out int count))
        {
            throw ApiException.BadField("audio_base64", "audio_base64 is no base64.");
        }

        FileStream file = scratch.CreateFile();
        try
        {
            await Scratch.WriteAsync(file, bytes.AsMemory(0, count), cancellation);
            return new UploadedInput(file);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }
}
