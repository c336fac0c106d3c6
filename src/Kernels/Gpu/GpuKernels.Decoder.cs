using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Gpu;

/// <content>What a decoder pass needs besides products and norms.</content>
internal sealed partial class GpuKernels<TElement>
{
    private readonly Embedding<TElement> _embedding = new(device);
    private readonly KeyValueStore<TElement> _keyValueStore = new(device);
    private readonly SelfAttention<TElement> _selfAttention = new(device);
    private readonly CrossAttention<TElement> _crossAttention = new(device);
    private readonly CrossAttentionWeights<TElement> _crossWeights = new(device);
    private readonly RowGather<TElement> _gather = new(device);

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A token or a position is in no table.</exception>
    public void Embed(DecoderRows rows, Tensor tokenTable, Tensor positionTable, Tensor x)
    {
        GpuDecoderRows own = On(rows);
        RequireWidth(positionTable.Shape[^1], tokenTable.Shape[^1], "An embedding");
        RequireEmbeddings(rows, tokenTable.Shape[0], positionTable.Shape[0]);
        own.Upload();
        _embedding.Run(own, On(tokenTable, tokenTable.ElementCount), On(positionTable, positionTable.ElementCount), On(x, (long)rows.Count * tokenTable.Shape[^1]));
    }

    /// <inheritdoc/>
    public KeyValueCache AllocateCache(int lanes, int length, int heads, int headSize) =>
        new GpuKeyValueCache(device, TElement.Type, lanes, length, heads, headSize);

    /// <inheritdoc/>
    public void StoreKeysValues(Tensor keyValue, KeyValueCache cache, params ReadOnlySpan<int> windows)
    {
        GpuKeyValueCache own = On(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(keyValue.Shape[^1], 2 * width, "A cross-attention cache");
        foreach (int window in windows)
        {
            RequireEntry(window, own.Length - 1, own.Lanes, own.Length);
        }

        _keyValueStore.Run(On(keyValue, windows.Length * (long)own.Length * 2 * width), own, windows);
    }

    /// <inheritdoc/>
    public void AttendSelf(DecoderRows rows, Tensor queryKeyValue, KeyValueCache cache, Tensor y)
    {
        GpuKeyValueCache own = On(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(queryKeyValue.Shape[^1], 3 * width, "Self-attention");
        for (int row = 0; row < rows.Count; row++)
        {
            RequireEntry(rows.Lanes[row], rows.Positions[row], own.Lanes, own.Length);
        }

        _selfAttention.Run(On(rows), On(queryKeyValue, (long)rows.Count * 3 * width), own, On(y, (long)rows.Count * width));
    }

    /// <inheritdoc/>
    public void AttendCross(DecoderRows rows, Tensor query, KeyValueCache cache, Tensor y)
    {
        GpuKeyValueCache own = On(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(query.Shape[^1], width, "Cross-attention");
        RequireWindows(rows, own.Lanes, own.Length);
        _crossAttention.Run(On(rows), On(query, (long)rows.Count * width), own, On(y, (long)rows.Count * width));
    }

    /// <inheritdoc/>
    public void CrossAttentionWeights(DecoderRows rows, Tensor query, KeyValueCache cache, int head, Tensor weights)
    {
        GpuKeyValueCache own = On(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(query.Shape[^1], width, "Cross-attention");
        RequireWidth(weights.Shape[^1], own.Length, "A result of cross-attention weights");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)head, (uint)own.Heads, nameof(head));
        RequireWindows(rows, own.Lanes, own.Length);
        _crossWeights.Run(On(rows), On(query, (long)rows.Count * width), own, head, On(weights, (long)rows.Count * own.Length));
    }

    /// <inheritdoc/>
    public void GatherOutputs(DecoderRows rows, Tensor x, Tensor y)
    {
        int width = x.Shape[^1];
        _gather.Run(On(rows), On(x, (long)rows.Count * width), On(y, (long)rows.OutputCount * width));
    }

    private static GpuDecoderRows On(DecoderRows rows) => rows as GpuDecoderRows
        ?? throw new ArgumentException("The rows were not allocated by the CUDA back end.", nameof(rows));

    private static GpuKeyValueCache On(KeyValueCache cache) => cache as GpuKeyValueCache
        ?? throw new ArgumentException("The cache was not allocated by the CUDA back end.", nameof(cache));
}
