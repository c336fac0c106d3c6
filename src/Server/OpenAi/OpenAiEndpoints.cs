using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.OpenAi;

/// <summary>The part of OpenAI's API that is about speech to text, so that its clients work as they are.</summary>
internal static class OpenAiEndpoints
{
    private const string Tag = "OpenAI";

    /// <summary>Adds the addresses below /v1.</summary>
    public static void Map(IEndpointRouteBuilder clients)
    {
        MapSpeech(clients, "/v1/audio/transcriptions", SpeechTask.Transcribe, "Write down what is said in a recording.");
        MapSpeech(clients, "/v1/audio/translations", SpeechTask.Translate, "Translate what is said in a recording to English.");
        clients.MapGet("/v1/models", (ModelCatalogue models) => Results.Json(new ModelList("list", [.. models.All.Select(ModelAnswer.Of)]), Json.Options))
            .WithTags(Tag).WithSummary("The models of this server.").Produces<ModelList>();
        clients.MapGet("/v1/models/{**id}", (string id, ModelCatalogue models) => Results.Json(ModelAnswer.Of(models.Find(id)), Json.Options))
            .WithTags(Tag).WithSummary("One model.").Produces<ModelAnswer>().Produces<ErrorResponse>(StatusCodes.Status404NotFound);
    }

    private static void MapSpeech(IEndpointRouteBuilder clients, string path, SpeechTask task, string summary) => clients
        .MapPost(path, (HttpContext context, SpeechService speech) => speech.AnswerAsync(context, task))
        .WithTags(Tag)
        .WithSummary(summary)
        .Accepts<TranscriptionForm>("multipart/form-data")
        .ProducesTranscription()
        .ProducesText("text/event-stream", "With stream=true: events whose data are JSON of the types transcript.text.delta and transcript.text.done, or error.")
        .ProducesErrors();

    /// <summary>Says in the OpenAPI document that a transcription comes back, in any of its formats.</summary>
    internal static RouteHandlerBuilder ProducesTranscription(this RouteHandlerBuilder builder) => builder
        .Produces<VerboseTranscriptionAnswer>()
        .ProducesAnyOf(typeof(TranscriptionAnswer), typeof(VerboseTranscriptionAnswer))
        .ProducesText("text/plain", "The answer in the formats text, srt and vtt.");
}

/// <summary>From a form with a recording to an answer.</summary>
internal sealed class SpeechService(Scratch scratch, RecordingDecoder decoder, Recognizer recognizer, RequestLog log, LastCall lastCall)
{
    /// <summary>Answers a request.</summary>
    /// <exception cref="ApiException">It makes no sense.</exception>
    /// <exception cref="OperationCanceledException">The client is gone, or the server stops.</exception>
    public async Task AnswerAsync(HttpContext context, SpeechTask task)
    {
        using CancellationTokenSource ending = lastCall.Within(context);
        CancellationToken cancellation = ending.Token;
        Client client = Client.Of(context);
        using UploadedForm form = await UploadedForm.ReadAsync(context.Request, scratch, cancellation);
        TranscriptionRequest request = TranscriptionRequest.Parse(new RequestFields(form.Fields), task);
        recognizer.RequireRoom(request, client.Name); // an overloaded server has no time to decode in vain
        using DecodedRecording recording = await decoder.DecodeAsync(form.RecordingPath, RequestPriority.Interactive, client.Name, cancellation);
        using RunningTranscription running = await recognizer.StartAsync(request, recording, RequestPriority.Interactive, client.Name, cancellation);
        Transcript? transcript;
        if (request.Stream)
        {
            transcript = await TranscriptionEvents.SendAsync(context, request, running);
        }
        else
        {
            transcript = await running.TranscriptAsync();
            await TranscriptionResponses.Of(new FinishedTranscription(request, transcript, recording.Clip.Seconds, running.Tokenizer)).ExecuteAsync(context);
        }

        if (transcript is not null)
        {
            log.Transcribed(client.Name, running, transcript);
        }
    }
}

/// <summary>A list of models.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">The models.</param>
public sealed record ModelList(string Object, IReadOnlyList<ModelAnswer> Data);

/// <summary>A model.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Object">Always <c>model</c>.</param>
/// <param name="Created">When its folder was made, in seconds since 1970.</param>
/// <param name="OwnedBy">Always <c>handwritten</c>.</param>
public sealed record ModelAnswer(string Id, string Object, long Created, string OwnedBy)
{
    internal static ModelAnswer Of(ModelHost host) =>
        new(host.Source.Name, "model", host.Created.ToUnixTimeSeconds(), "handwritten");
}
