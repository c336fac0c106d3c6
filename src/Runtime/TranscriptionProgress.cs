namespace Handwritten.Runtime;

/// <summary>How far a transcription is.</summary>
/// <param name="Position">Seconds of the recording that have been transcribed.</param>
/// <param name="Duration">Seconds of the recording.</param>
public readonly record struct TranscriptionProgress(double Position, double Duration)
{
    /// <summary>The share that is done, in [0, 1].</summary>
    public double Fraction => Duration > 0 ? Position / Duration : 1;
}
