using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// A window on its way through batches. It says what to hear next and takes what was decoded, once or, if it was left
/// before its end, several times; which windows are heard beside it, it does not know.
/// </summary>
/// <param name="run">The recording that it is part of.</param>
internal abstract class BatchedWindow(BatchedRun run) : IDisposable
{
    private Tensor? _mel;

    /// <summary>The recording that it is part of.</summary>
    public BatchedRun Run { get; } = run;

    /// <summary>The first frame to hear next and how many frames, in its own spectrogram; null if all has been heard.</summary>
    public abstract (int Seek, int Frames)? Next { get; }

    /// <summary>How many of the frames to hear next hold audio.</summary>
    public abstract int AudioFrames { get; }

    /// <summary>Where it ends in the recording, in seconds.</summary>
    public abstract double End { get; }

    /// <summary>How to decode what is heard next.</summary>
    /// <param name="language">Its language.</param>
    public abstract DecodingOptions Options(string? language);

    /// <summary>Takes what was decoded, and moves on.</summary>
    /// <param name="result">What was decoded.</param>
    /// <param name="options">How.</param>
    /// <param name="align">Finds the words of a text in what was heard.</param>
    public abstract void Take(DecodingResult result, DecodingOptions options, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align);

    /// <summary>
    /// The segments, at their places in the recording but not yet numbered. Asked for once, after everything has been heard,
    /// window by window in the order of time.
    /// </summary>
    public abstract IEnumerable<Segment> Segments();

    /// <summary>The spectrogram, computed when it is first asked for.</summary>
    public Tensor Mel(LogMelFrontend frontend) => _mel ??= ComputeMel(frontend);

    /// <summary>Frees the spectrogram.</summary>
    public void Dispose()
    {
        _mel?.Dispose();
        _mel = null;
    }

    /// <summary>Computes the spectrogram.</summary>
    protected abstract Tensor ComputeMel(LogMelFrontend frontend);
}
