namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The attention weights themselves, softmax(q kᵀ / sqrt(head size)) of one head, for whoever wants to see where a token
/// was heard: the first half of <see cref="DecoderAttention"/>, one row an item.
/// </summary>
internal static unsafe class CrossWeights
{
    private const int Panel = PackedMatrix.PanelWidth;

    /// <param name="team">Who works, and in which memory.</param>
    /// <param name="query">Row r's query of this head starts at query + r · queryStride.</param>
    /// <param name="queryStride">Floats between rows.</param>
    /// <param name="lanes">Lane of each row.</param>
    /// <param name="cache">Keys.</param>
    /// <param name="head">The head.</param>
    /// <param name="weights">[rows, length].</param>
    public static void Run<TSimd>(
        ThreadTeam.Turn team, float* query, long queryStride, ReadOnlySpan<int> lanes, in KeyValueLayout cache, int head, float* weights)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int* lane = (int*)team.ReserveShared(lanes.Length);
        lanes.CopyTo(new Span<int>(lane, lanes.Length));
        Job<TSimd> job = new()
        {
            Query = query,
            QueryStride = queryStride,
            Lane = lane,
            Cache = cache,
            Head = head,
            Weights = weights,
            Scratch = team.Reserve(cache.HeadSize + cache.PaddedLength),
        };
        team.Run(job, lanes.Length);
    }

    private struct Job<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public float* Query;
        public long QueryStride;
        public int* Lane;
        public KeyValueLayout Cache;
        public int Head;
        public float* Weights;
        public ScratchBlocks Scratch;

        public readonly void Run(int item, int member)
        {
            float* query = Scratch[member], scores = query + Cache.HeadSize;
            float scale = VectorMath.Log2E / MathF.Sqrt(Cache.HeadSize);
            for (int i = 0; i < Cache.HeadSize; i++)
            {
                query[i] = Query[(item * QueryStride) + i] * scale;
            }

            for (int entry = 0; entry < Cache.Length; entry += Panel)
            {
                float* keys = Cache.Keys(Lane[item], Head, entry);
                TileKernel.Multiply<TSimd, SingleElement>(1, query, (byte*)keys, Cache.HeadSize, scores + entry);
            }

            float sum = RowSoftmax.Run<TSimd>(scores, Panel, Cache.PaddedLength / Panel, Cache.Length).Sum;
            float* weights = Weights + ((long)item * Cache.Length);
            for (int entry = 0; entry < Cache.Length; entry++)
            {
                weights[entry] = scores[entry] / sum;
            }
        }
    }
}
