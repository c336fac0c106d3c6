using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// y = rows · Wᵀ, cut so that every operand is near when it is needed.
/// <code>
///     the depth (inputs) in equal blocks of at most 768:      a panel's block, up to 96 KiB as float32, and
///     the rows in blocks of some hundred, packed in tiles:    a block of rows, up to 384 KiB, share the second-level cache
///
///     unit of work = (block of rows) x (group of panels); for each block of the depth:
///         pack the rows once
///         for each panel of the group:
///             widen the panel's block to float32 (float32 weights are used in place)
///             for each tile of rows: multiply, hand the tile to the result
/// </code>
/// A few rows (a decoder step) take the short way: one tile holds all of them, each panel is read exactly once and
/// widened on the way into the registers; the time is that of reading the weights.
/// Both ways add the same terms in the same order: a row's result depends neither on the other rows nor on the number
/// of threads. (Blocks of 768 rather than 256 or 512 were measured to be faster: the result is visited less often.)
/// </summary>
internal static unsafe class MatrixProduct
{
    private const int LargestDepth = 768;

    /// <summary>Floats of a packed block of rows: 384 KiB, for second-level caches of 512 KiB and more.</summary>
    private const int RowBlockFloats = 96 * 1024;

    /// <summary>Bytes of weights that a thread streams at a time.</summary>
    private const int ShortestRun = 16 * 1024;
    private const int LongestRun = 1024 * 1024;

    /// <summary>Panels of a group and tiles of a block of rows, at least, where there are as many.</summary>
    private const int LeastPanels = 3;
    private const int LeastTiles = 3;

    public static void Run<TSimd>(ThreadTeam.Turn team, in RowView x, long rows, PackedMatrix matrix, in ResultView y)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        if (rows <= 0)
        {
            return;
        }

        Shape shape = new()
        {
            X = x,
            Y = y with { Scales = matrix.Scales },
            Rows = rows,
            Panels = matrix.Data,
            PanelBytes = matrix.PanelBytes,
            PanelCount = matrix.Panels,
            Type = matrix.Type,
            Depth = SplitEvenly(matrix.Inputs, LargestDepth),
        };
        if (rows <= TSimd.TileRows)
        {
            RunFewRows<TSimd>(team, shape);
        }
        else
        {
            RunManyRows<TSimd>(team, shape);
        }
    }

    private static void RunFewRows<TSimd>(ThreadTeam.Turn team, in Shape shape)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        int tileRows = TileKernel.RowsOfTile((int)shape.Rows);
        long packedFloats = (long)shape.X.Length * tileRows;
        float* packed = team.ReserveShared(2 * packedFloats);
        PackJob pack = new() { Shape = shape, TileRows = tileRows, Packed = packed, Spare = packed + packedFloats };
        team.Run(pack, Parts(shape.X.Length, PackJob.Columns));

        // Long runs suit the memory best; but every thread shall have several, none too short to be worth a fetch.
        long run = Math.Clamp(shape.PanelCount * shape.PanelBytes / (4 * team.Size), ShortestRun, LongestRun);
        int group = (int)Math.Max(1, run / shape.PanelBytes);
        FewRowsJob<TSimd> job = new()
        {
            Shape = shape,
            TileRows = tileRows,
            Packed = packed,
            Group = group,
            Scratch = team.Reserve(tileRows * PackedMatrix.PanelWidth),
        };
        team.Run(job, Parts(shape.PanelCount, group));
    }

    private static void RunManyRows<TSimd>(ThreadTeam.Turn team, in Shape shape)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        // Several units for each thread even out their speeds; but a group of panels must be wide enough to pay for
        // packing the rows, and a block of rows high enough to pay for widening the panels.
        int wanted = 4 * team.Size;
        int tiles = (int)((shape.Rows + TSimd.TileRows - 1) / TSimd.TileRows);
        int tilesPerBlock = SplitEvenly(tiles, Math.Max(1, RowBlockFloats / (shape.Depth * TSimd.TileRows)));
        int group = SplitEvenly(shape.PanelCount, Math.Max(LeastPanels, shape.PanelCount * Parts(tiles, tilesPerBlock) / wanted));
        int groups = Parts(shape.PanelCount, group);
        tilesPerBlock = SplitEvenly(tiles, Math.Clamp(tiles * groups / wanted, Math.Min(LeastTiles, tilesPerBlock), tilesPerBlock));

        int rowFloats = tilesPerBlock * TSimd.TileRows * shape.Depth;
        int panelFloats = shape.Depth * PackedMatrix.PanelWidth;
        ManyRowsJob<TSimd> job = new()
        {
            Shape = shape,
            BlockRows = tilesPerBlock * TSimd.TileRows,
            Group = group,
            Groups = groups,
            RowFloats = rowFloats,
            PanelFloats = panelFloats,
            Scratch = team.Reserve(rowFloats + panelFloats + (TSimd.TileRows * PackedMatrix.PanelWidth)),
        };
        team.Run(job, Parts(tiles, tilesPerBlock) * groups);
    }

    private static int Parts(int whole, int part) => (whole + part - 1) / part;

    /// <summary>The size of equal parts of <paramref name="whole"/>, none larger than <paramref name="largest"/>.</summary>
    private static int SplitEvenly(int whole, int largest) => Parts(whole, Parts(whole, largest));

    private static void MultiplyTile<TSimd>(DType type, int tileRows, float* rows, byte* panel, int depth, float* tile)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        switch (type)
        {
            case DType.F16: TileKernel.Multiply<TSimd, HalfElement>(tileRows, rows, panel, depth, tile); break;
            case DType.BF16: TileKernel.Multiply<TSimd, BrainFloatElement>(tileRows, rows, panel, depth, tile); break;
            case DType.I8: TileKernel.Multiply<TSimd, Int8Element>(tileRows, rows, panel, depth, tile); break;
            default: TileKernel.Multiply<TSimd, SingleElement>(tileRows, rows, panel, depth, tile); break;
        }
    }

    private struct Shape
    {
        public RowView X;
        public ResultView Y;
        public long Rows;
        public byte* Panels;
        public long PanelBytes;
        public int PanelCount;
        public DType Type;

        /// <summary>Length of a block of the depth; the last one may be shorter.</summary>
        public int Depth;

        public readonly byte* Panel(int index, int start) =>
            Panels + (index * PanelBytes) + ((long)start * PackedMatrix.PanelWidth * Type.ByteSize());
    }

    /// <summary>Packs the rows of a short product, some of their columns an item.</summary>
    private struct PackJob : ITeamJob
    {
        public const int Columns = 2048;

        public Shape Shape;
        public int TileRows;
        public float* Packed;
        public float* Spare;

        public readonly void Run(int item, int member)
        {
            int start = item * Columns;
            long offset = (long)start * TileRows;
            int depth = Math.Min(Columns, Shape.X.Length - start);
            Shape.X.Pack(0, (int)Shape.Rows, TileRows, start, depth, Packed + offset, Spare + offset);
        }
    }

    private struct FewRowsJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;
        public int TileRows;
        public float* Packed;
        public int Group;
        public ScratchBlocks Scratch;

        public readonly void Run(int item, int member)
        {
            float* tile = Scratch[member];
            int last = Math.Min((item + 1) * Group, Shape.PanelCount);
            for (int panel = item * Group; panel < last; panel++)
            {
                for (int start = 0; start < Shape.X.Length; start += Shape.Depth)
                {
                    int depth = Math.Min(Shape.Depth, Shape.X.Length - start);
                    MultiplyTile<TSimd>(Shape.Type, TileRows, Packed + ((long)start * TileRows), Shape.Panel(panel, start), depth, tile);
                    Shape.Y.Take<TSimd>(
                        tile, 0, (int)Shape.Rows, panel * PackedMatrix.PanelWidth, start == 0, start + depth == Shape.X.Length);
                }
            }
        }
    }

    private struct ManyRowsJob<TSimd> : ITeamJob
        where TSimd : unmanaged, ISimd<TSimd>
    {
        public Shape Shape;
        public int BlockRows;
        public int Group;
        public int Groups;
        public int RowFloats;
        public int PanelFloats;
        public ScratchBlocks Scratch;

        public readonly void Run(int item, int member)
        {
            (int rowBlock, int group) = Math.DivRem(item, Groups);
            long firstRow = (long)rowBlock * BlockRows;
            int rows = (int)Math.Min(BlockRows, Shape.Rows - firstRow);
            float* packed = Scratch[member];
            float* widened = packed + RowFloats;
            for (int start = 0; start < Shape.X.Length; start += Shape.Depth)
            {
                int depth = Math.Min(Shape.Depth, Shape.X.Length - start);

                // The panel's room is free while rows are packed: it serves for rows that hang over an end.
                for (int row = 0; row < rows; row += TSimd.TileRows)
                {
                    int count = Math.Min(TSimd.TileRows, rows - row);
                    Shape.X.Pack(firstRow + row, count, TileKernel.RowsOfTile(count), start, depth, packed + ((long)row * depth), widened);
                }

                int lastPanel = Math.Min((group + 1) * Group, Shape.PanelCount);
                for (int panel = group * Group; panel < lastPanel; panel++)
                {
                    byte* weights = Shape.Panel(panel, start);
                    if (Shape.Type != DType.F32)
                    {
                        Widen(weights, depth, widened);
                        weights = (byte*)widened;
                    }

                    MultiplyRows(packed, (float*)weights, firstRow, rows, panel, start, depth, widened + PanelFloats);
                }
            }
        }

        private readonly void MultiplyRows(float* packed, float* panel, long firstRow, int rows, int panelIndex, int start, int depth, float* tile)
        {
            bool isFirst = start == 0, isLast = start + depth == Shape.X.Length;
            for (int row = 0; row < rows; row += TSimd.TileRows)
            {
                int count = Math.Min(TSimd.TileRows, rows - row);
                Shape.Y.Prefetch(firstRow + row, count, panelIndex * PackedMatrix.PanelWidth);
                TileKernel.Multiply<TSimd, SingleElement>(
                    TileKernel.RowsOfTile(count), packed + ((long)row * depth), (byte*)panel, depth, tile);
                Shape.Y.Take<TSimd>(tile, firstRow + row, count, panelIndex * PackedMatrix.PanelWidth, isFirst, isLast);
            }
        }

        private readonly void Widen(byte* panel, int depth, float* widened)
        {
            switch (Shape.Type)
            {
                case DType.F16: Widen<HalfElement>(panel, depth, widened); break;
                case DType.BF16: Widen<BrainFloatElement>(panel, depth, widened); break;
                default: Widen<Int8Element>(panel, depth, widened); break;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Widen<TElement>(byte* panel, int depth, float* widened)
            where TElement : IPanelElement
        {
            for (; depth > 0; depth--)
            {
                for (int column = 0; column < PackedMatrix.PanelWidth / 2; column += TSimd.Width)
                {
                    TElement.Load(panel, column, out TSimd left, out TSimd right);
                    left.Store(widened + column);
                    right.Store(widened + column + (PackedMatrix.PanelWidth / 2));
                }

                panel += PackedMatrix.PanelWidth * TElement.Size;
                widened += PackedMatrix.PanelWidth;
            }
        }
    }
}
