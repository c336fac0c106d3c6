using System.Runtime.CompilerServices;
using Handwritten.Kernels.Gpu;
using ILGPU;

namespace Handwritten.MatrixLadder;

/// <summary>
/// A thread takes 4 x 4 results: what it has loaded into registers serves four times instead of once.
/// <code>
///                    16 threads x 4 outputs              for each 16 of k: every thread copies 16 bytes of x and of W
///                   +---+---+-- ... --+---+                (four neighbours: 64 bytes of a row), turned on its side,
///     16 threads    | 4 |   |         |   |                so that what lies together belongs to one k
///      x 4 rows     |x 4|   |         |   |              for each k: two reads of 16 bytes, 16 multiply-adds
///                   +---+---+-- ... --+---+                (rung 4: five reads of 4 bytes, four multiply-adds)
/// </code>
/// The tile is 64 x 64, which also halves the traffic with memory. The replays that are left are those of the stores: lanes
/// that are two chunks of k apart store 8 · <see cref="Pitch"/> floats apart, into the same bank. To have none, the shipped
/// kernel does not turn its tiles; it permutes their chunks (see Swizzle).
/// </summary>
internal static class Rung5Registers
{
    public const int Side = 64, Depth = 16, Threads = 256;

    private const int Pitch = Side + 4; // floats: rows of 16-byte chunks, which begin in different banks

    public static void Kernel(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, int outputs, int inputs)
    {
        ArrayView<Bits128> chunksOfX = x.Cast<Bits128>(), chunksOfW = weight.Cast<Bits128>(), chunksOfY = y.Cast<Bits128>();
        ArrayView<Bits128> tileX = SharedMemory.Allocate<Bits128>(Depth * Pitch / 4), tileW = SharedMemory.Allocate<Bits128>(Depth * Pitch / 4);
        int line = Group.IdxX >> 2, chunk = Group.IdxX & 3; // what it copies
        int right = Group.IdxX & 15, down = Group.IdxX >> 4; // what it multiplies
        int firstRow = Grid.IdxY * Side, firstOutput = Grid.IdxX * Side;
        int fromX = ((firstRow + line) * inputs / 4) + chunk, fromW = ((firstOutput + line) * inputs / 4) + chunk;
        Four sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (int first = 0; first < inputs / 4; first += Depth / 4)
        {
            StoreAcross(tileX.Cast<float>(), line, chunk, Four.Load(chunksOfX, fromX + first));
            StoreAcross(tileW.Cast<float>(), line, chunk, Four.Load(chunksOfW, fromW + first));
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                Four a = Four.Load(tileX, (k * Pitch / 4) + down), b = Four.Load(tileW, (k * Pitch / 4) + right);
                sum0 += b * a.X;
                sum1 += b * a.Y;
                sum2 += b * a.Z;
                sum3 += b * a.W;
            }

            Group.Barrier();
        }

        int place = (((firstRow + (4 * down)) * outputs) + firstOutput) / 4 + right;
        sum0.Store(chunksOfY, place);
        sum1.Store(chunksOfY, place + (outputs / 4));
        sum2.Store(chunksOfY, place + (2 * outputs / 4));
        sum3.Store(chunksOfY, place + (3 * outputs / 4));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreAcross(ArrayView<float> tile, int line, int chunk, Four values)
    {
        int place = (4 * chunk * Pitch) + line;
        tile[place] = values.X;
        tile[place + Pitch] = values.Y;
        tile[place + (2 * Pitch)] = values.Z;
        tile[place + (3 * Pitch)] = values.W;
    }
}
