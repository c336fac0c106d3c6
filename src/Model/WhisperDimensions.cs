namespace Handwritten.Model;

/// <summary>The numbers that fix the shape of every tensor of a Whisper model.</summary>
/// <param name="MelBins">Mel bins of a spectrogram frame.</param>
/// <param name="AudioContext">Positions of the encoder: half the frames of a window.</param>
/// <param name="Width">d_model, the width of the residual stream.</param>
/// <param name="AudioHeads">Attention heads of an encoder layer.</param>
/// <param name="AudioLayers">Encoder layers.</param>
/// <param name="AudioFeedForward">Hidden width of the encoder's feed-forward networks.</param>
/// <param name="Vocabulary">Rows of the token embedding.</param>
/// <param name="TextContext">Positions of the decoder.</param>
/// <param name="TextHeads">Attention heads of a decoder layer.</param>
/// <param name="TextLayers">Decoder layers.</param>
/// <param name="TextFeedForward">Hidden width of the decoder's feed-forward networks.</param>
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
    int TextFeedForward);
