using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Every frame attends to every frame: y = softmax(q kᵀ / sqrt(head size)) v for each head, without ever holding the
/// [frames, frames] matrix. One strip of 32 queries at a time, turned so that each query owns a lane:
/// <code>
///                        32 queries                                      32 queries
///                       ┌──────────┐ head                               ┌──────────┐
///                       │    qᵀ    │ size                               │    p     │ frames
///                       └──────────┘                                    └──────────┘
///     ┌ head size ┐     ┌──────────┐                ┌── frames ──┐      ┌──────────┐
///     │     k     │     │  scores  │ frames         │     vᵀ     │      │    yᵀ    │ head size
///     └───────────┘     └──────────┘                └────────────┘      └──────────┘
/// </code>
/// Both products run on <see cref="TileKernel"/>: q and p are its panels, k and vᵀ its rows, packed once for all strips.
/// The softmax between them runs down the lanes: largest score, exponentials and their sum need no sum across a vector,
/// and a query's result does not depend on its neighbours. The strip (frames · 32 floats) stays in the second-level cache.
/// </summary>
internal static unsafe class EncoderAttention
{
    private const int Strip = PackedMatrix.PanelWidth;

    /// <summary>Strips that a thread does at a time: tenths of a millisecond, so that all threads end together.</summary>
    private const int StripsPerItem = 2;

    /// <summary>Frames whose keys and values one item packs: whole tiles of every size.</summary>
    private const int FramesPerItem = 240;

    public static void Run<TSimd>(ThreadTeam.Turn team, float* queryKeyValue, int batch, int frames, int heads, int headSize, float* y)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int paddedFrames = RoundUp(frames, TSimd.TileRows), paddedSize = RoundUp(headSize, TSimd.TileRows);
        long headFloats = (long)paddedFrames * headSize + (long)frames * paddedSize;
        Shape shape = new()
        {
            Frames = frames,
            Heads = heads,
            HeadSize = headSize,
            PaddedFrames = paddedFrames,
            PaddedSize = paddedSize,
            HeadFloats = headFloats,
            Packed = team.ReserveShared(heads * headFloats),
            Scratch = team.Reserve(Strip * (Math.Max(paddedFrames, headSize) + headSize + 1L + paddedSize)),
        };
        for (int item = 0; item < batch; item++)
        {
            shape.QueryKeyValue = queryKeyValue + ((long)item * frames * 3 * shape.Width);
            shape.Y = y + ((long)item * frames * shape.Width);
            PackJob<TSimd> pack = new() { Shape = shape, Parts = (frames + FramesPerItem - 1) / FramesPerItem };
            team.Run(pack, heads * pack.Parts);
            AttendJob<TSimd> attend = new() { Shape = shape, Parts = (frames + (StripsPerItem * Strip) - 1) / (StripsPerItem * Strip) };
            team.Run(attend, heads * attend.Parts);
        }
    }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>One audio window.</summary>
    private struct Shape
    {
        public float* QueryKeyValue;
        public float* Y;
        public int Frames;
        public int Heads;
        public int HeadSize;
        public int PaddedFrames;
        public int PaddedSize;
        public long HeadFloats;
        public float* Packed;
        public ScratchBlocks Scratch;

        public readonly int Width => Heads * HeadSize;

        /// <summary>A head's keys [frames / R][head size][R], for tiles of R frames.</summary>
        public readonly float* Keys(int head) => Packed + (head * HeadFloats);

        /// <summary>A head's values [head size / R][frames][R], for tiles of R columns.</summary>
        public readonly float* Values(int head) => Keys(head) + ((long)PaddedFrames * HeadSize);
    }

    private struct PackJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;
        public int Parts;

        public readonly void Run(int item, int member)
        {
            (int head, int part) = Math.DivRem(item, Parts);
            int first = part * FramesPerItem, last = Math.Min(first + FramesPerItem, Shape.Frames);
            float* key = Shape.QueryKeyValue + Shape.Width + (head * Shape.HeadSize), value = key + Shape.Width;
            RowView view = RowView.OfMatrix(key, Shape.Frames, Shape.HeadSize, 3L * Shape.Width);
            for (int frame = first; frame < last; frame += TSimd.TileRows)
            {
                int count = Math.Min(TSimd.TileRows, Shape.Frames - frame);
                view.Pack(frame, count, TileKernel.RowsOfTile(count), 0, Shape.HeadSize, Shape.Keys(head) + ((long)frame * Shape.HeadSize), Shape.Scratch[member]);
            }

            // Values lie turned already: a frame's head is a run of tile rows. A last tile that has rows to spare leaves
            // in them what was there before: it is multiplied, and never looked at.
            for (int row = 0; row < Shape.HeadSize; row += TSimd.TileRows)
            {
                int count = Math.Min(TSimd.TileRows, Shape.HeadSize - row), rows = TileKernel.RowsOfTile(count);
                float* tile = Shape.Values(head) + ((long)row * Shape.Frames);
                for (int frame = first; frame < last; frame++)
                {
                    long bytes = count * sizeof(float);
                    Buffer.MemoryCopy(value + ((long)frame * 3 * Shape.Width) + row, tile + ((long)frame * rows), bytes, bytes);
                }
            }
        }
    }

    private struct AttendJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;
        public int Parts;

        public readonly void Run(int item, int member)
        {
            (int head, int part) = Math.DivRem(item, Parts);
            int first = part * StripsPerItem * Strip, last = Math.Min(first + (StripsPerItem * Strip), Shape.Frames);
            for (; first < last; first += Strip)
            {
                AttendStrip(head, first, Math.Min(Strip, Shape.Frames - first), Shape.Scratch[member]);
            }
        }

        private readonly void AttendStrip(int head, int first, int count, float* scratch)
        {
            float* queries = scratch;                                // [head size][32]
            float* inverseSums = queries + (Shape.HeadSize * Strip); // [32]
            float* result = inverseSums + Strip;                     // [padded head size][32]
            float* scores = result + (Shape.PaddedSize * Strip);     // [padded frames][32], and room to pack queries
            PackQueries(head, first, count, queries, scores);
            for (int frame = 0; frame < Shape.Frames; frame += TSimd.TileRows)
            {
                int rows = TileKernel.RowsOfTile(Math.Min(TSimd.TileRows, Shape.Frames - frame));
                TileKernel.Multiply<TSimd, SingleElement>(
                    rows, Shape.Keys(head) + ((long)frame * Shape.HeadSize), (byte*)queries, Shape.HeadSize, scores + ((long)frame * Strip));
            }

            Softmax(scores, Shape.Frames, inverseSums);
            for (int row = 0; row < Shape.HeadSize; row += TSimd.TileRows)
            {
                int rows = TileKernel.RowsOfTile(Math.Min(TSimd.TileRows, Shape.HeadSize - row));
                TileKernel.Multiply<TSimd, SingleElement>(
                    rows, Shape.Values(head) + ((long)row * Shape.Frames), (byte*)scores, Shape.Frames, result + (row * Strip));
            }

            Store(result, inverseSums, Shape.Y + ((long)first * Shape.Width) + (head * Shape.HeadSize), count);
        }

        private readonly void PackQueries(int head, int first, int count, float* queries, float* spare)
        {
            float* source = Shape.QueryKeyValue + (head * Shape.HeadSize);
            RowView.OfMatrix(source, Shape.Frames, Shape.HeadSize, 3L * Shape.Width).Pack(first, count, Strip, 0, Shape.HeadSize, queries, spare);
            TSimd scale = TSimd.Broadcast(VectorMath.Log2E / MathF.Sqrt(Shape.HeadSize));
            for (int i = 0; i < Shape.HeadSize * Strip; i += TSimd.Width)
            {
                (TSimd.Load(queries + i) * scale).Store(queries + i);
            }
        }

        /// <summary>Scores become 2^(score − largest); the division by their sum is left to the end.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Softmax(float* scores, int frames, float* inverseSums)
        {
            float* end = scores + ((long)frames * Strip);
            for (int lane = 0; lane < Strip; lane += TSimd.Width)
            {
                TSimd largest = TSimd.Load(scores + lane);
                for (float* score = scores + lane; score < end; score += Strip)
                {
                    largest = TSimd.Max(largest, TSimd.Load(score));
                }

                TSimd sum = TSimd.Broadcast(0f);
                for (float* score = scores + lane; score < end; score += Strip)
                {
                    TSimd weight = VectorMath.Exp2(TSimd.Load(score) - largest);
                    weight.Store(score);
                    sum += weight;
                }

                sum.Store(inverseSums + lane);
            }

            for (int lane = 0; lane < Strip; lane++)
            {
                inverseSums[lane] = 1f / inverseSums[lane];
            }
        }

        private readonly void Store(float* result, float* inverseSums, float* y, int count)
        {
            for (int query = 0; query < count; query++, y += Shape.Width)
            {
                float* from = result + query;
                int i = 0;
                for (; i + 4 <= Shape.HeadSize; i += 4, from += 4 * Strip)
                {
                    (Vector128.Create(from[0], from[Strip], from[2 * Strip], from[3 * Strip]) * inverseSums[query]).Store(y + i);
                }

                for (; i < Shape.HeadSize; i++, from += Strip)
                {
                    y[i] = *from * inverseSums[query];
                }
            }
        }
    }
}
