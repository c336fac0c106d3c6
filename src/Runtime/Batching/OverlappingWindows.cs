using Handwritten.Model;
using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// Cuts a recording into windows that overlap, for recordings that are not to be cut at silences. What lies in a stride is
/// heard twice, and <see cref="OverlapMerger"/> puts the two texts together.
/// <code>
///     window 1   ├───────────────────────── stride ┤
///     window 2             ├ stride ────────────────────────── stride ┤       two strides overlap: the right one of a
///     window 3                                ├ stride ───────────────┤       window and the left one of the next
/// </code>
/// Source: Hugging Face transformers, pipelines/automatic_speech_recognition.py, chunk_iter, with chunk_length_s and
/// stride_length_s.
/// </summary>
/// <param name="LengthSeconds">Length of a window.</param>
/// <param name="StrideSeconds">What it shares with each neighbour's middle, on either side; null for a sixth of the length.</param>
public sealed record OverlappingWindows(double LengthSeconds = WhisperAudio.WindowSeconds, double? StrideSeconds = null)
{
    /// <summary>Windows that go on by less would be without number.</summary>
    private const double LeastStep = 0.5;

    private double Stride => StrideSeconds ?? LengthSeconds / 6;

    /// <summary>Refuses lengths that make no sense.</summary>
    /// <exception cref="OptionsException">They do not.</exception>
    public void Verify()
    {
        OptionsException.Require(
            LengthSeconds is >= 1 and <= WhisperAudio.WindowSeconds,
            $"chunk_length must be from 1 to {WhisperAudio.WindowSeconds} s, which is what the model hears at once, but it is {LengthSeconds}.");
        OptionsException.Require(Stride >= 0, $"stride must not be below 0, but it is {Stride}.");
        OptionsException.Require(
            LengthSeconds - (2 * Stride) >= LeastStep,
            $"a stride of {Stride} s on both sides leaves less than {LeastStep} s of a window of {LengthSeconds} s: make it smaller.");
    }

    /// <summary>The windows of a recording.</summary>
    /// <param name="samples">Its samples.</param>
    internal IEnumerable<OverlappingStretch> Cut(int samples)
    {
        int length = Samples(LengthSeconds), stride = Samples(Stride);
        for (int start = 0; start < samples; start += length - (2 * stride))
        {
            bool isLast = start >= samples - length;
            OverlappingStretch stretch = new(start, Math.Min(length, samples - start), start == 0 ? 0 : stride, isLast ? 0 : stride, isLast);
            if (stretch.Length > stretch.Left)
            {
                yield return stretch;
            }

            if (isLast)
            {
                break;
            }
        }
    }

    private static int Samples(double seconds) => (int)Math.Round(seconds * WhisperAudio.SampleRate, MidpointRounding.ToEven);
}

/// <summary>A window among overlapping ones, in samples.</summary>
/// <param name="Start">First sample in the recording.</param>
/// <param name="Length">Samples.</param>
/// <param name="Left">How many of its first ones the window before hears as well.</param>
/// <param name="Right">How many of its last ones the window behind hears as well.</param>
/// <param name="IsLast">Whether it is the recording's last.</param>
internal readonly record struct OverlappingStretch(int Start, int Length, int Left, int Right, bool IsLast);
