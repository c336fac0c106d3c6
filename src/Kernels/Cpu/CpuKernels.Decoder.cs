using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Cpu;

/// <content>What a decoder pass needs besides products and norms; nothing in here allocates.</content>
public sealed unsafe partial class CpuKernels
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A token or a position is in no table.</exception>
    public void Embed(DecoderRows rows, Tensor tokenTable, Tensor positionTable, Tensor x)
    {
        PackedMatrix tokens = Packed(tokenTable);
        int width = tokens.Inputs;
        RequireWidth(positionTable.Shape[^1], width, "An embedding");
        float* positions = Dense(positionTable, positionTable.ElementCount), y = Dense(x, (long)rows.Count * width);
        RequireEmbeddings(rows, tokens.Outputs, positionTable.Shape[0]);
        for (int row = 0; row < rows.Count; row++, y += width)
        {
            tokens.CopyRow(rows.Tokens[row], y);
            float* offset = positions + ((long)rows.Positions[row] * width);
            for (int i = 0; i < width; i++)
            {
                y[i] += offset[i];
            }
        }
    }

    /// <inheritdoc/>
    public KeyValueCache AllocateCache(int lanes, int length, int heads, int headSize) => new CpuKeyValueCache(lanes, length, heads, headSize);

    /// <inheritdoc/>
    public void StoreKeysValues(Tensor keyValue, KeyValueCache cache, params ReadOnlySpan<int> windows)
    {
        KeyValueLayout own = Layout(cache);
        int width = own.Heads * own.HeadSize;
        long windowFloats = (long)own.Length * 2 * width;
        RequireWidth(keyValue.Shape[^1], 2 * width, "A cross-attention cache");
        float* source = Dense(keyValue, windows.Length * windowFloats);
        foreach (int window in windows)
        {
            RequireEntry(window, own.Length - 1, own.Lanes, own.Length);
            _team.Run(new StoreKeysValuesJob { KeyValue = source, Cache = own, Lane = window }, own.PaddedLength / PackedMatrix.PanelWidth);
            source += windowFloats;
        }
    }

    /// <inheritdoc/>
    public void AttendSelf(DecoderRows rows, Tensor queryKeyValue, KeyValueCache cache, Tensor y)
    {
        KeyValueLayout own = Layout(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(queryKeyValue.Shape[^1], 3 * width, "Self-attention");
        float* source = Dense(queryKeyValue, (long)rows.Count * 3 * width);
        float* result = Dense(y, (long)rows.Count * width);
        for (int row = 0; row < rows.Count; row++)
        {
            RequireEntry(rows.Lanes[row], rows.Positions[row], own.Lanes, own.Length);
            float* key = source + ((long)row * 3 * width) + width;
            own.Store(rows.Lanes[row], rows.Positions[row], key, key + width);
        }

        _routines.AttendCached(_team, _scratch, source, 3L * width, rows.Lanes, rows.Positions, rows.SharesPasts ? rows : null, own, result);
    }

    /// <inheritdoc/>
    public void AttendCross(DecoderRows rows, Tensor query, KeyValueCache cache, Tensor y)
    {
        KeyValueLayout own = Layout(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(query.Shape[^1], width, "Cross-attention");
        RequireWindows(rows, own.Lanes, own.Length);
        float* source = Dense(query, (long)rows.Count * width), result = Dense(y, (long)rows.Count * width);
        _routines.AttendCached(_team, _scratch, source, width, rows.Windows, [], null, own, result);
    }

    /// <inheritdoc/>
    public void CrossAttentionWeights(DecoderRows rows, Tensor query, KeyValueCache cache, int head, Tensor weights)
    {
        KeyValueLayout own = Layout(cache);
        int width = own.Heads * own.HeadSize;
        RequireWidth(query.Shape[^1], width, "Cross-attention");
        RequireWidth(weights.Shape[^1], own.Length, "A result of cross-attention weights");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)head, (uint)own.Heads, nameof(head));
        RequireWindows(rows, own.Lanes, own.Length);
        float* source = Dense(query, (long)rows.Count * width) + (head * own.HeadSize);
        _routines.WeighCached(_team, _scratch, source, width, rows.Windows, own, head, Dense(weights, (long)rows.Count * own.Length));
    }

    /// <inheritdoc/>
    public void GatherOutputs(DecoderRows rows, Tensor x, Tensor y)
    {
        int width = x.Shape[^1];
        float* source = Dense(x, (long)rows.Count * width), result = Dense(y, (long)rows.OutputCount * width);
        foreach (int row in rows.Outputs)
        {
            Copy(source + ((long)row * width), result, width);
            result += width;
        }
    }

    private static KeyValueLayout Layout(KeyValueCache cache) => cache is CpuKeyValueCache own
        ? own.Layout
        : throw new ArgumentException("The cache was not allocated by the CPU back end.", nameof(cache));
}
