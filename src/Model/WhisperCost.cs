namespace Handwritten.Model;

/// <summary>
/// What a model's parts cost, counted from its dimensions: floating-point operations of the matrix products and
/// attention (a multiplication and an addition are two), and the parameters that a decoding step has to read. Norms,
/// softmax and GELU are not counted, as is the custom.
/// </summary>
/// <param name="Dimensions">The model.</param>
public sealed record WhisperCost(WhisperDimensions Dimensions)
{
    private double Frames => Dimensions.AudioContext;

    private double Width => Dimensions.Width;

    /// <summary>Operations to encode one window.</summary>
    public double EncoderFlops
    {
        get
        {
            double convolutions = 2 * 3 * Width * ((2 * Frames * Dimensions.MelBins) + (Frames * Width));
            double projections = 2 * Frames * Width * ((4 * Width) + (2 * Dimensions.AudioFeedForward));
            double attention = 4 * Frames * Frames * Width;
            return convolutions + (Dimensions.AudioLayers * (projections + attention));
        }
    }

    /// <summary>Operations to project one encoded window to the keys and values of all cross-attention layers.</summary>
    public double ListenFlops => Dimensions.TextLayers * 2 * Frames * Width * (2 * Width);

    /// <summary>Operations to feed tokens to the decoder at once.</summary>
    /// <param name="tokens">How many.</param>
    /// <param name="cached">Tokens that lie before them.</param>
    /// <param name="outputs">Tokens whose logits are wanted.</param>
    public double DecoderFlops(int tokens, int cached, int outputs)
    {
        double projections = 2 * Width * ((6 * Width) + (2 * Dimensions.TextFeedForward));
        double selfAttention = 4 * Width * (cached + ((tokens + 1) / 2.0));
        double crossAttention = 4 * Width * Frames;
        return (Dimensions.TextLayers * tokens * (projections + selfAttention + crossAttention)) + (2.0 * outputs * Dimensions.Vocabulary * Width);
    }

    /// <summary>Parameters that every decoding step reads: the decoder's matrices and the token table.</summary>
    public double StepParameters =>
        (Dimensions.TextLayers * Width * ((6 * Width) + (2 * Dimensions.TextFeedForward))) + (Dimensions.Vocabulary * Width);

    /// <summary>Numbers in the cross-attention cache of one window, all of which every decoding step reads.</summary>
    public double CrossCacheElements => Dimensions.TextLayers * Frames * 2 * Width;
}
