using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;

namespace Handwritten.Runtime.Serving;

/// <summary>How much an engine does at the same time, and how much may wait for it. Memory grows with the first three.</summary>
public sealed record EngineOptions
{
    private const int WindowsOfGpuPass = 4;

    /// <summary>Audio windows that are decoded at the same time.</summary>
    public int Windows { get; init; } = 8;

    /// <summary>
    /// Token sequences that are decoded at the same time. A window takes one, or as many as it has beams or samples; a
    /// request that asks for more than there are is refused.
    /// </summary>
    public int Lanes { get; init; } = 16;

    /// <summary>
    /// The most windows that go through the encoder at once, and never more than <see cref="Windows"/>. More fill a GPU
    /// better, and delay running texts more. Null takes what the back end gains by: 4 on a GPU, and 1 on a CPU, all of whose
    /// cores a single window keeps busy.
    /// </summary>
    public int? EncoderBatch { get; init; }

    /// <summary>The most requests that are accepted and have not ended, live ones aside.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>The most requests of one client that are accepted and have not ended, live ones aside.</summary>
    public int MaxRequestsPerClient { get; init; } = 128;

    /// <summary>
    /// The most live requests that are accepted and have not ended. They have this bound alone, so that no number of recordings
    /// keeps anybody's speech from being followed; a <see cref="LiveTranscription"/> has one request at a time.
    /// </summary>
    public int MaxLiveRequests { get; init; } = 1024;

    /// <summary>The most seconds of audio of all requests that have not ended, live ones aside; samples take 64 KB a second. A day.</summary>
    public double MaxAudioSeconds { get; init; } = 86_400;

    /// <summary>
    /// The most recordings of more than <see cref="LongSeconds"/> that are under way at the same time in each priority:
    /// their spectrograms stay in the back end's memory, 32 KB a second with 80 mel bands in float32.
    /// </summary>
    public int LongRecordings { get; init; } = 4;

    /// <summary>Longer recordings count as long.</summary>
    public double LongSeconds { get; init; } = 300;

    /// <summary>Refuses what makes no sense.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is below what is needed.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Windows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Lanes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(EncoderBatch ?? 1, 1, nameof(EncoderBatch));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRequestsPerClient, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLiveRequests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LongRecordings, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxAudioSeconds);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(LongSeconds);
    }

    /// <summary>The most windows of an encoder pass.</summary>
    internal int WindowsOfPass(IKernels kernels) => Math.Min(Windows, EncoderBatch ?? (kernels is CpuKernels ? 1 : WindowsOfGpuPass));
}
