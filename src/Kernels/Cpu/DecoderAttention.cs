namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Attention of a decoder pass over a <see cref="KeyValueLayout"/>. Rows that follow each other and look at the same
/// lane (a prompt, or the beams that share one audio window) form a group of at most a tile's rows, so that the lane's
/// keys and values are read once for all of them. Work is cut by group, head and chunk of 512 entries:
/// <code>
///     unit (g, h, c):   scores[r, t] = q[r] · k[t] · log2(e) / sqrt(head size)     t in chunk c, up to row r's own last entry
///                       m[r] = max scores[r],  p = 2^(scores − m),  s[r] = Σ p,  o[r] = p · v
///     merge (g, h):     M = max over chunks m,  y = Σ o 2^(m − M) / Σ s 2^(m − M)
/// </code>
/// The chunks are fixed, so the result does not depend on the number of threads; a lane of up to 512 entries, which is
/// every self-attention of Whisper, is one chunk and needs no merge. Where a sequence's past lies in several lanes
/// (<see cref="DecoderRows.Sources"/>), the unit first puts the panels together that are of several lanes, and then does the
/// very same sums: a result does not depend on where the past lies.
/// </summary>
internal static unsafe class DecoderAttention
{
    private const int Chunk = 512;
    private const int Panel = PackedMatrix.PanelWidth;

    /// <param name="team">Who works.</param>
    /// <param name="scratch">Working memory.</param>
    /// <param name="query">Row r's query starts at query + r · queryStride.</param>
    /// <param name="queryStride">Floats between rows.</param>
    /// <param name="lanes">Lane of each row.</param>
    /// <param name="lastEntries">Last entry that each row sees; or empty: all see the whole lane.</param>
    /// <param name="pasts">Which lanes the entries lie in; or null: all in the row's lane.</param>
    /// <param name="cache">Keys and values.</param>
    /// <param name="y">[rows, width].</param>
    public static void Run<TSimd>(
        ThreadTeam team, Scratch scratch, float* query, long queryStride,
        ReadOnlySpan<int> lanes, ReadOnlySpan<int> lastEntries, DecoderRows? pasts, in KeyValueLayout cache, float* y)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int rows = lanes.Length;
        if (rows == 0)
        {
            return;
        }

        int longest = 1;
        foreach (int entry in lastEntries)
        {
            longest = Math.Max(longest, entry + 1);
        }

        int chunks = ((lastEntries.IsEmpty ? cache.Length : longest) + Chunk - 1) / Chunk;
        long partialFloats = (long)rows * cache.Heads * chunks * (cache.PaddedSize + 2);
        float* partials = scratch.ReserveShared(partialFloats + (3L * rows) + 1 + (pasts is null ? 0 : (long)rows * longest));
        int* first = (int*)(partials + partialFloats); // of each group, and the end
        int* rowLane = first + rows + 1;
        int* rowCount = rowLane + rows;
        int* sources = pasts is null ? null : rowCount + rows; // [groups][longest]
        int groups = 0;
        for (int row = 0; row < rows; row++)
        {
            rowLane[row] = lanes[row];
            rowCount[row] = lastEntries.IsEmpty ? cache.Length : lastEntries[row] + 1;
            if (row == 0 || lanes[row] != lanes[row - 1] || row - first[groups - 1] == TSimd.TileRows)
            {
                if (pasts is not null)
                {
                    pasts.Sources(lanes[row])[..longest].CopyTo(new Span<int>(sources + ((long)groups * longest), longest));
                }

                first[groups++] = row;
            }
        }

        first[groups] = rows;
        Shape shape = new()
        {
            Query = query,
            QueryStride = queryStride,
            Cache = cache,
            Chunks = chunks,
            First = first,
            RowLane = rowLane,
            RowCount = rowCount,
            Sources = sources,
            Longest = longest,
            Partials = partials,
            Y = y,
        };
        AttendJob<TSimd> attend = new()
        {
            Shape = shape,
            Scratch = scratch.Reserve((TSimd.TileRows * ((2 * cache.HeadSize) + (2 * Chunk) + Panel)) + (Panel * Math.Max(cache.HeadSize, Chunk))),
        };
        team.Run(attend, groups * cache.Heads * chunks);
        team.Run(new MergeJob<TSimd> { Shape = shape }, groups * cache.Heads);
    }

    private struct Shape
    {
        public float* Query;
        public long QueryStride;
        public KeyValueLayout Cache;
        public int Chunks;
        public int* First;
        public int* RowLane;
        public int* RowCount;
        public int* Sources;
        public int Longest;
        public float* Partials;
        public float* Y;

        /// <summary>o [padded head size], m, s of one row, head and chunk.</summary>
        public readonly float* Partial(int row, int head, int chunk) =>
            Partials + (((((long)row * Cache.Heads) + head) * Chunks) + chunk) * (Cache.PaddedSize + 2);

        /// <summary>
        /// The lane of an entry of a group's sequence, and how many entries from there on, up to <paramref name="end"/>, lie
        /// in the same one.
        /// </summary>
        public readonly (int Lane, int Count) Run(int group, int entry, int end)
        {
            if (Sources is null || entry == end)
            {
                return (RowLane[First[group]], end - entry);
            }

            ReadOnlySpan<int> line = new ReadOnlySpan<int>(Sources + ((long)group * Longest), Longest)[entry..end];
            int other = line.IndexOfAnyExcept(line[0]);
            return (line[0], other < 0 ? line.Length : other);
        }

        /// <summary>
        /// The key panel [head size][32] of a head from an entry on, put together in <paramref name="spare"/> if it is of
        /// several lanes.
        /// </summary>
        public readonly float* Keys(int group, int head, int entry, int end, float* spare)
        {
            end = Math.Min(end, entry + Panel);
            (int lane, int count) = Run(group, entry, end);
            if (count == end - entry)
            {
                return Cache.Keys(lane, head, entry);
            }

            new Span<float>(spare, Cache.HeadSize * Panel).Clear();
            for (int from = entry; from < end; from += count)
            {
                (lane, count) = Run(group, from, end);
                float* keys = Cache.Keys(lane, head, entry);
                for (int i = (from - entry); i < Cache.HeadSize * Panel; i += Panel)
                {
                    new ReadOnlySpan<float>(keys + i, count).CopyTo(new Span<float>(spare + i, count));
                }
            }

            return spare;
        }

        /// <summary>
        /// The value panel [entries][32] of a head's column, put together in <paramref name="spare"/> if it is of several
        /// lanes.
        /// </summary>
        public readonly float* Values(int group, int head, int column, int entry, int end, float* spare)
        {
            (int lane, int count) = Run(group, entry, end);
            if (count == end - entry)
            {
                return Cache.Values(lane, head, column, entry);
            }

            for (int from = entry; from < end; from += count)
            {
                (lane, count) = Run(group, from, end);
                new ReadOnlySpan<float>(Cache.Values(lane, head, column, from), count * Panel).CopyTo(new Span<float>(spare + ((from - entry) * Panel), count * Panel));
            }

            return spare;
        }
    }

    private struct AttendJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;
        public ScratchBlocks Scratch;

        public readonly void Run(int item, int member)
        {
            (int groupHead, int chunk) = Math.DivRem(item, Shape.Chunks);
            (int group, int head) = Math.DivRem(groupHead, Shape.Cache.Heads);
            int firstRow = Shape.First[group], rows = Shape.First[group + 1] - firstRow;
            int tileRows = TileKernel.RowsOfTile(rows);
            int firstEntry = chunk * Chunk, entries = 0;
            for (int r = 0; r < rows; r++)
            {
                entries = Math.Clamp(Shape.RowCount[firstRow + r] - firstEntry, entries, Chunk);
            }

            float* queries = Scratch[member];                    // [head size][R]
            float* tile = queries + (Shape.Cache.HeadSize * tileRows); // [R][32]
            float* scores = tile + (tileRows * Panel);           // [panel][R][32]
            float* weights = scores + (tileRows * Chunk);        // [entry][R]
            float* spare = weights + (tileRows * Chunk);
            float* gathered = spare + (tileRows * Shape.Cache.HeadSize);

            PackQueries(firstRow, rows, tileRows, head, queries, spare);
            int panels = (entries + Panel - 1) / Panel, end = firstEntry + entries;
            for (int panel = 0; panel < panels; panel++)
            {
                float* keys = Shape.Keys(group, head, firstEntry + (panel * Panel), end, gathered);
                TileKernel.Multiply<TSimd, SingleElement>(tileRows, queries, (byte*)keys, Shape.Cache.HeadSize, scores + (panel * tileRows * Panel));
            }

            for (int r = 0; r < tileRows; r++)
            {
                int count = r < rows ? Math.Clamp(Shape.RowCount[firstRow + r] - firstEntry, 0, Chunk) : 0;
                (float largest, float sum) = RowSoftmax.Run<TSimd>(scores + (r * Panel), tileRows * Panel, panels, count);
                if (r < rows)
                {
                    float* partial = Shape.Partial(firstRow + r, head, chunk);
                    (partial[Shape.Cache.PaddedSize], partial[Shape.Cache.PaddedSize + 1]) = (largest, sum);
                }
            }

            PackWeights(scores, tileRows, panels, weights);
            for (int column = 0; column < Shape.Cache.PaddedSize; column += Panel)
            {
                float* values = Shape.Values(group, head, column, firstEntry, end, gathered);
                TileKernel.Multiply<TSimd, SingleElement>(tileRows, weights, (byte*)values, entries, tile);
                for (int r = 0; r < rows; r++)
                {
                    new ReadOnlySpan<float>(tile + (r * Panel), Panel).CopyTo(new Span<float>(Shape.Partial(firstRow + r, head, chunk) + column, Panel));
                }
            }
        }

        private readonly void PackQueries(int firstRow, int rows, int tileRows, int head, float* queries, float* spare)
        {
            float* source = Shape.Query + (firstRow * Shape.QueryStride) + (head * Shape.Cache.HeadSize);
            RowView.OfMatrix(source, rows, Shape.Cache.HeadSize, Shape.QueryStride).Pack(0, rows, tileRows, 0, Shape.Cache.HeadSize, queries, spare);
            float scale = VectorMath.Log2E / MathF.Sqrt(Shape.Cache.HeadSize);
            for (int i = 0; i < Shape.Cache.HeadSize * tileRows; i++)
            {
                queries[i] *= scale;
            }
        }

        private static void PackWeights(float* scores, int tileRows, int panels, float* weights)
        {
            for (int panel = 0; panel < panels; panel++)
            {
                float* from = scores + (panel * tileRows * Panel);
                RowView.OfMatrix(from, tileRows, Panel, Panel).Pack(0, tileRows, tileRows, 0, Panel, weights + (panel * tileRows * Panel), from);
            }
        }
    }

    private struct MergeJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;

        public readonly void Run(int item, int member)
        {
            (int group, int head) = Math.DivRem(item, Shape.Cache.Heads);
            for (int row = Shape.First[group]; row < Shape.First[group + 1]; row++)
            {
                Merge(row, head, Shape.Y + ((long)row * Shape.Cache.Heads * Shape.Cache.HeadSize) + (head * Shape.Cache.HeadSize));
            }
        }

        private readonly void Merge(int row, int head, float* y)
        {
            int m = Shape.Cache.PaddedSize, s = m + 1;
            float largest = float.NegativeInfinity;
            for (int chunk = 0; chunk < Shape.Chunks; chunk++)
            {
                largest = Math.Max(largest, Shape.Partial(row, head, chunk)[m]);
            }

            float sum = 0f;
            new Span<float>(y, Shape.Cache.HeadSize).Clear();
            for (int chunk = 0; chunk < Shape.Chunks; chunk++)
            {
                float* partial = Shape.Partial(row, head, chunk);
                float scale = float.Exp2(partial[m] - largest);
                sum += partial[s] * scale;
                for (int i = 0; i < Shape.Cache.HeadSize; i++)
                {
                    y[i] += partial[i] * scale;
                }
            }

            for (int i = 0; i < Shape.Cache.HeadSize; i++)
            {
                y[i] /= sum;
            }
        }
    }
}
