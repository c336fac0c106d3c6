namespace Handwritten.Runtime.Audio;

/// <summary>
/// Many channels to one: the mean, sample by sample, which for two channels is (left + right) / 2, as ffmpeg's
/// <c>-ac 1</c>. It cannot clip, and what all channels have in common, the speech, keeps its level.
/// </summary>
public static class Downmix
{
    /// <summary>Mixes to mono.</summary>
    /// <param name="interleaved">The signal, [frames, channels].</param>
    /// <param name="channels">Number of channels.</param>
    /// <param name="mono">Where to put the mix, [frames]; it may begin at the same place as the input.</param>
    public static void ToMono(ReadOnlySpan<float> interleaved, int channels, Span<float> mono)
    {
        for (int frame = 0; frame < interleaved.Length / channels; frame++)
        {
            float sum = 0;
            foreach (float sample in interleaved.Slice(frame * channels, channels))
            {
                sum += sample;
            }

            mono[frame] = sum / channels;
        }
    }
}
