using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.Transcription;
using Handwritten.Server.Errors;
using Handwritten.Server.Requests;
using Microsoft.OpenApi;

namespace Handwritten.Server.Live;

/// <summary>How samples are sent.</summary>
internal enum SampleFormat
{
    /// <summary>16-bit integers, little-endian.</summary>
    Pcm16,

    /// <summary>32-bit floats in [−1, 1], little-endian.</summary>
    Float32,
}

/// <summary>How a live stream is to be understood.</summary>
/// <param name="Model">The model's name; null for the default.</param>
/// <param name="SampleRate">Samples a second, in Hz; one channel.</param>
/// <param name="Format">How samples are sent.</param>
/// <param name="Options">How speech is followed.</param>
internal sealed record StreamSettings(string? Model, int SampleRate, SampleFormat Format, LiveOptions Options)
{
    /// <summary>Bytes of a second of sound.</summary>
    public int BytesPerSecond => SampleRate * (Format == SampleFormat.Pcm16 ? sizeof(short) : sizeof(float));

    public const int LowestRate = 4000, UsualRate = 16_000, HighestRate = 192_000;

    /// <summary>What an address may say beside the settings of a transcription, for the OpenAPI document.</summary>
    public static (string Name, JsonSchemaType Type, string Description)[] Parameters =>
    [
        ("model", JsonSchemaType.String, "A model of this server; left out, its first."),
        ("sample_rate", JsonSchemaType.Integer, $"Samples a second, {LowestRate} to {HighestRate}; {UsualRate} if left out (24000 for /v1/realtime)."),
        ("encoding", JsonSchemaType.String, "pcm16, which it is if left out, or float32; both little-endian, one channel."),
        ("interval", JsonSchemaType.Number, "Seconds of new sound before the next partial text, 0.1 to 30; 1 if left out."),
        ("endpoint_silence", JsonSchemaType.Number, "Seconds of silence that end a sentence, 0.1 to 10; 0.6 if left out."),
        ("speech_threshold", JsonSchemaType.Number, "Probability above which sound is speech, 0.05 to 0.99; 0.5 if left out."),
        .. TranscriptionSettings.All.Select(setting => (setting.Name, Enum.Parse<JsonSchemaType>(setting.JsonType, ignoreCase: true), setting.Description)),
    ];

    /// <summary>Reads the query of an address.</summary>
    /// <param name="query">Names and texts.</param>
    /// <param name="client">Whose stream it is.</param>
    /// <param name="usualRate">The rate where none is named, in Hz.</param>
    /// <exception cref="ApiException">A parameter makes no sense.</exception>
    public static StreamSettings Parse(IQueryCollection query, string client, int usualRate = UsualRate)
    {
        RequestFields fields = new(query.SelectMany(field => field.Value.Select(value => KeyValuePair.Create(field.Key, value ?? ""))));
        LiveOptions initially = new();
        int rate = fields.Integer("sample_rate", LowestRate, HighestRate) ?? usualRate;
        fields.Text("intent"); // OpenAI's addresses say "transcription", which is all there is here
        SampleFormat format = fields.Choice("encoding", "pcm16", "float32") == "float32" ? SampleFormat.Float32 : SampleFormat.Pcm16;
        LiveOptions options = initially with
        {
            Client = client,
            Interval = fields.Number("interval", 0.1, 30) ?? initially.Interval,
            EndpointSilence = fields.Number("endpoint_silence", 0.1, 10) ?? initially.EndpointSilence,
            SpeechThreshold = fields.Number("speech_threshold", 0.05, 0.99) ?? initially.SpeechThreshold,
        };
        TranscriptionRequest request = TranscriptionRequest.Parse(fields, task: null); // the rest, and what is nothing
        if (request.Options.Windows != new WindowOptions())
        {
            throw ApiException.BadField("vad_filter", "A live stream is cut where somebody pauses: speech_threshold and endpoint_silence say where that is, and not the options for recordings.");
        }

        TranscriptionOptions transcription = request.Options with { ConditionOnPreviousText = fields.Flag("condition_on_previous_text") ?? false };
        return new StreamSettings(request.Model, rate, format, options with { Transcription = transcription });
    }
}
