using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;
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
    private const int MostTemperatures = 100;

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

    /// <summary>Whether the recording is cut at silences into windows that are decoded side by side.</summary>
    public bool CutAtSilences { get; init; }

    /// <summary>How subtitles are laid out.</summary>
    public WriterOptions Layout { get; init; } = new();

    /// <summary>Reads a request.</summary>
    /// <param name="fields">Its fields.</param>
    /// <param name="task">What the address it was sent to does; null where a field says so.</param>
    /// <exception cref="ApiException">A field makes no sense.</exception>
    public static TranscriptionRequest Parse(RequestFields fields, SpeechTask? task)
    {
        TranscriptionOptions options = ParseOptions(fields, task ?? (fields.Choice("task", "transcribe", "translate") == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe));
        WriterOptions layout = new(
            fields.Integer("max_line_width", 1, 1_000_000), fields.Integer("max_line_count", 1, 1_000_000),
            fields.Flag("highlight_words") ?? false, fields.Integer("max_words_per_line", 1, 1_000_000));
        (bool words, bool segments) = ParseGranularities(fields);
        bool layoutNeedsWords = layout is not { MaxLineWidth: null, MaxLineCount: null, HighlightWords: false, MaxWordsPerLine: null };
        TranscriptionRequest request = new()
        {
            Model = fields.Text("model"),
            Options = options with { WordTimestamps = options.WordTimestamps || words || layoutNeedsWords },
            Format = ParseFormat(fields),
            Stream = fields.Flag("stream") ?? false,
            Granularities = (words, segments),
            CutAtSilences = ParseChunking(fields),
            Layout = layout,
        };
        fields.List("include"); // log-probabilities, which OpenAI's whisper-1 does not send either
        fields.RefuseUnknown();
        return request.CutAtSilences && options.Clips is not [0]
            ? throw ApiException.BadField("clip_timestamps", "clip_timestamps and a chunking strategy exclude each other: both say what to transcribe.")
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

    /// <summary>OpenAI has "auto" and a JSON object with settings of its own network; faster-whisper a flag.</summary>
    private static bool ParseChunking(RequestFields fields) => fields.Text("chunking_strategy") switch
    {
        null => fields.Flag("vad_filter") ?? false,
        "auto" => true,
        ['{', ..] => true,
        var other => throw ApiException.BadField("chunking_strategy", $"chunking_strategy must be auto, but it is '{other}'."),
    };

    private static TranscriptionOptions ParseOptions(RequestFields fields, SpeechTask task)
    {
        TranscriptionOptions initially = new();
        return initially with
        {
            Decoding = new DecodingOptions
            {
                Language = fields.Language("language"),
                Task = task,
                BeamSize = fields.Integer("beam_size", 1, DecodingOptions.MostLanes),
                BestOf = fields.Integer("best_of", 1, DecodingOptions.MostLanes),
                Patience = fields.Number("patience", 0, 1000),
                LengthPenalty = fields.Number("length_penalty", 0, 1),
                Seed = (ulong)(fields.Integer("seed", 0, int.MaxValue) ?? 0),
                SuppressTokens = fields.Numbers("suppress_tokens", -1, 1_000_000)?.Select(token => (int)token).ToArray() ?? new DecodingOptions().SuppressTokens,
                SuppressBlank = fields.Flag("suppress_blank") ?? true,
                WithoutTimestamps = fields.Flag("without_timestamps") ?? false,
                MaxInitialTimestamp = fields.Number("max_initial_timestamp", 0, 30) ?? new DecodingOptions().MaxInitialTimestamp,
                RepetitionPenalty = fields.Number("repetition_penalty", 0.01, 1000) ?? 1,
                NoRepeatNgramSize = fields.Integer("no_repeat_ngram_size", 0, 448) ?? 0,
                MaxNewTokens = fields.Integer("max_new_tokens", 1, 448),
            },
            Temperatures = ParseTemperatures(fields),
            CompressionRatioThreshold = fields.Number("compression_ratio_threshold", 0, 1000) ?? initially.CompressionRatioThreshold,
            LogProbabilityThreshold = fields.Number("logprob_threshold", -1000, 0) ?? initially.LogProbabilityThreshold,
            NoSpeechThreshold = fields.Number("no_speech_threshold", 0, 1) ?? initially.NoSpeechThreshold,
            ConditionOnPreviousText = fields.Flag("condition_on_previous_text") ?? true,
            PromptResetOnTemperature = fields.Number("prompt_reset_on_temperature", 0, 100) ?? initially.PromptResetOnTemperature,
            InitialPrompt = fields.Text("prompt"),
            CarryInitialPrompt = fields.Flag("carry_initial_prompt") ?? false,
            Hotwords = fields.Text("hotwords"),
            Clips = fields.Numbers("clip_timestamps", 0, 1e6) ?? initially.Clips,
            WordTimestamps = fields.Flag("word_timestamps") ?? false,
            PrependPunctuations = fields.Text("prepend_punctuations") ?? initially.PrependPunctuations,
            AppendPunctuations = fields.Text("append_punctuations") ?? initially.AppendPunctuations,
            HallucinationSilenceThreshold = fields.Number("hallucination_silence_threshold", 0, 1e6),
            LanguageDetectionSegments = fields.Integer("language_detection_segments", 1, 100_000) ?? initially.LanguageDetectionSegments,
            LanguageDetectionThreshold = fields.Number("language_detection_threshold", 0, 1) ?? initially.LanguageDetectionThreshold,
            Multilingual = fields.Flag("multilingual") ?? false,
        };
    }

    /// <summary>
    /// As OpenAI has it: at 0, the default, repetitive or improbable text is tried again at higher temperatures; any other
    /// temperature is the only one.
    /// </summary>
    private static IReadOnlyList<double> ParseTemperatures(RequestFields fields)
    {
        double first = fields.Number("temperature", 0, 1) ?? 0;
        double? increment = fields.Number("temperature_increment_on_fallback", 0.01, 100);
        return increment is null && first > 0
            ? [first]
            : [.. Enumerable.Range(0, MostTemperatures).Select(i => first + (i * (increment ?? 0.2))).TakeWhile(temperature => temperature < 1 + 1e-6)];
    }
}
