namespace Handwritten.Runtime.Serving;

/// <summary>The last seconds of a stream, addressed by the number of a sample in the whole stream.</summary>
/// <param name="capacity">The most samples.</param>
internal sealed class RollingAudio(int capacity)
{
    private readonly float[] _samples = new float[capacity];

    /// <summary>The first sample that is kept.</summary>
    public long Start { get; private set; }

    /// <summary>The sample behind the last.</summary>
    public long End => Start + Length;

    /// <summary>Samples kept.</summary>
    public int Length { get; private set; }

    /// <summary>Samples that there is room for.</summary>
    public int Room => _samples.Length - Length;

    /// <summary>Adds samples.</summary>
    /// <exception cref="ArgumentException">There is no room.</exception>
    public void Append(ReadOnlySpan<float> samples)
    {
        samples.CopyTo(_samples.AsSpan(Length));
        Length += samples.Length;
    }

    /// <summary>Forgets what lies before a sample.</summary>
    public void DropBefore(long sample)
    {
        int dropped = (int)Math.Clamp(sample - Start, 0, Length);
        _samples.AsSpan(dropped, Length - dropped).CopyTo(_samples);
        (Start, Length) = (Start + dropped, Length - dropped);
    }

    /// <summary>All that is kept, until the next change.</summary>
    public ReadOnlyMemory<float> Samples => _samples.AsMemory(0, Length);
}
