using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Jobs.RunPod;

/// <summary>How a text of RunPod's worker looks.</summary>
internal enum WorkerFormat
{
    /// <summary>The segments in one line.</summary>
    PlainText,

    /// <summary>A segment a line.</summary>
    FormattedText,

    Srt,
    Vtt,
}

/// <summary>
/// The input of RunPod's worker for faster-whisper, which its templates and their clients send. Its own words are <c>audio</c> (an address or
/// base64), <c>audio_base64</c>, <c>transcription</c>, <c>translate</c>, <c>translation</c> and <c>enable_vad</c>; the others are options
/// that are called the same here. Beams and samples are five unless said otherwise, as there.
/// Source: runpod-workers/worker-faster_whisper, src/rp_schema.py, src/rp_handler.py and src/predict.py.
/// </summary>
/// <param name="Audio">An address, or the recording in base64.</param>
/// <param name="AudioBase64">The recording in base64; one of the two is there.</param>
/// <param name="Order">What to make of it.</param>
internal sealed record WorkerInput(string? Audio, string? AudioBase64, JobOrder Order)
{
    private const int UsualLanes = 5;

    private static readonly string[] Recordings = ["audio", "audio_base64", "headers"], Lanes = ["beam_size", "best_of"];

    /// <summary>Reads an input.</summary>
    /// <exception cref="ApiException">It makes no sense.</exception>
    public static WorkerInput Read(JsonElement input, ModelCatalogue models)
    {
        string? audio = Recording(input, "audio"), base64 = Recording(input, "audio_base64");
        if ((audio is null) == (base64 is null))
        {
            throw ApiException.BadField("audio", "There must be one recording: name it as audio, or send it as audio_base64.", "missing_file");
        }

        ModelHost host = models.FindPublished(JsonFields.Text(input, "model"));
        RequestFields fields = new(Fields(input, host));
        WorkerFormat transcription = Format(fields, "transcription"), translation = Format(fields, "translation");
        bool translates = fields.Flag("translate") ?? false;
        TranscriptionRequest request = TranscriptionRequest.Parse(fields, SpeechTask.Transcribe);
        TranscriptionRequest? second = translates
            ? request with { Options = request.Options with { Decoding = request.Options.Decoding with { Task = SpeechTask.Translate } } }
            : null;
        return new WorkerInput(audio, base64, new JobOrder(request, second, result => WorkerAnswer.Of(result, transcription, translation)));
    }

    private static string? Recording(JsonElement input, string name) => JsonFields.Text(input, name) is { Length: > 0 } text ? text : null;

    private static IEnumerable<KeyValuePair<string, string>> Fields(JsonElement input, ModelHost host)
    {
        KeyValuePair<string, string>[] given =
        [
            .. JsonFields.Flatten(input, Recordings).Where(field => field.Key != "model")
                .Select(field => field.Key == "enable_vad" ? KeyValuePair.Create("vad_filter", field.Value) : field),
        ];
        string lanes = FormattableString.Invariant($"{Math.Min(UsualLanes, host.Source.Engine.Lanes)}");
        return [.. given, KeyValuePair.Create("model", host.Source.Name), .. Lanes.Where(name => given.All(field => field.Key != name)).Select(name => KeyValuePair.Create(name, lanes))];
    }

    private static WorkerFormat Format(RequestFields fields, string name) => fields.Choice(name, "plain_text", "plain text", "formatted_text", "srt", "vtt") switch
    {
        "formatted_text" => WorkerFormat.FormattedText,
        "srt" => WorkerFormat.Srt,
        "vtt" => WorkerFormat.Vtt,
        _ => WorkerFormat.PlainText,
    };
}
