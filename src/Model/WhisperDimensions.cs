namespace Handwritten.Model;

/// <summary>placeholder</summary>
public sealed record WhisperDimensions(int MelBins, int AudioContext, int Width, int AudioHeads, int AudioLayers, int AudioFeedForward, int Vocabulary, int TextContext, int TextHeads, int TextLayers, int TextFeedForward);
