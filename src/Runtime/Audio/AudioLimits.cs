namespace Handwritten.Runtime.Audio;

/// <summary>What decoding a recording may cost. The defaults are for one's own recordings; a server sets narrower ones.</summary>
public sealed record AudioLimits
{
    /// <summary>.NET's arrays end at 2^31 elements, which is 37 hours.</summary>
    internal const double MostSeconds = 36 * 3600;

    /// <summary>The longest recording, in seconds; at most 36 hours.</summary>
    public double MaximumSeconds { get; init; } = MostSeconds;

    /// <summary>How long ffmpeg may take; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Bytes of address space that ffmpeg may have; null for no limit. Windows has no such limit.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>
    /// Whether ffmpeg reads nothing but files that hold sound themselves, and no playlists: those name other files, which a
    /// stranger could have read to him.
    /// </summary>
    public bool OnlyContainers { get; init; }

    /// <summary>
    /// Is told how many samples there will be, at 16 kHz, before the next few of them are taken into memory. What it throws ends the
    /// decoding, so that whoever has many recordings to decode can bound them all together.
    /// </summary>
    public Action<long>? OnSamples { get; init; }

    /// <summary>Refuses what is too long, or what <see cref="OnSamples"/> does not want.</summary>
    /// <param name="samples">Samples with the next ones, at 16 kHz.</param>
    /// <param name="name">What to call the recording in messages.</param>
    /// <exception cref="AudioException">It is too long.</exception>
    internal void Admit(long samples, string name)
    {
        if (samples > Math.Min(MaximumSeconds, MostSeconds) * AudioClip.SampleRate)
        {
            TimeSpan limit = TimeSpan.FromSeconds(Math.Min(MaximumSeconds, MostSeconds));
            string text = limit.TotalHours >= 1 ? $"{limit.TotalHours:0.##} hours" : $"{limit.TotalSeconds:0.##} seconds";
            throw new AudioException($"{name} is longer than {text}: cut it into parts.");
        }

        OnSamples?.Invoke(samples);
    }
}
