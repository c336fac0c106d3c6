namespace Handwritten.Runtime.Inspection;

/// <summary>A log-mel spectrogram as the encoder hears it.</summary>
/// <param name="Values">[frames, bands], about −1 to 1: (log10 of the power, at most 8 below the loudest, + 4) / 4.</param>
/// <param name="Frames">Frames of 0.01 s that hold audio.</param>
/// <param name="Bands">Mel bands, from 0 to 8 kHz.</param>
public sealed record SpectrogramTrace(float[] Values, int Frames, int Bands);

/// <summary>A token that was chosen, and what else there was.</summary>
/// <param name="Text">The token, a timestamp as <c>&lt;|0.40|&gt;</c>.</param>
/// <param name="Probability">Its probability over the whole vocabulary, before any rule.</param>
/// <param name="Rivals">The most probable other tokens, the best first.</param>
public sealed record TokenTrace(string Text, double Probability, IReadOnlyList<RivalToken> Rivals);

/// <summary>A token that was not chosen.</summary>
/// <param name="Text">The token.</param>
/// <param name="Probability">Its probability over the whole vocabulary, before any rule.</param>
public sealed record RivalToken(string Text, double Probability);

/// <summary>Where the decoder listened while it chose each token.</summary>
/// <param name="Tokens">The tokens.</param>
/// <param name="Frames">Encoder frames of 0.02 s that hold audio.</param>
/// <param name="Weights">[tokens, frames]: the softmax over the window's frames, mean of the heads.</param>
public sealed record AttentionTrace(IReadOnlyList<string> Tokens, int Frames, float[] Weights);

/// <summary>How the tokens of a window found their places in time.</summary>
/// <param name="Tokens">The text's tokens, and the end.</param>
/// <param name="Frames">Encoder frames of 0.02 s that hold audio.</param>
/// <param name="Matrix">[tokens, frames]: the alignment heads' attention, standardised, filtered, and the mean of the heads.</param>
/// <param name="Path">The way of dynamic time warping through the matrix, from its first element to its last.</param>
public sealed record AlignmentTrace(IReadOnlyList<string> Tokens, int Frames, float[] Matrix, IReadOnlyList<(int Token, int Frame)> Path);
