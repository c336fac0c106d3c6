using ILGPU;

namespace Handwritten.MatrixLadder;

/// <summary>Floats from one row of a tile in shared memory to the next.</summary>
internal interface IPitch
{
    static abstract int Floats { get; }
}

/// <summary>Rows end where the next ones begin.</summary>
internal struct Tight : IPitch
{
    public static int Floats => 32;
}

/// <summary>One float is left empty behind each row.</summary>
internal struct Padded : IPitch
{
    public static int Floats => 33;
}

/// <summary>
/// A block takes a tile of 32 x 32 results, and fetches what it needs of x and W once for all of them, 32 steps of k at a time.
/// <code>
///                       W: 32 outputs                 for each 32 of k:
///                      +------------+                    all warps copy a row of 32 floats each, and again: 128 bytes
///                      | k →        |                      in a piece, four sectors, all used
///                      +------------+                    barrier
///     x: +------------+     tile of y:                   each lane adds 32 products to four sums: one output, four rows
///     32 | k →        |     32 x 32                      barrier
///        +------------+
/// </code>
/// Memory delivers a 32nd of what it did. But now shared memory is the wall: it has 32 banks, float i is in bank i mod 32, and
/// the lanes, an output each, read a column of W's tile. In <see cref="Tight"/> rows all 32 floats of a column are in one
/// bank and come one after another. <see cref="Padded"/> by one float, each row begins one bank further on, and they come
/// together: rung 4 is rung 3 with one constant changed.
/// </summary>
internal static class Rung3SharedTiles<TPitch>
    where TPitch : struct, IPitch
{
    public const int Side = 32, Threads = 256;

    public static void Kernel(ArrayView<float> x, ArrayView<float> weight, ArrayView<float> y, int outputs, int inputs)
    {
        ArrayView<float> tileX = SharedMemory.Allocate<float>(Side * 33), tileW = SharedMemory.Allocate<float>(Side * 33);
        int lane = Group.IdxX & 31, warp = Group.IdxX >> 5;
        int firstRow = Grid.IdxY * Side, firstOutput = Grid.IdxX * Side;
        float sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (int first = 0; first < inputs; first += Side)
        {
            for (int line = warp; line < Side; line += 8)
            {
                tileX[(line * TPitch.Floats) + lane] = x[((firstRow + line) * inputs) + first + lane];
                tileW[(line * TPitch.Floats) + lane] = weight[((firstOutput + line) * inputs) + first + lane];
            }

            Group.Barrier();
            for (int k = 0; k < Side; k++)
            {
                float w = tileW[(lane * TPitch.Floats) + k];
                sum0 += tileX[(warp * TPitch.Floats) + k] * w;
                sum1 += tileX[((warp + 8) * TPitch.Floats) + k] * w;
                sum2 += tileX[((warp + 16) * TPitch.Floats) + k] * w;
                sum3 += tileX[((warp + 24) * TPitch.Floats) + k] * w;
            }

            Group.Barrier(); // before the next tile falls upon this one
        }

        int place = ((firstRow + warp) * outputs) + firstOutput + lane;
        y[place] = sum0;
        y[place + (8 * outputs)] = sum1;
        y[place + (16 * outputs)] = sum2;
        y[place + (24 * outputs)] = sum3;
    }
}
