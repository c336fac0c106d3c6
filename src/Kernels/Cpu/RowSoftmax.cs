using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The softmax of one row of scores that lies in pieces of 32, <c>stride</c> floats apart, as <see cref="TileKernel"/>
/// leaves it: p[i] = 2^(score[i] − largest); whoever uses it divides by the sum. The scores are logarithms to base two.
/// </summary>
internal static unsafe class RowSoftmax
{
    private const int Panel = PackedMatrix.PanelWidth;

    /// <summary>Replaces the first <paramref name="count"/> scores of whole panels, and everything behind them by zero.</summary>
    /// <returns>The largest score (−∞ if there is none) and the sum of the powers.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Largest, float Sum) Run<TSimd>(float* scores, int stride, int panels, int count)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        Fill(scores, stride, count, panels * Panel, float.NegativeInfinity);
        TSimd largest = TSimd.Broadcast(float.NegativeInfinity);
        for (int panel = 0; panel < panels; panel++)
        {
            for (int i = 0; i < Panel; i += TSimd.Width)
            {
                largest = TSimd.Max(largest, TSimd.Load(scores + ((long)panel * stride) + i));
            }
        }

        float maximum = TSimd.Largest(largest);
        largest = TSimd.Broadcast(count > 0 ? maximum : 0f);
        for (int panel = 0; panel < panels; panel++)
        {
            for (int i = 0; i < Panel; i += TSimd.Width)
            {
                float* score = scores + ((long)panel * stride) + i;
                VectorMath.Exp2(TSimd.Load(score) - largest).Store(score);
            }
        }

        // The powers of −∞ are tiny, not zero.
        Fill(scores, stride, count, panels * Panel, 0f);
        TSimd sum = TSimd.Broadcast(0f);
        for (int panel = 0; panel < panels; panel++)
        {
            for (int i = 0; i < Panel; i += TSimd.Width)
            {
                sum += TSimd.Load(scores + ((long)panel * stride) + i);
            }
        }

        return (maximum, TSimd.Sum(sum));
    }

    private static void Fill(float* scores, int stride, int from, int to, float value)
    {
        for (int i = from; i < to; i++)
        {
            scores[((long)(i / Panel) * stride) + (i % Panel)] = value;
        }
    }
}
