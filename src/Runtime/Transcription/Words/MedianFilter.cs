namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// Replaces each number by the median of itself and its neighbours: single outliers vanish, edges stay.
/// <code>
///     y[i] = median(x[i − width/2 .. i + width/2])      reflected at both ends: x[−1] is x[1]
/// </code>
/// Source: openai/whisper, timing.py, median_filter.
/// </summary>
internal static class MedianFilter
{
    /// <summary>Filters one row; one that is not longer than half the width stays as it is.</summary>
    /// <param name="x">The numbers.</param>
    /// <param name="width">Odd.</param>
    /// <param name="y">Receives the medians; not the same memory as <paramref name="x"/>.</param>
    public static void Apply(ReadOnlySpan<float> x, int width, Span<float> y)
    {
        int half = width / 2;
        if (x.Length <= half)
        {
            x.CopyTo(y);
            return;
        }

        Span<float> sorted = stackalloc float[width];
        for (int i = 0; i < x.Length; i++)
        {
            for (int k = 0; k < width; k++)
            {
                int from = Math.Abs(i + k - half);
                float value = x[from < x.Length ? from : (2 * (x.Length - 1)) - from];
                int place = k;
                for (; place > 0 && sorted[place - 1] > value; place--)
                {
                    sorted[place] = sorted[place - 1];
                }

                sorted[place] = value;
            }

            y[i] = sorted[half];
        }
    }
}
