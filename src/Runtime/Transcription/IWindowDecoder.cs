using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Decodes windows of a recording: the joint between the loop over windows, which knows nothing of models, and the
/// search for a window's tokens, which knows nothing of recordings.
/// </summary>
internal interface IWindowDecoder
{
    /// <summary>Turns to a window; everything else is about the window that was turned to last.</summary>
    /// <param name="seek">Its first log-mel frame in the recording.</param>
    /// <param name="frames">Frames that hold audio, at most 3000; silence follows.</param>
    /// <param name="cancellation">Checked now and then.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    void Listen(int seek, int frames, CancellationToken cancellation);

    /// <summary>The most probable language.</summary>
    string DetectLanguage();

    /// <summary>Decodes at one temperature.</summary>
    /// <param name="options">How to decode, the prompt included.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    DecodingResult Decode(DecodingOptions options, CancellationToken cancellation);

    /// <summary>Finds words in time.</summary>
    /// <param name="textTokens">Their tokens, without timestamps.</param>
    /// <param name="options">How they were decoded.</param>
    /// <param name="frames">Log-mel frames of the window that hold audio.</param>
    IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames);
}
