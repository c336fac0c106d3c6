namespace Handwritten.Runtime.Audio;

/// <summary>
/// A recording as Whisper hears it: one channel, 16,000 samples a second, whatever the file was. Everything behind
/// this point of the program knows no other kind of sound.
/// </summary>
/// <param name="Samples">The signal, [samples], in -1..1: the int16 sample s of the file is s / 32768 here.</param>
/// <param name="Source">What the recording was before it was brought into this form.</param>
public sealed record AudioClip(float[] Samples, AudioSource Source)
{
    /// <summary>Samples a second, in Hz.</summary>
    public const int SampleRate = 16000;

    /// <summary>A sample beyond this, 60 dB above full scale, is no sound; its square may not fit the spectrogram.</summary>
    private const float LargestSample = 1000;

    /// <summary>Length in seconds.</summary>
    public double Seconds => (double)Samples.Length / SampleRate;

    /// <summary>Refuses what is no sound, before it becomes numbers that would be none.</summary>
    /// <exception cref="AudioException">A sample is no number, or far beyond [−1, 1].</exception>
    internal static void RequireSound(ReadOnlySpan<float> samples)
    {
        for (int i = 0; i < samples.Length; i++)
        {
            if (!(Math.Abs(samples[i]) <= LargestSample))
            {
                throw new AudioException($"sample {i} of the recording is {samples[i]}, which is no sound: samples lie between -1 and 1.");
            }
        }
    }
}

/// <summary>What a recording was in its file.</summary>
/// <param name="Name">What to call it in messages: <c>'talk.wav'</c> in quotes, or <c>standard input</c>.</param>
/// <param name="Codec">How the samples were stored, such as <c>16-bit PCM</c>, or ffmpeg's name of it, such as <c>flac</c>.</param>
/// <param name="SampleRate">Samples a second, in Hz; null where ffmpeg did not say.</param>
/// <param name="Channels">Number of channels; null where ffmpeg did not say.</param>
/// <param name="Seconds">Length in seconds.</param>
public sealed record AudioSource(string Name, string Codec, int? SampleRate, int? Channels, double Seconds);
