namespace Handwritten.Model.Synthetic;

/// <summary>
/// The names and shapes of all tensors in a Whisper checkpoint as Hugging Face publishes it. Linear weights are
/// [outputs, inputs], convolutions [outputs, channels, 3]. The output projection is missing because it is the token
/// embedding, and key projections have no bias because a constant added to all scores of a query changes no softmax.
/// </summary>
internal static class CheckpointLayout
{
    /// <summary>The one tensor that was computed, not learned.</summary>
    public const string EncoderPositions = "model.encoder.embed_positions.weight";

    private const int Taps = 3;

    /// <summary>Numbers in all tensors together.</summary>
    public static long Parameters(WhisperDimensions size) => Tensors(size).Sum(tensor => tensor.Shape.Aggregate(1L, (product, dimension) => product * dimension));

    /// <summary>All tensors, in the order of the computation.</summary>
    public static IEnumerable<(string Name, int[] Shape)> Tensors(WhisperDimensions size) =>
    [
        .. Affine("model.encoder.conv1", size.Width, size.MelBins, Taps),
        .. Affine("model.encoder.conv2", size.Width, size.Width, Taps),
        (EncoderPositions, [size.AudioContext, size.Width]),
        .. Enumerable.Range(0, size.AudioLayers).SelectMany(layer => Block(
            $"model.encoder.layers.{layer}", size.Width, size.AudioFeedForward, "self_attn")),
        .. Affine("model.encoder.layer_norm", size.Width),
        ("model.decoder.embed_tokens.weight", [size.Vocabulary, size.Width]),
        ("model.decoder.embed_positions.weight", [size.TextContext, size.Width]),
        .. Enumerable.Range(0, size.TextLayers).SelectMany(layer => Block(
            $"model.decoder.layers.{layer}", size.Width, size.TextFeedForward, "self_attn", "encoder_attn")),
        .. Affine("model.decoder.layer_norm", size.Width),
    ];

    /// <summary>
    /// Whether a tensor is multiplied with rows, and may be in int8: not the tables of positions, which have two dimensions as
    /// well.
    /// </summary>
    public static bool IsMatrix(string name, int[] shape) => shape.Length == 2 && !name.EndsWith(".embed_positions.weight", StringComparison.Ordinal);

    private static IEnumerable<(string Name, int[] Shape)> Block(string block, int width, int feedForward, params string[] attentions) =>
    [
        .. attentions.SelectMany(attention => Attention($"{block}.{attention}", width)),
        .. Affine($"{block}.fc1", feedForward, width),
        .. Affine($"{block}.fc2", width, feedForward),
        .. Affine($"{block}.final_layer_norm", width),
    ];

    private static IEnumerable<(string Name, int[] Shape)> Attention(string attention, int width) =>
    [
        .. Affine($"{attention}_layer_norm", width),
        .. Affine($"{attention}.q_proj", width, width),
        ($"{attention}.k_proj.weight", [width, width]),
        .. Affine($"{attention}.v_proj", width, width),
        .. Affine($"{attention}.out_proj", width, width),
    ];

    /// <summary>A weight of this shape and a bias as long as its first dimension: linear, convolution or layer norm.</summary>
    private static IEnumerable<(string Name, int[] Shape)> Affine(string name, params int[] shape) =>
        [($"{name}.weight", shape), ($"{name}.bias", [shape[0]])];
}
