using Handwritten.Model.Tokenization;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Recognition;

/// <summary>Brings what clients ask for to the engine of the right model.</summary>
internal sealed class Recognizer(ModelCatalogue models, Telemetry telemetry, LastCall lastCall)
{
    private readonly Lazy<SileroVad> _vad = new(() => SileroVad.Load());

    /// <summary>Finds speech; loaded when it is first wanted.</summary>
    private SileroVad Vad => _vad.Value;

    /// <summary>Refuses a request that will not be served, before its recording is decoded. Which model it is for is all that has to be known.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="client">Whose it is.</param>
    /// <exception cref="ApiException">There is no such model.</exception>
    /// <exception cref="EngineBusyException">Too much is under way.</exception>
    public void RequireRoom(TranscriptionRequest request, string client) => models.Find(request.Model).Loaded?.Engine.RequireRoom(client);

    /// <summary>Starts a transcription.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="recording">The recording.</param>
    /// <param name="priority">Who waits for it.</param>
    /// <param name="client">Whose it is.</param>
    /// <param name="cancellation">Frees what the request holds.</param>
    /// <exception cref="ApiException">There is no such model, or it cannot do this.</exception>
    /// <exception cref="EngineBusyException">Too much is under way.</exception>
    public async Task<RunningTranscription> StartAsync(TranscriptionRequest request, DecodedRecording recording, RequestPriority priority, string client, CancellationToken cancellation)
    {
        ModelLease lease = await models.Find(request.Model).AcquireAsync(cancellation);
        try
        {
            RefuseImpossible(request, lease.Model.Model.Tokenizer, lease.Model.Model.Name);
            EngineRequest work = EngineRequest.Of(await Task.Run(() => PreparedRecording.Of(recording.Clip.Samples, request.Options, cancellation), cancellation));
            work = work with { Priority = priority, Client = client };
            return new RunningTranscription(lease, lease.Model.Engine.Start(work, cancellation), recording.Waited, telemetry, lastCall.Token);
        }
        catch (EngineStoppedException)
        {
            lease.Retire();
            lease.Dispose();
            throw;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <summary>Follows speech while it is spoken.</summary>
    /// <param name="lease">The model; held by whoever follows.</param>
    /// <param name="options">How.</param>
    /// <exception cref="Runtime.Decoding.OptionsException">An option makes no sense.</exception>
    public LiveTranscription Listen(ModelLease lease, LiveOptions options)
    {
        string model = lease.Model.Model.Name;
        return new LiveTranscription(lease.Model.Engine, Vad, options with { Transcribed = served => telemetry.CountHypothesis(model, served) });
    }

    private static void RefuseImpossible(TranscriptionRequest request, WhisperTokenizer tokenizer, string model)
    {
        if (tokenizer.Special.IsMultilingual)
        {
            return;
        }

        if (request.Options.Decoding.Task == SpeechTask.Translate)
        {
            throw ApiException.BadField("model", $"The model '{model}' knows only English, so there is nothing to translate: choose a multilingual one.");
        }

        if (request.Options.Decoding.Language is not (null or "en"))
        {
            throw ApiException.BadField("language", $"The model '{model}' knows only English: leave the language out, or choose a multilingual model.");
        }
    }
}
