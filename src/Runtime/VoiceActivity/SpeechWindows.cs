using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.VoiceActivity;

/// <summary>Speech that is decoded as one window: regions of the recording, without the silences between them.</summary>
/// <param name="Regions">The regions in order; at least one.</param>
public sealed record SpeechWindow(IReadOnlyList<SpeechRegion> Regions)
{
    /// <summary>Number of samples.</summary>
    public int Length { get; } = Regions.Sum(region => region.Length);

    /// <summary>Seconds of them.</summary>
    public double Seconds => (double)Length / AudioClip.SampleRate;

    /// <summary>Turns times in this window into times in the recording.</summary>
    public SpeechTimeMap Times { get; } = new(Regions);

    /// <summary>The samples of the regions, one behind the other, [<see cref="Length"/>].</summary>
    /// <param name="recording">The whole recording.</param>
    public float[] Cut(ReadOnlySpan<float> recording)
    {
        float[] samples = new float[Length];
        Span<float> rest = samples;
        foreach (SpeechRegion region in Regions)
        {
            recording[region.Start..region.End].CopyTo(rest);
            rest = rest[region.Length..];
        }

        return samples;
    }
}

/// <summary>
/// Packs regions of speech into windows, each as full as it gets, so that a recording is cut only at silences and the
/// windows can be decoded side by side. Source: faster-whisper, vad.py, collect_chunks.
/// </summary>
public static class SpeechWindows
{
    /// <summary>What Whisper hears at once: 30 seconds.</summary>
    public const int MaxSamples = 30 * AudioClip.SampleRate;

    /// <summary>Packs regions.</summary>
    /// <param name="regions">Regions in order. One that is too long is cut into windows of its own.</param>
    /// <param name="maxSamples">Most samples of a window.</param>
    /// <returns>The windows in order; together they hold every sample of the regions once.</returns>
    public static IReadOnlyList<SpeechWindow> Collect(IEnumerable<SpeechRegion> regions, int maxSamples = MaxSamples)
    {
        ArgumentNullException.ThrowIfNull(regions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSamples);
        List<SpeechWindow> windows = [];
        List<SpeechRegion> current = [];
        int length = 0;
        foreach (SpeechRegion region in regions.SelectMany(region => Pieces(region, maxSamples)))
        {
            if (current.Count > 0 && length + region.Length > maxSamples)
            {
                windows.Add(new SpeechWindow([.. current]));
                current.Clear();
                length = 0;
            }

            current.Add(region);
            length += region.Length;
        }

        if (current.Count > 0)
        {
            windows.Add(new SpeechWindow([.. current]));
        }

        return windows;
    }

    /// <summary>Regions that were named instead of found.</summary>
    /// <param name="clips">Start, end, start, end, ... in seconds; without the last end, up to the end of the recording.</param>
    /// <param name="samples">Samples of the recording.</param>
    /// <exception cref="Decoding.OptionsException">A clip begins behind the recording's end.</exception>
    public static IReadOnlyList<SpeechRegion> RegionsOf(IReadOnlyList<double> clips, int samples) =>
        [.. ClipRanges.For(clips, samples / WhisperAudio.HopLength).Select(clip => new SpeechRegion(clip.Start * WhisperAudio.HopLength, clip.End * WhisperAudio.HopLength))];

    private static IEnumerable<SpeechRegion> Pieces(SpeechRegion region, int maxSamples)
    {
        for (long start = region.Start; start < region.End; start += maxSamples)
        {
            yield return new SpeechRegion((int)start, (int)Math.Min(region.End, start + maxSamples));
        }
    }
}
