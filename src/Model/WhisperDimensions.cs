namespace Handwritten.Model;

/// <summary>
/// The numbers that make a Whisper a particular size; everything about a checkpoint's shapes follows from them. Source:
/// openai/whisper, model.py, ModelDimensions.
/// </summary>
/// <param name="MelBins">Rows of the log-mel spectrogram: 80, or 128 from large-v3 on.</param>
/// <param name="AudioContext">Positions of the encoder after its stride of two: 1500 for 30 seconds.</param>
/// <param name="Width">Width of the residual stream on both sides (d_model).</param>
/// <param name="AudioHeads">Attention heads of the encoder.</param>
/// <param name="AudioLayers">Blocks of the encoder.</param>
/// <param name="AudioFeedForward">Width inside the encoder's feed-forward layers.</param>
/// <param name="Vocabulary">Tokens, special ones included.</param>
/// <param name="TextContext">Positions of the decoder.</param>
/// <param name="TextHeads">Attention heads of the decoder.</param>
/// <param name="TextLayers">Blocks of the decoder.</param>
/// <param name="TextFeedForward">Width inside the decoder's feed-forward layers.</param>
public sealed record WhisperDimensions(
    int MelBins,
    int AudioContext,
    int Width,
    int AudioHeads,
    int AudioLayers,
    int AudioFeedForward,
    int Vocabulary,
    int TextContext,
    int TextHeads,
    int TextLayers,
    int TextFeedForward)
{
    private const int EnglishVocabulary = 51864;
    private const int Languages99 = 51865;
    private const int Languages100 = 51866;

    /// <summary>
    /// The published models by their names on Hugging Face, without owner and <c>whisper-</c>. As there,
    /// <c>large</c> is the first one, large-v1.
    /// </summary>
    public static IReadOnlyDictionary<string, WhisperDimensions> Known { get; } = new Dictionary<string, WhisperDimensions>
    {
        ["tiny"] = Of(384, 4, 4, Languages99),
        ["tiny.en"] = Of(384, 4, 4, EnglishVocabulary),
        ["base"] = Of(512, 6, 6, Languages99),
        ["base.en"] = Of(512, 6, 6, EnglishVocabulary),
        ["small"] = Of(768, 12, 12, Languages99),
        ["small.en"] = Of(768, 12, 12, EnglishVocabulary),
        ["medium"] = Of(1024, 24, 24, Languages99),
        ["medium.en"] = Of(1024, 24, 24, EnglishVocabulary),
        ["large"] = Of(1280, 32, 32, Languages99),
        ["large-v1"] = Of(1280, 32, 32, Languages99),
        ["large-v2"] = Of(1280, 32, 32, Languages99),
        ["large-v3"] = Of(1280, 32, 32, Languages100, melBins: 128),
        ["large-v3-turbo"] = Of(1280, 32, 4, Languages100, melBins: 128),
        ["turbo"] = Of(1280, 32, 4, Languages100, melBins: 128),
        ["distil-small.en"] = Of(768, 12, 4, EnglishVocabulary),
        ["distil-medium.en"] = Of(1024, 24, 2, EnglishVocabulary),
        ["distil-large-v2"] = Of(1280, 32, 2, Languages99),
        ["distil-large-v3"] = Of(1280, 32, 2, Languages100, melBins: 128),
    };

    /// <summary>All of them share the rest: 30 seconds, 448 tokens, heads of 64, feed-forward layers four times as wide.</summary>
    private static WhisperDimensions Of(int width, int audioLayers, int textLayers, int vocabulary, int melBins = 80) => new(
        melBins, 1500, width, width / 64, audioLayers, 4 * width, vocabulary, 448, width / 64, textLayers, 4 * width);
}
