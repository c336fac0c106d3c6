namespace Handwritten.Runtime.Transcription;

/// <summary>
/// One recording being transcribed, whichever way it is cut into windows. Segments are computed as they are asked for; what
/// has been computed stays in <see cref="Transcript"/>, also when the rest is cancelled.
/// </summary>
public interface ITranscriptionRun : IDisposable
{
    /// <summary>Code of the recording's language, given or detected.</summary>
    string Language { get; }

    /// <summary>Seconds of the recording.</summary>
    double Duration { get; }

    /// <summary>Seconds of the recording that have been transcribed.</summary>
    double Position { get; }

    /// <summary>The segments so far, and their text.</summary>
    Transcript Transcript { get; }

    /// <summary>Transcribes; the segments in the order of time.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    IEnumerable<Segment> Segments();
}
