namespace Handwritten.Kernels;

/// <summary>
/// Draws a token with p ∝ exp(logit / temperature) by taking the largest of logit / temperature + noise, where
/// noise = −ln(−ln u) with u uniform (Gumbel's distribution). Every token's noise is a function of (seed, candidate, place
/// in the text, token) alone: a search on the host and <see cref="IKernels.Choose"/> on any back end draw the same.
/// </summary>
public static class TokenDraw
{
    /// <summary>Above any noise: −ln u is 2⁻³³ at least.</summary>
    private const float LargestNoise = 23;

    /// <summary>Draws.</summary>
    /// <param name="allowed">[vocabulary] logits; minus infinity for what is forbidden.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="seed">Where the random numbers begin.</param>
    /// <param name="candidate">Which of the texts that began together.</param>
    /// <param name="step">Tokens that the text has.</param>
    public static int Draw(ReadOnlySpan<float> allowed, double temperature, ulong seed, int candidate, int step)
    {
        ChoiceRules rules = new() { EndOfText = 0, NoSpeech = 0, MaxTokens = 0, Temperature = temperature, Seed = seed };
        return Draw(LaneRules.Of(rules, allowed.Length, candidate, candidate + 1), allowed, step);
    }

    internal static int Draw(LaneRules rules, ReadOnlySpan<float> allowed, int step)
    {
        int token = VocabularySoftmax.ArgMax(allowed);
        if (float.IsNaN(allowed[token]))
        {
            return token;
        }

        float best = (allowed[token] * rules.InverseTemperature) + Noise(rules, step, token);
        for (int i = 0; i < allowed.Length; i++)
        {
            float scaled = allowed[i] * rules.InverseTemperature;
            if (scaled + LargestNoise < best)
            {
                continue; // almost all of them: no noise lifts them so high
            }

            float score = scaled + Noise(rules, step, i);
            if (score > best || (score == best && i < token))
            {
                (best, token) = (score, i);
            }
        }

        return token;
    }

    private static float Noise(LaneRules rules, int step, int token)
    {
        float v = Philox.Uniform(Philox.OfToken(rules, step, token));
        return -MathF.Log(v < 0.5f ? Philox.ExponentialNearZero(v) : -MathF.Log(1 - v));
    }
}
