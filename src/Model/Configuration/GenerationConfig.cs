using System.Text.Json;

namespace Handwritten.Model.Configuration;

// generation_config.json says how the decoder's tokens are to be chosen. It appeared some months after the first
// published models, so everything in it has a fallback: first what config.json says, then what openai/whisper does
// for a model that it knows nothing about.

/// <summary>A cross-attention head whose weights follow the audio in time.</summary>
/// <param name="Layer">Decoder layer, from 0.</param>
/// <param name="Head">Head in the layer, from 0.</param>
public readonly record struct AlignmentHead(int Layer, int Head);

/// <summary>A token that transformers puts at a position of the start sequence.</summary>
/// <param name="Position">Position in the sequence; start-of-transcript is 0.</param>
/// <param name="Token">Its id; null where the model chooses, which is how a language is detected.</param>
public readonly record struct ForcedToken(int Position, int? Token);

/// <summary>What <c>generation_config.json</c> says, or what takes its place where there is none.</summary>
public sealed record GenerationConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "generation_config.json";

    /// <summary>Smallest vocabulary of a multilingual model; English-only ones have one token fewer.</summary>
    private const int MultilingualVocabulary = 51865;

    /// <summary>Whether the model knows other languages than English.</summary>
    public required bool IsMultilingual { get; init; }

    /// <summary>
    /// The heads that word timestamps are read from; never empty. Without a list for this model: all heads of the
    /// upper half of the decoder, as in openai/whisper.
    /// </summary>
    public required IReadOnlyList<AlignmentHead> AlignmentHeads { get; init; }

    /// <summary>Ids of the language tokens by their text, such as <c>&lt;|en|&gt;</c>; empty if the file gives none.</summary>
    public IReadOnlyDictionary<string, int> LanguageIds { get; init; } = new Dictionary<string, int>();

    /// <summary>Ids of the task tokens by name (<c>transcribe</c>, <c>translate</c>); empty if the file gives none.</summary>
    public IReadOnlyDictionary<string, int> TaskIds { get; init; } = new Dictionary<string, int>();

    /// <summary>Id of <c>&lt;|notimestamps|&gt;</c>, if the file gives it.</summary>
    public int? NoTimestamps { get; init; }

    /// <summary>Id of <c>&lt;|startofprev|&gt;</c>, if the file gives it.</summary>
    public int? StartOfPrevious { get; init; }

    /// <summary>The first timestamp may not lie beyond this one, in steps of 0.02 s. 50, one second, by default.</summary>
    public int MaxInitialTimestampIndex { get; init; } = 50;

    /// <summary>Ids that are never to be sampled.</summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [];

    /// <summary>Ids that are not to be sampled as the first token.</summary>
    public IReadOnlyList<int> BeginSuppressTokens { get; init; } = [];

    /// <summary>Tokens that transformers forces at the start; empty in most files.</summary>
    public IReadOnlyList<ForcedToken> ForcedDecoderIds { get; init; } = [];

    /// <summary>Whether transformers decodes timestamps unless told otherwise.</summary>
    public bool ReturnTimestamps { get; init; }

    /// <summary>Longest token sequence of one window, prompt included.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Reads <c>generation_config.json</c> of a model folder, if there is one.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="config">Its config.json, for fallbacks and limits.</param>
    /// <exception cref="ModelException">The file is damaged or contradicts config.json.</exception>
    public static GenerationConfig Load(string folder, WhisperConfig config)
    {
        WhisperDimensions dimensions = config.Dimensions;
        GenerationConfig fallback = new()
        {
            IsMultilingual = dimensions.Vocabulary >= MultilingualVocabulary,
            AlignmentHeads = UpperHalf(dimensions),
            SuppressTokens = config.SuppressTokens ?? [],
            BeginSuppressTokens = config.BeginSuppressTokens ?? [],
            MaxLength = config.MaxLength ?? dimensions.TextContext,
        };
        if (JsonFile.TryOpen(folder, FileName) is not JsonFile file)
        {
            return fallback;
        }

        return fallback with
        {
            IsMultilingual = file.Flag("is_multilingual") ?? fallback.IsMultilingual,
            AlignmentHeads = ReadAlignmentHeads(file, dimensions) ?? fallback.AlignmentHeads,
            LanguageIds = file.Section("lang_to_id")?.Ids(dimensions.Vocabulary) ?? fallback.LanguageIds,
            TaskIds = file.Section("task_to_id")?.Ids(dimensions.Vocabulary) ?? fallback.TaskIds,
            NoTimestamps = TokenId("no_timestamps_token_id"),
            StartOfPrevious = TokenId("prev_sot_token_id"),
            MaxInitialTimestampIndex = file.Integer("max_initial_timestamp_index") switch
            {
                null => fallback.MaxInitialTimestampIndex,
                < 0 and int negative => throw file.Wrong("max_initial_timestamp_index", $"must not be below zero, but it is {negative}"),
                int index => index,
            },
            SuppressTokens = file.List("suppress_tokens", CheckedId) ?? fallback.SuppressTokens,
            BeginSuppressTokens = file.List("begin_suppress_tokens", CheckedId) ?? fallback.BeginSuppressTokens,
            ForcedDecoderIds = file.List("forced_decoder_ids", Forced) ?? [],
            ReturnTimestamps = file.Flag("return_timestamps") ?? false,
            MaxLength = file.Positive("max_length", fallback.MaxLength),
        };

        int? TokenId(string field) => file.Find(field) is JsonElement value ? CheckedId(field, value) : null;
        int CheckedId(string field, JsonElement value) => file.TokenId(field, value, dimensions.Vocabulary);

        ForcedToken Forced(string field, JsonElement item)
        {
            (JsonElement position, JsonElement token) = file.Pair(field, item);
            return new ForcedToken(
                file.Integer(field, position),
                token.ValueKind == JsonValueKind.Null ? null : CheckedId(field, token));
        }
    }

    private static IReadOnlyList<AlignmentHead> UpperHalf(WhisperDimensions dimensions) =>
    [
        .. from layer in Enumerable.Range(dimensions.TextLayers / 2, dimensions.TextLayers - (dimensions.TextLayers / 2))
           from head in Enumerable.Range(0, dimensions.TextHeads)
           select new AlignmentHead(layer, head),
    ];

    /// <summary>
    /// The file's heads. A list that names a layer or head which this decoder has not was copied from another model
    /// (distilled models did that), so it says nothing about this one: null, like no list at all.
    /// </summary>
    private static IReadOnlyList<AlignmentHead>? ReadAlignmentHeads(JsonFile file, WhisperDimensions dimensions)
    {
        IReadOnlyList<AlignmentHead>? heads = file.List("alignment_heads", (field, item) =>
        {
            (JsonElement layer, JsonElement head) = file.Pair(field, item);
            return new AlignmentHead(file.Integer(field, layer), file.Integer(field, head));
        });

        bool fits = heads is { Count: > 0 } && heads.All(head =>
            head.Layer >= 0 && head.Layer < dimensions.TextLayers && head.Head >= 0 && head.Head < dimensions.TextHeads);
        return fits ? heads : null;
    }
}
