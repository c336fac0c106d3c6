using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;

namespace Handwritten.Runtime.VoiceActivity;

/// <summary>A stretch of speech.</summary>
/// <param name="Start">First sample.</param>
/// <param name="End">The sample behind the last.</param>
public readonly record struct SpeechRegion(int Start, int End)
{
    /// <summary>Number of samples.</summary>
    public int Length => End - Start;

    /// <summary>Beginning in seconds.</summary>
    public double StartSeconds => (double)Start / AudioClip.SampleRate;

    /// <summary>End in seconds.</summary>
    public double EndSeconds => (double)End / AudioClip.SampleRate;
}

// From probabilities to regions, window by window:
//
//     threshold ───────────────╭──────╮───────╭─╮─────────────      begins at or above the upper threshold;
//     negative threshold ─────╯────────╰─────╯───╰────────────      below the lower one a silence begins, which ends
//                              ├─────── speech ──┤ silence │        the speech once it is long enough
//
// Speech that gets too long is cut at its last pause (a silence of more than 98 ms), and goes on where that pause ended.
//
// Source: faster-whisper, vad.py, get_speech_timestamps.

/// <summary>Finds the stretches of speech in a recording.</summary>
public static class SpeechRegions
{
    private const int SamplesPerMillisecond = AudioClip.SampleRate / 1000;
    private const int ShortestPause = 98 * SamplesPerMillisecond;

    /// <summary>Listens to a recording and finds the speech in it.</summary>
    /// <param name="vad">The network.</param>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="options">What counts as speech.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The regions in order; they do not overlap.</returns>
    /// <exception cref="Decoding.OptionsException">An option makes no sense.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<SpeechRegion> Find(
        SileroVad vad, ReadOnlyMemory<float> samples, VoiceActivityOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(vad);
        return Find(vad.Probabilities(samples, cancellation), samples.Length, options);
    }

    /// <summary>Finds speech by probabilities.</summary>
    /// <param name="probabilities">One for each window, see <see cref="SileroVad.Probabilities"/>.</param>
    /// <param name="length">Samples of the recording.</param>
    /// <param name="options">What counts as speech.</param>
    /// <returns>The regions in order; they do not overlap.</returns>
    /// <exception cref="Decoding.OptionsException">An option makes no sense.</exception>
    public static IReadOnlyList<SpeechRegion> Find(ReadOnlySpan<float> probabilities, int length, VoiceActivityOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Verify();
        return Pad(Unpadded(probabilities, length, options), length, (long)options.PaddingMilliseconds * SamplesPerMillisecond);
    }

    private static List<SpeechRegion> Unpadded(ReadOnlySpan<float> probabilities, int length, VoiceActivityOptions options)
    {
        double negativeThreshold = options.EffectiveNegativeThreshold;
        long minSpeech = (long)options.MinSpeechMilliseconds * SamplesPerMillisecond;
        long minSilence = (long)options.MinSilenceMilliseconds * SamplesPerMillisecond;
        double maxSpeech = (options.MaxSpeechSeconds * AudioClip.SampleRate) - SileroVad.Window - (2.0 * options.PaddingMilliseconds * SamplesPerMillisecond);

        List<SpeechRegion> found = [];
        int? start = null, silence = null;
        Pause? pause = null;
        for (int i = 0; i < probabilities.Length; i++)
        {
            int now = i * SileroVad.Window;
            bool speaks = probabilities[i] >= options.Threshold;
            if (speaks && silence is not null)
            {
                silence = null;
                pause = pause is { } ended ? ended with { Resumed = ended.Resumed ?? now } : null;
            }

            if (speaks && start is null)
            {
                start = now;
                continue;
            }

            if (start is { } tooLong && now - tooLong > maxSpeech)
            {
                found.Add(new SpeechRegion(tooLong, pause?.Begun ?? now));
                bool atOnce = pause is null;
                start = pause?.Resumed;
                (silence, pause) = (null, null);
                if (atOnce)
                {
                    continue;
                }
            }

            if (probabilities[i] < negativeThreshold && start is { } begun)
            {
                silence ??= now;
                if (now - silence > ShortestPause)
                {
                    pause = new Pause(silence.Value, Resumed: null);
                }

                if (now - silence >= minSilence)
                {
                    if (silence.Value - begun > minSpeech)
                    {
                        found.Add(new SpeechRegion(begun, silence.Value));
                    }

                    (start, silence, pause) = (null, null, null);
                }
            }
        }

        if (start is { } last && length - last > minSpeech)
        {
            found.Add(new SpeechRegion(last, length));
        }

        return found;
    }

    // A silence shorter than twice the padding is halved between its neighbours; of an odd one, a sample is left.
    private static SpeechRegion[] Pad(List<SpeechRegion> regions, int length, long padding)
    {
        return [.. regions.Select((region, i) => new SpeechRegion(
            (int)Math.Max(0, region.Start - (i == 0 ? padding : Share(i - 1))),
            (int)Math.Min(length, region.End + (i == regions.Count - 1 ? padding : Share(i)))))];

        long Share(int before)
        {
            long silence = regions[before + 1].Start - regions[before].End;
            return silence < 2 * padding ? silence / 2 : padding;
        }
    }

    /// <summary>A silence within speech that is long enough to cut there.</summary>
    /// <param name="Begun">First sample.</param>
    /// <param name="Resumed">Where speech went on; null while it has not.</param>
    private readonly record struct Pause(int Begun, int? Resumed);
}
