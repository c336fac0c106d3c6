using System.Text.Json;

namespace Handwritten.Model.Configuration;

// config.json says what network the weights belong to. Seven numbers tell tiny from large; large-v3 changes two more
// (128 mel bins instead of 80, one more language in the vocabulary), turbo and distil only cut decoder layers:
//
//                 width  heads  layers enc/dec      mel  vocabulary
//     tiny          384      6        4 / 4          80       51865
//     base          512      8        6 / 6          80       51865
//     small         768     12       12 / 12         80       51865     .en variants: vocabulary 51864
//     medium       1024     16       24 / 24         80       51865
//     large-v2     1280     20       32 / 32         80       51865
//     large-v3     1280     20       32 / 32        128       51866
//     turbo        1280     20       32 / 4         128       51866
//     distil-v3    1280     20       32 / 2         128       51866
//
// Nothing else in the code knows this table: whatever numbers the file has are taken, if they make a network.

/// <summary>What <c>config.json</c> says: the network's shape and the token ids it was trained with.</summary>
public sealed record WhisperConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "config.json";

    /// <summary>A head this wide has never been trained; a number beyond it is a slip.</summary>
    private const int WidestHead = 256;

    /// <summary>The numbers that fix the shape of every tensor.</summary>
    public required WhisperDimensions Dimensions { get; init; }

    /// <summary>Id of end-of-text (<c>eos_token_id</c>), if the file gives it.</summary>
    public int? EndOfText { get; init; }

    /// <summary><c>bos_token_id</c>, if the file gives it. Whisper never uses it.</summary>
    public int? BeginningOfText { get; init; }

    /// <summary><c>pad_token_id</c>, if the file gives it.</summary>
    public int? Padding { get; init; }

    /// <summary>Id of start-of-transcript (<c>decoder_start_token_id</c>), if the file gives it.</summary>
    public int? DecoderStart { get; init; }

    /// <summary>Ids that are never to be sampled; null where the file leaves it to generation_config.json.</summary>
    public IReadOnlyList<int>? SuppressTokens { get; init; }

    /// <summary>Ids that are not to be sampled as the first token; null where the file leaves it open.</summary>
    public IReadOnlyList<int>? BeginSuppressTokens { get; init; }

    /// <summary>Longest token sequence of one window, prompt included; null where the file leaves it open.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Whether the output projection is the token embedding. True for every published Whisper.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>
    /// <c>scale_embedding</c>. Kept for completeness: transformers reads the flag for Whisper, but multiplies nothing
    /// by it, so a network computes the same with either value.
    /// </summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Reads <c>config.json</c> of a model folder.</summary>
    /// <exception cref="ModelException">The file is missing, damaged, of another architecture, or contradicts itself.</exception>
    public static WhisperConfig Load(string folder)
    {
        JsonFile file = JsonFile.Open(folder, FileName);
        CheckArchitecture(file);

        WhisperDimensions dimensions = new(
            MelBins: file.Positive("num_mel_bins", fallback: 80),
            AudioContext: file.Positive("max_source_positions", fallback: 1500),
            Width: file.Positive("d_model"),
            AudioHeads: file.Positive("encoder_attention_heads"),
            AudioLayers: file.Positive("encoder_layers"),
            AudioFeedForward: file.Positive("encoder_ffn_dim"),
            Vocabulary: file.Positive("vocab_size"),
            TextContext: file.Positive("max_target_positions", fallback: 448),
            TextHeads: file.Positive("decoder_attention_heads"),
            TextLayers: file.Positive("decoder_layers"),
            TextFeedForward: file.Positive("decoder_ffn_dim"));
        CheckHeads(file, "encoder_attention_heads", dimensions.Width, dimensions.AudioHeads);
        CheckHeads(file, "decoder_attention_heads", dimensions.Width, dimensions.TextHeads);

        return new WhisperConfig
        {
            Dimensions = dimensions,
            EndOfText = TokenId("eos_token_id"),
            BeginningOfText = TokenId("bos_token_id"),
            Padding = TokenId("pad_token_id"),
            DecoderStart = TokenId("decoder_start_token_id"),
            SuppressTokens = file.List("suppress_tokens", CheckedId),
            BeginSuppressTokens = file.List("begin_suppress_tokens", CheckedId),
            MaxLength = file.Find("max_length") is null ? null : file.Positive("max_length"),
            TieWordEmbeddings = file.Flag("tie_word_embeddings") ?? true,
            ScaleEmbedding = file.Flag("scale_embedding") ?? false,
        };

        int? TokenId(string field) => file.Find(field) is JsonElement value ? CheckedId(field, value) : null;
        int CheckedId(string field, JsonElement value) => file.TokenId(field, value, dimensions.Vocabulary);
    }

    private static void CheckArchitecture(JsonFile file)
    {
        const string expected = "WhisperForConditionalGeneration";
        const string remedy = "give a Whisper speech recognition model such as openai/whisper-tiny";

        if (file.Text("model_type") is var type and not "whisper")
        {
            throw file.Wrong("model_type", type is null ? "is missing, so the architecture is unknown" : $"is \"{type}\", an unknown architecture", remedy);
        }

        IReadOnlyList<string>? architectures = file.List("architectures", (_, value) => value.ToString());
        if (architectures is not null && !architectures.Contains(expected))
        {
            throw file.Wrong("architectures", $"lists no {expected} but {(architectures.Count == 0 ? "nothing" : string.Join(", ", architectures))}, an unknown architecture", remedy);
        }

        if (file.Text("activation_function") is string activation and not "gelu")
        {
            throw file.Wrong("activation_function", $"is \"{activation}\", but Whisper's layers use \"gelu\"", remedy);
        }
    }

    private static void CheckHeads(JsonFile file, string field, int width, int heads)
    {
        if (width % heads != 0)
        {
            throw file.Wrong(field, $"is {heads}, which does not divide \"d_model\" {width}");
        }

        // Sinusoidal positions come in pairs and so do the SIMD lanes of every kernel: an odd head is no real model.
        if (width / heads is int size && (size > WidestHead || size % 2 != 0))
        {
            throw file.Wrong(field, $"is {heads}, which makes heads of {size} numbers for \"d_model\" {width}, but a head has an even number of them up to {WidestHead}");
        }
    }
}
