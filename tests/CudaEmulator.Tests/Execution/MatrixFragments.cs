namespace Handwritten.CudaEmulator.Tests.Execution;

/// <summary>
/// Where the manual says that elements of mma's matrices are: for element i of lane's fragment, its row and column
/// ("Matrix Fragments for mma.m16n8k16" and the like, formula by formula).
/// </summary>
internal static class MatrixFragments
{
    /// <summary>A formula of the manual: lane's group (lane / 4), its place in the group (lane % 4), element number.</summary>
    public delegate (int Row, int Column) Layout(int group, int thread, int i);

    /// <summary>Elements of a lane, of A, B and C, and their layouts.</summary>
    public sealed record Shape(int M, int K, int BitsPerElement, Layout A, Layout B)
    {
        public const int N = 8;

        public static (int Row, int Column) C(int group, int thread, int i) => (i < 2 ? group : group + 8, thread * 2 + (i & 1));

        public int ElementsOfA => M * K / 32;

        public int ElementsOfB => K * N / 32;

        public int ElementsOfC => M * N / 32;
    }

    public static Shape Of(string shape, int bits) => (shape, bits) switch
    {
        ("m16n8k8", 16) => new(16, 8, 16,
            (g, t, i) => (i < 2 ? g : g + 8, t * 2 + (i & 1)),
            (g, t, i) => (t * 2 + i, g)),
        ("m16n8k16", 16) => new(16, 16, 16,
            (g, t, i) => (i is < 2 or >= 4 and < 6 ? g : g + 8, i < 4 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8),
            (g, t, i) => (i < 2 ? t * 2 + (i & 1) : t * 2 + (i & 1) + 8, g)),
        ("m16n8k4", 32) => new(16, 4, 32,
            (g, t, i) => (i == 0 ? g : g + 8, t),
            (g, t, _) => (t, g)),
        ("m16n8k8", 32) => new(16, 8, 32,
            (g, t, i) => (i is 0 or 2 ? g : g + 8, i is 0 or 1 ? t : t + 4),
            (g, t, i) => (i == 0 ? t : t + 4, g)),
        ("m8n8k16", 8) => new(8, 16, 8,
            (g, t, i) => (g, t * 4 + i),
            (g, t, i) => (t * 4 + i, g)),
        ("m16n8k16", 8) => new(16, 16, 8,
            (g, t, i) => (i < 4 ? g : g + 8, t * 4 + (i & 3)),
            (g, t, i) => (t * 4 + i, g)),
        ("m16n8k32", 8) => new(16, 32, 8,
            (g, t, i) => (i is < 4 or >= 8 and < 12 ? g : g + 8, i < 8 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16),
            (g, t, i) => (i < 4 ? t * 4 + (i & 3) : t * 4 + (i & 3) + 16, g)),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "no such shape"),
    };

    /// <summary>The registers, [register][lane], of a matrix of <paramref name="bits"/>-bit elements.</summary>
    public static uint[] Pack(uint[,] matrix, int elements, int bits, Layout layout)
    {
        var registers = new uint[elements * bits / 32 * 32];
        for (var lane = 0; lane < 32; lane++)
        {
            for (var i = 0; i < elements; i++)
            {
                var (row, column) = layout(lane / 4, lane % 4, i);
                var perRegister = 32 / bits;
                registers[32 * (i / perRegister) + lane] |= matrix[row, column] << (bits * (i % perRegister));
            }
        }

        return registers;
    }

    /// <summary>The matrix that registers hold.</summary>
    public static uint[,] Unpack(uint[] registers, int rows, int columns, int elements, int bits, Layout layout)
    {
        var matrix = new uint[rows, columns];
        for (var lane = 0; lane < 32; lane++)
        {
            for (var i = 0; i < elements; i++)
            {
                var (row, column) = layout(lane / 4, lane % 4, i);
                var perRegister = 32 / bits;
                matrix[row, column] = registers[32 * (i / perRegister) + lane] >> (bits * (i % perRegister)) & (uint)((1ul << bits) - 1);
            }
        }

        return matrix;
    }
}
