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
/// Both products run on <see cref="TileKernel"/>: q and p are its panels, k and vᵀ its rows. The softmax between them
/// runs down the lanes: largest score, exponentials and their sum need no sum across a vector, and a query's result
/// does not depend on its neighbours. The strip (frames · 32 floats) stays in the second-level cache.
/// </summary>
internal static unsafe class EncoderAttention
{
    private const int Strip = PackedMatrix.PanelWidth;

    public static void Run<TSimd>(ThreadTeam team, Scratch scratch, float* queryKeyValue, int batch, int frames, int heads, int headSize, float* y)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int strips = (frames + Strip - 1) / Strip;
        int groups = Math.Clamp(((4 * team.Size) + (batch * heads) - 1) / Math.Max(1, batch * heads), 1, (strips + 3) / 4);
        int group = (strips + groups - 1) / groups;
        groups = (strips + group - 1) / group;
        int paddedFrames = (frames + TSimd.TileRows - 1) / TSimd.TileRows * TSimd.TileRows;
        int paddedSize = (headSize + TSimd.TileRows - 1) / TSimd.TileRows * TSimd.TileRows;

        // Which head's keys and values each member holds packed: none yet.
        int* packedHeads = (int*)scratch.ReserveShared(team.Size);
        new Span<int>(packedHeads, team.Size).Fill(-1);
        Job<TSimd> job = new()
        {
            QueryKeyValue = queryKeyValue,
            Y = y,
            Frames = frames,
            PaddedFrames = paddedFrames,
            Heads = heads,
            HeadSize = headSize,
            PaddedSize = paddedSize,
            Group = group,
            Groups = groups,
            PackedHeads = packedHeads,
            Scratch = scratch.Reserve(((long)paddedFrames * (headSize + paddedSize + Strip)) + (Strip * (2 * paddedSize + 2))),
        };
        team.Run(job, batch * heads * groups);
    }

    private struct Job<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public float* QueryKeyValue;
        public float* Y;
        public int Frames;
        public int PaddedFrames;
        public int Heads;
        public int HeadSize;
        public int PaddedSize;
        public int Group;
        public int Groups;
        public int* PackedHeads;
        public ScratchBlocks Scratch;

        private readonly int Width => Heads * HeadSize;

        public readonly void Run(int item, int member)
        {
            (int batchHead, int group) = Math.DivRem(item, Groups);
            (int batch, int head) = Math.DivRem(batchHead, Heads);
            float* query = QueryKeyValue + ((long)batch * Frames * 3 * Width) + (head * HeadSize);

            float* keys = Scratch[member];                              // [frames / R][head size][R]
            float* values = keys + ((long)PaddedFrames * HeadSize);     // [head size / R][frames][R]
            float* scores = values + ((long)PaddedFrames * PaddedSize); // [frames][32]
            float* queries = scores + ((long)PaddedFrames * Strip);     // [head size][32]
            float* result = queries + (HeadSize * Strip);               // [head size][32]
            float* inverseSums = result + (PaddedSize * Strip);         // [32]
            if (PackedHeads[member] != batchHead)
            {
                PackKeys(query + Width, keys, scores);
                PackValues(query + (2 * Width), values);
                PackedHeads[member] = batchHead;
            }

            int last = Math.Min((group + 1) * Group * Strip, Frames);
            for (int first = group * Group * Strip; first < last; first += Strip)
            {
                int count = Math.Min(Strip, Frames - first);
                PackQueries(query, first, count, queries, scores);
                for (int frame = 0; frame < Frames; frame += TSimd.TileRows)
                {
                    int rows = TileKernel.RowsOfTile(Math.Min(TSimd.TileRows, Frames - frame));
                    TileKernel.Multiply<TSimd, SingleElement>(
                        rows, keys + ((long)frame * HeadSize), (byte*)queries, HeadSize, scores + ((long)frame * Strip));
                }

                Softmax(scores, inverseSums);
                for (int row = 0; row < HeadSize; row += TSimd.TileRows)
                {
                    int rows = TileKernel.RowsOfTile(Math.Min(TSimd.TileRows, HeadSize - row));
                    TileKernel.Multiply<TSimd, SingleElement>(
                        rows, values + ((long)row * Frames), (byte*)scores, Frames, result + (row * Strip));
                }

                Store(result, inverseSums, first, count, Y + ((long)batch * Frames * Width) + (head * HeadSize));
            }
        }

        private readonly void PackKeys(float* source, float* keys, float* spare)
        {
            RowView view = RowView.OfMatrix(source, Frames, HeadSize, 3L * Width);
            for (int frame = 0; frame < Frames; frame += TSimd.TileRows)
            {
                int count = Math.Min(TSimd.TileRows, Frames - frame);
                view.Pack(frame, count, TileKernel.RowsOfTile(count), 0, HeadSize, keys + ((long)frame * HeadSize), spare);
            }
        }

        /// <summary>Values are turned already: a frame's head is a run of rows.</summary>
        private readonly void PackValues(float* source, float* values)
        {
            for (int row = 0; row < HeadSize; row += TSimd.TileRows)
            {
                int count = Math.Min(TSimd.TileRows, HeadSize - row);
                int rows = TileKernel.RowsOfTile(count);
                float* tile = values + ((long)row * Frames);
                for (int frame = 0; frame < Frames; frame++, tile += rows)
                {
                    // A last tile of fewer rows leaves what was there before: it is multiplied, and never looked at.
                    Buffer.MemoryCopy(source + ((long)frame * 3 * Width) + row, tile, count * sizeof(float), count * sizeof(float));
                }
            }
        }

        private readonly void PackQueries(float* source, int first, int count, float* queries, float* spare)
        {
            RowView.OfMatrix(source, Frames, HeadSize, 3L * Width).Pack(first, count, Strip, 0, HeadSize, queries, spare);
            TSimd scale = TSimd.Broadcast(VectorMath.Log2E / MathF.Sqrt(HeadSize));
            for (int i = 0; i < HeadSize * Strip; i += TSimd.Width)
            {
                (TSimd.Load(queries + i) * scale).Store(queries + i);
            }
        }

        /// <summary>Scores become 2^(score − largest); the division by their sum is left to the end.</summary>
        private readonly void Softmax(float* scores, float* inverseSums)
        {
            for (int lane = 0; lane < Strip; lane += TSimd.Width)
            {
                TSimd largest = TSimd.Load(scores + lane);
                for (int frame = 1; frame < Frames; frame++)
                {
                    largest = TSimd.Max(largest, TSimd.Load(scores + ((long)frame * Strip) + lane));
                }

                TSimd sum = TSimd.Broadcast(0f);
                for (int frame = 0; frame < Frames; frame++)
                {
                    float* score = scores + ((long)frame * Strip) + lane;
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

        private readonly void Store(float* result, float* inverseSums, int first, int count, float* y)
        {
            for (int query = 0; query < count; query++)
            {
                float* to = y + ((long)(first + query) * Width);
                float* from = result + query;
                int i = 0;
                for (; i + 4 <= HeadSize; i += 4, from += 4 * Strip)
                {
                    (Vector128.Create(from[0], from[Strip], from[2 * Strip], from[3 * Strip]) * inverseSums[query]).Store(to + i);
                }

                for (; i < HeadSize; i++, from += Strip)
                {
                    to[i] = *from * inverseSums[query];
                }
            }
        }
    }
}
