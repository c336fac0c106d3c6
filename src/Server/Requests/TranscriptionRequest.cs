using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Requests;

/// <summary>What an answer looks like.</summary>
internal enum ResponseFormat
{
    Json,
    Text,
    Srt,
    Vtt,
    VerboseJson,
}

/// <summary>
/// What a client asks for. The fields of OpenAI's API have its names and meanings; the others are the options of
/// <c>handwritten transcribe</c>, under the same names as there.
/// </summary>
internal sealed record TranscriptionRequest
{
    /// <summary>The model's name; null for the default.</summary>
    public string? Model { get; init; }

    /// <summary>How to transcribe.</summary>
    public required TranscriptionOptions Options { get; init; }

    /// <summary>What the answer looks like.</summary>
    public ResponseFormat Format { get; init; }

    /// <summary>Whether the text is sent as it comes.</summary>
    public bool Stream { get; init; }

    /// <summary>Whether the answer has words, segments.</summary>
    public (bool Words, bool Segments) Granularities { get; init; } = (false, true);

    /// <summary>Whether the answer says how sure the model was of each token.</summary>
    public bool Logprobs { get; init; }

    /// <summary>How subtitles are laid out.</summary>
    public WriterOptions Layout { get; init; } = new();

    /// <summary>
    /// What a request may say about windows. How many are decoded at a time is the server's choice, and it does not cut them
    /// by the clock.
    /// </summary>
    public static IReadOnlyList<Setting<WindowChoice>> WindowSettings { get; } = [.. WindowChoice.Settings.Where(setting => setting.Name is not ("batch_size" or "stride"))];

    /// <summary>Reads a request.</summary>
    /// <param name="fields">Its fields.</param>
    /// <param name="task">What the address it was sent to does; null where a field says so.</param>
    /// <exception cref="ApiException">A field makes no sense.</exception>
    public static TranscriptionRequest Parse(RequestFields fields, SpeechTask? task)
    {
        TranscriptionOptions options = ParseOptions(fields, task);
        WriterOptions layout = fields.Apply(LayoutSettings.All, new WriterOptions());
        (bool words, bool segments) = ParseGranularities(fields);
        ResponseFormat format = ParseFormat(fields);
        bool layoutNeedsWords = layout is not { MaxLineWidth: null, MaxLineCount: null, HighlightWords: false, MaxWordsPerLine: null };
        TranscriptionRequest request = new()
        {
            Model = fields.Text("model"),
            Options = options with { WordTimestamps = options.WordTimestamps || words || layoutNeedsWords },
            Format = format,
            Stream = fields.Flag("stream") ?? false,
            Granularities = (words, segments),
            Logprobs = ParseInclude(fields),
            Layout = layout,
        };
        RefuseSpeakers(fields);
        fields.RefuseUnknown();
        return request is { Logprobs: true, Stream: false, Format: ResponseFormat.Text or ResponseFormat.Srt or ResponseFormat.Vtt }
            ? throw ApiException.BadField("include", $"Log-probabilities have no place in {format.ToString().ToLowerInvariant()}: ask for json or verbose_json, or for a stream.")
            : request;
    }

    private static ResponseFormat ParseFormat(RequestFields fields) => fields.Choice("response_format", "json", "text", "srt", "vtt", "verbose_json") switch
    {
        "text" => ResponseFormat.Text,
        "srt" => ResponseFormat.Srt,
        "vtt" => ResponseFormat.Vtt,
        "verbose_json" => ResponseFormat.VerboseJson,
        _ => ResponseFormat.Json,
    };

    private static (bool Words, bool Segments) ParseGranularities(RequestFields fields)
    {
        const string name = "timestamp_granularities";
        IReadOnlyList<string> wanted = fields.List(name);
        foreach (string granularity in wanted)
        {
            if (granularity is not ("word" or "segment"))
            {
                throw ApiException.BadField(name, $"{name} must be word or segment, but one is '{granularity}'.");
            }
        }

        return (wanted.Contains("word"), wanted.Count == 0 || wanted.Contains("segment"));
    }

    private static WindowOptions ParseWindows(RequestFields fields)
    {
        VoiceActivityOptions? strategy = ChunkingStrategy.Read(fields);
        WindowChoice choice = fields.Apply(WindowSettings, new WindowChoice { BatchSize = strategy is null ? null : 1 });
        return choice switch
        {
            { Overlaps: true } => throw ApiException.BadField("chunk_length", "chunk_length is the longest window of a recording that is cut at silences: send chunking_strategy=auto as well."),
            { VadFilter: false, CutsAtSilences: false } when choice.Speech != new SpeechChoice() =>
                throw ApiException.BadField("vad_filter", "The fields that begin with vad_ say what speech is: send vad_filter=true or chunking_strategy=auto as well."),
            _ when strategy is not null => choice.ToOptions() with { VoiceActivity = choice.Speech.ToOptions(strategy) },
            _ => choice.ToOptions(),
        };
    }

    private static bool ParseInclude(RequestFields fields)
    {
        const string name = "include";
        IReadOnlyList<string> wanted = fields.List(name);
        return wanted.FirstOrDefault(item => item != "logprobs") is { } other
            ? throw ApiException.BadField(name, $"{name} must be logprobs, but one is '{other}'.")
            : wanted.Count > 0;
    }

    /// <summary>Who names speakers would take a text without them for an answer.</summary>
    private static void RefuseSpeakers(RequestFields fields)
    {
        foreach (string name in (ReadOnlySpan<string>)["known_speaker_names", "known_speaker_references"])
        {
            if (fields.List(name).Count > 0)
            {
                throw ApiException.BadField(name, "This server does not tell speakers apart.", "unsupported_parameter");
            }
        }
    }

    private static TranscriptionOptions ParseOptions(RequestFields fields, SpeechTask? task)
    {
        TranscriptionChoice choice = fields.Apply(TranscriptionSettings.All.Where(setting => task is null || setting.Name != "task"), new TranscriptionChoice());
        if (choice.Temperature > 0 && fields.Text("temperature_increment_on_fallback") is null)
        {
            choice = choice with { TemperatureIncrement = null }; // as OpenAI has it: any temperature but 0 is the only one
        }

        TranscriptionOptions options = choice.ToOptions();
        return options with
        {
            Decoding = options.Decoding with { Task = task ?? options.Decoding.Task },
            InitialPrompt = fields.Text("prompt") ?? options.InitialPrompt, // OpenAI's name for it
            Windows = ParseWindows(fields),
        };
    }
}
