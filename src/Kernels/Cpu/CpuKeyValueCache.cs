namespace Handwritten.Kernels.Cpu;

/// <summary>Keys and values of one attention layer as float32; see <see cref="KeyValueLayout"/>.</summary>
internal sealed unsafe class CpuKeyValueCache : KeyValueCache
{
    private readonly NativeBuffer _buffer;
    private readonly KeyValueLayout _layout;

    public CpuKeyValueCache(int lanes, int length, int heads, int headSize)
    {
        _layout = new KeyValueLayout(null, lanes, length, heads, headSize);
        _buffer = new NativeBuffer(_layout.FloatCount * sizeof(float));
    }

    /// <summary>Where everything lies.</summary>
    public KeyValueLayout Layout => _layout with { Data = _buffer.Floats };

    protected override void Dispose(bool disposing) => _buffer.Dispose();
}

/// <summary>
/// Keys and values laid out like <see cref="PackedMatrix"/>: for one lane and one head the keys are a matrix
/// [entries, head size] whose outputs are the scores, and the values a matrix [head size, entries] whose inputs are the
/// attention weights. A decoder step then reads both strictly forwards.
/// <code>
///     keys    [lane][head][entries / 32][head size][32 entries]       scores = q · keys
///     values  [lane][head][head size / 32][entries][32 of the head]   y      = p · values
/// </code>
/// </summary>
internal readonly unsafe struct KeyValueLayout
{
    private const int Panel = PackedMatrix.PanelWidth;

    public KeyValueLayout(float* data, int lanes, int length, int heads, int headSize)
    {
        Data = data;
        (Lanes, Length, Heads, HeadSize) = (lanes, length, heads, headSize);
        PaddedLength = (length + Panel - 1) / Panel * Panel;
        PaddedSize = (headSize + Panel - 1) / Panel * Panel;
    }

    public float* Data { get; init; }

    public int Lanes { get; }

    public int Length { get; }

    public int PaddedLength { get; }

    public int Heads { get; }

    public int HeadSize { get; }

    /// <summary>Head size rounded up to whole panels.</summary>
    public int PaddedSize { get; }

    public long FloatCount => (long)Lanes * Heads * PaddedLength * (HeadSize + PaddedSize);

    /// <summary>The key panels of a head, from the one that holds <paramref name="entry"/> on.</summary>
    public float* Keys(int lane, int head, int entry) =>
        Data + ((((((long)lane * Heads) + head) * PaddedLength) + (entry / Panel * Panel)) * HeadSize);

    /// <summary>
    /// The value panel of a head that holds its columns from <paramref name="column"/> on, from <paramref name="entry"/> on.
    /// </summary>
    public float* Values(int lane, int head, int column, int entry) =>
        Data + ((long)Lanes * Heads * PaddedLength * HeadSize)
        + ((((((long)lane * Heads) + head) * PaddedSize) + column) * PaddedLength) + ((long)entry * Panel);

    /// <summary>Stores the key and value [heads, head size] of one entry.</summary>
    public void Store(int lane, int entry, float* key, float* value)
    {
        for (int head = 0; head < Heads; head++, key += HeadSize, value += HeadSize)
        {
            float* keys = Keys(lane, head, entry) + (entry % Panel);
            for (int i = 0; i < HeadSize; i++)
            {
                keys[i * Panel] = key[i];
            }

            for (int column = 0; column < HeadSize; column += Panel)
            {
                int count = Math.Min(Panel, HeadSize - column);
                new ReadOnlySpan<float>(value + column, count).CopyTo(new Span<float>(Values(lane, head, column, entry), count));
            }
        }
    }
}

/// <summary>Stores the rows of a [length, 2 · width] tensor, one panel of entries an item.</summary>
internal unsafe struct StoreKeysValuesJob : ITeamJob
{
    public float* KeyValue;
    public KeyValueLayout Cache;
    public int Lane;

    public readonly void Run(int item, int member)
    {
        int width = Cache.Heads * Cache.HeadSize;
        int last = Math.Min((item + 1) * PackedMatrix.PanelWidth, Cache.Length);
        for (int entry = item * PackedMatrix.PanelWidth; entry < last; entry++)
        {
            float* key = KeyValue + ((long)entry * 2 * width);
            Cache.Store(Lane, entry, key, key + width);
        }
    }
}
