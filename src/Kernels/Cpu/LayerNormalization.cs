using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// y = (x − mean) / sqrt(variance + 1e-5) · gain + bias over each row. Two passes over a row that is in the cache
/// anyway: the squares of x − mean do not cancel as Σx² − (Σx)²/n would.
/// </summary>
internal static unsafe class LayerNormalization
{
    private const float Epsilon = 1e-5f;

    /// <summary>Below this many elements a fork costs more than it saves.</summary>
    private const int ElementsPerItem = 16 * 1024;

    public static void Run<TSimd>(ThreadTeam.Turn team, float* x, int rows, int width, float* gain, float* bias, float* y)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int rowsPerItem = Math.Max(1, ElementsPerItem / width);
        Job<TSimd> job = new() { X = x, Y = y, Gain = gain, Bias = bias, Rows = rows, Width = width, RowsPerItem = rowsPerItem };
        team.Run(job, (rows + rowsPerItem - 1) / rowsPerItem);
    }

    private struct Job<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public float* X;
        public float* Y;
        public float* Gain;
        public float* Bias;
        public int Rows;
        public int Width;
        public int RowsPerItem;

        public readonly void Run(int item, int member)
        {
            int last = Math.Min((item + 1) * RowsPerItem, Rows);
            for (int row = item * RowsPerItem; row < last; row++)
            {
                Normalize(X + ((long)row * Width), Y + ((long)row * Width));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Normalize(float* x, float* y)
        {
            int vectors = Width - (Width % TSimd.Width);
            TSimd sums = TSimd.Broadcast(0f);
            for (int i = 0; i < vectors; i += TSimd.Width)
            {
                sums += TSimd.Load(x + i);
            }

            float sum = TSimd.Sum(sums);
            for (int i = vectors; i < Width; i++)
            {
                sum += x[i];
            }

            // The deviations add up to the rounding error of the mean: taking it off makes rows far from zero as good as others.
            float mean = sum / Width;
            TSimd means = TSimd.Broadcast(mean);
            TSimd deviations = TSimd.Broadcast(0f), squares = TSimd.Broadcast(0f);
            for (int i = 0; i < vectors; i += TSimd.Width)
            {
                TSimd deviation = TSimd.Load(x + i) - means;
                deviations += deviation;
                squares = TSimd.MultiplyAdd(deviation, deviation, squares);
            }

            float rest = TSimd.Sum(deviations), square = TSimd.Sum(squares);
            for (int i = vectors; i < Width; i++)
            {
                rest += x[i] - mean;
                square += (x[i] - mean) * (x[i] - mean);
            }

            rest /= Width;
            float scale = 1f / MathF.Sqrt((square / Width) - (rest * rest) + Epsilon);
            TSimd rests = TSimd.Broadcast(rest), scales = TSimd.Broadcast(scale);
            for (int i = 0; i < vectors; i += TSimd.Width)
            {
                TSimd normal = (TSimd.Load(x + i) - means - rests) * scales;
                TSimd.MultiplyAdd(normal, TSimd.Load(Gain + i), TSimd.Load(Bias + i)).Store(y + i);
            }

            for (int i = vectors; i < Width; i++)
            {
                y[i] = ((x[i] - mean - rest) * scale * Gain[i]) + Bias[i];
            }
        }
    }
}
