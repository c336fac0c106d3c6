namespace Handwritten.Model;

// The ear hears ratios: from 200 to 400 Hz is as far as from 2000 to 4000 Hz, roughly. The mel scale bends the frequency
// axis so that equal steps sound equal. Of its several definitions Whisper uses Slaney's, linear below 1 kHz
// (200/3 Hz a mel) and logarithmic above (27 mels for each factor of 6.4):
//
//     mel                     ·
//      │                ·           triangle m rises from corner m to corner m+1 and falls to corner m+2, and the
//      │           ·                corners lie at equal distances in mel from 0 to 8 kHz. Its height is
//      │        ·                   2 / (width in Hz), so that every triangle has the same area: white noise
//      │     ╱                      looks flat.
//      │   ╱
//      │ ╱                            △△△△ △ △  △   △    △      △
//      └──────┼──────────── Hz      ──┴────────────────────────────── Hz
//            1000
//
// Source: librosa.filters.mel(sr=16000, n_fft=400, n_mels), whose output openai/whisper ships as mel_filters.npz.

/// <summary>The mel filter bank: which of a spectrum's frequencies belong to which band, and with what weight.</summary>
public static class MelFilters
{
    private const int Bins = WhisperAudio.FourierBins;
    private const double HertzPerMel = 200.0 / 3;
    private const double LogStartHertz = 1000;
    private const double LogStartMel = LogStartHertz / HertzPerMel;
    private static readonly double LogStep = Math.Log(6.4) / 27;

    /// <summary>Computes the filters for 16 kHz sound and frames of 400 samples.</summary>
    /// <param name="mels">Number of bands; 80 and 128 are in use.</param>
    /// <returns>[mels, 201] row-major: weights of the powers at 0, 40, ..., 8000 Hz.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one band.</exception>
    public static float[] Create(int mels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mels, 1);
        double highest = ToMel(WhisperAudio.SampleRate / 2);
        double[] corners = [.. Enumerable.Range(0, mels + 2).Select(i => ToHertz(highest * i / (mels + 1)))];

        float[] filters = new float[mels * Bins];
        for (int mel = 0; mel < mels; mel++)
        {
            (double left, double top, double right) = (corners[mel], corners[mel + 1], corners[mel + 2]);
            for (int bin = 0; bin < Bins; bin++)
            {
                double hertz = (double)bin * WhisperAudio.SampleRate / WhisperAudio.FourierSize;
                double rising = (hertz - left) / (top - left);
                double falling = (right - hertz) / (right - top);

                // Rounded to float32 before the scaling too, as librosa does.
                float triangle = (float)Math.Max(0, Math.Min(rising, falling));
                filters[(mel * Bins) + bin] = (float)(triangle * (2 / (right - left)));
            }
        }

        return filters;
    }

    /// <summary>
    /// Where in the bank a frequency lies: 0 is the top of the lowest band's triangle, mels − 1 that of the highest.
    /// </summary>
    /// <param name="hertz">The frequency, 0 to 8000.</param>
    /// <param name="mels">Number of bands.</param>
    public static double Band(double hertz, int mels) => (ToMel(hertz) / ToMel(WhisperAudio.SampleRate / 2) * (mels + 1)) - 1;

    private static double ToMel(double hertz) =>
        hertz < LogStartHertz ? hertz / HertzPerMel : LogStartMel + (Math.Log(hertz / LogStartHertz) / LogStep);

    private static double ToHertz(double mel) =>
        mel < LogStartMel ? mel * HertzPerMel : LogStartHertz * Math.Exp(LogStep * (mel - LogStartMel));
}
