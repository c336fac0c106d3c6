using System.Numerics;
using System.Runtime.InteropServices;

namespace Handwritten.Kernels;

/// <summary>
/// Softmax arithmetic over a vocabulary: log softmax(x)ᵢ = xᵢ − log Σⱼ exp(xⱼ), the sum taken of exp(xⱼ − max), which cannot
/// overflow. Minus infinity stands for a forbidden token and adds nothing; NaN spreads.
/// </summary>
public static class VocabularySoftmax
{
    /// <summary>Sets the logits of some tokens to minus infinity.</summary>
    public static void Forbid(Span<float> logits, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            logits[token] = float.NegativeInfinity;
        }
    }

    /// <summary>The largest logit; minus infinity for none.</summary>
    public static float Max(ReadOnlySpan<float> logits)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        Vector<float> lanes = new(float.NegativeInfinity);
        foreach (Vector<float> vector in vectors)
        {
            lanes = Vector.Max(lanes, vector);
        }

        float max = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
        {
            max = Math.Max(max, lanes[lane]);
        }

        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
        {
            max = Math.Max(max, logit);
        }

        return max;
    }

    /// <summary>The id of the largest logit, the first one on a tie.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits) => logits.IndexOf(Max(logits));

    /// <summary>log Σ exp(logits); minus infinity for none.</summary>
    public static float LogSumExp(ReadOnlySpan<float> logits)
    {
        float max = Max(logits);
        if (float.IsNegativeInfinity(max))
        {
            return max;
        }

        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        Vector<float> shift = new(max), lanes = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
        {
            lanes += Vector.Exp(vector - shift);
        }

        double sum = 0;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
        {
            sum += lanes[lane];
        }

        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
        {
            sum += Math.Exp(logit - max);
        }

        return (float)(max + Math.Log(sum));
    }
}
