using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Decodes one window of a recording: the joint between the loop over windows, which knows nothing of models, and the
/// search for a window's tokens, which knows nothing of recordings.
/// </summary>
public interface IWindowDecoder
{
    /// <summary>Decodes a window.</summary>
    /// <param name="seek">Its first log-mel frame in the recording.</param>
    /// <param name="frames">Frames that hold audio, at most 3000; silence follows.</param>
    /// <param name="options">How to decode, the prompt included.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    DecodingResult Decode(int seek, int frames, DecodingOptions options, CancellationToken cancellation);
}
