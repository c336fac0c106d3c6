namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// Which token looks at which frame, from the cross-attention of a few heads: for each head
/// <code>
///     w[t, f]   softmax over the frames that hold audio
///     z[t, f] = (w[t, f] − mean over t) / deviation over t     frames that every token looks at tell nothing
///     m[t, f] = median of z[t, f − 3 .. f + 3]
/// </code>
/// and of that the mean over the heads. Source: openai/whisper, timing.py, find_alignment.
/// </summary>
internal static class AttentionMatrix
{
    /// <summary>Width of the median filter.</summary>
    public const int FilterWidth = 7;

    /// <summary>[rows, frames].</summary>
    /// <param name="heads">For each head its weights [rows, width], each row a softmax over all of the window's frames.</param>
    /// <param name="rows">Tokens.</param>
    /// <param name="width">Encoder frames of a window.</param>
    /// <param name="frames">Those that hold audio.</param>
    /// <param name="filterWidth">Width of the median filter.</param>
    public static float[] Compute(IReadOnlyList<float[]> heads, int rows, int width, int frames, int filterWidth = FilterWidth)
    {
        float[] matrix = new float[rows * frames], weights = new float[rows * frames], filtered = new float[frames];
        foreach (float[] head in heads)
        {
            for (int row = 0; row < rows; row++)
            {
                Renormalise(head.AsSpan(row * width, frames), weights.AsSpan(row * frames, frames));
            }

            Standardise(weights, rows, frames);
            for (int row = 0; row < rows; row++)
            {
                MedianFilter.Apply(weights.AsSpan(row * frames, frames), filterWidth, filtered);
                for (int frame = 0; frame < frames; frame++)
                {
                    matrix[(row * frames) + frame] += filtered[frame] / heads.Count;
                }
            }
        }

        return matrix;
    }

    /// <summary>A softmax over fewer frames is the same weights divided by their sum.</summary>
    private static void Renormalise(ReadOnlySpan<float> all, Span<float> weights)
    {
        double sum = 0;
        foreach (float weight in all)
        {
            sum += weight;
        }

        for (int frame = 0; frame < all.Length; frame++)
        {
            weights[frame] = sum > 0 ? (float)(all[frame] / sum) : 1f / all.Length;
        }
    }

    /// <summary>Each frame's weights over all tokens: mean 0, deviation 1. (Equal weights become zeros, where the original divides by zero.)</summary>
    private static void Standardise(Span<float> weights, int rows, int frames)
    {
        for (int frame = 0; frame < frames; frame++)
        {
            double sum = 0, squares = 0;
            for (int row = 0; row < rows; row++)
            {
                sum += weights[(row * frames) + frame];
            }

            double mean = sum / rows;
            for (int row = 0; row < rows; row++)
            {
                double difference = weights[(row * frames) + frame] - mean;
                squares += difference * difference;
            }

            double deviation = Math.Sqrt(squares / rows);
            for (int row = 0; row < rows; row++)
            {
                ref float weight = ref weights[(row * frames) + frame];
                weight = deviation > 0 ? (float)((weight - mean) / deviation) : 0;
            }
        }
    }
}
