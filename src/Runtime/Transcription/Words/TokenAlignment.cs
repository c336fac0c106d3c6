using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// When the words of a window were said: the way through <see cref="AttentionMatrix"/> gives each token the frames that it
/// was heard in, and a word lasts from its first token's first frame to the next word's.
/// Source: openai/whisper, timing.py, find_alignment.
/// </summary>
internal static class TokenAlignment
{
    private const double FramesPerSecond = 1 / WhisperAudio.SecondsPerTimestamp;

    /// <summary>Finds the words.</summary>
    /// <param name="words">The words of the text and of the end-of-text token behind it, in order.</param>
    /// <param name="probabilities">The probability of each text token.</param>
    /// <param name="matrix">Who looks where, [text tokens + 1, frames]: row k is the step that chose token k.</param>
    /// <param name="frames">Encoder frames that hold audio.</param>
    public static IReadOnlyList<WordTiming> Find(IReadOnlyList<WordTokens> words, ReadOnlySpan<double> probabilities, ReadOnlySpan<float> matrix, int frames)
    {
        if (words.Count <= 1)
        {
            return [];
        }

        double[] starts = TokenStarts(matrix, matrix.Length / frames, frames);
        List<WordTiming> timings = new(words.Count - 1);
        int first = 0;
        foreach (WordTokens word in words.SkipLast(1))
        {
            int next = first + word.Tokens.Length;
            double sum = 0;
            foreach (double probability in probabilities[first..next])
            {
                sum += probability;
            }

            timings.Add(new WordTiming(word.Text, word.Tokens, starts[first], starts[next], sum / word.Tokens.Length));
            first = next;
        }

        return timings;
    }

    /// <summary>Seconds at which the way enters each row.</summary>
    private static double[] TokenStarts(ReadOnlySpan<float> matrix, int rows, int frames)
    {
        float[] costs = new float[matrix.Length];
        for (int i = 0; i < costs.Length; i++)
        {
            costs[i] = -matrix[i];
        }

        (int[] tokens, int[] columns) = DynamicTimeWarping.Path(costs, rows, frames);
        double[] starts = new double[rows];
        for (int i = 0; i < tokens.Length; i++)
        {
            if (i == 0 || tokens[i] != tokens[i - 1])
            {
                starts[tokens[i]] = columns[i] / FramesPerSecond;
            }
        }

        return starts;
    }
}
