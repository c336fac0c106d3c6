using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Model;

/// <summary>KV caches and buffers of the decoder, allocated once for the largest pass; a step allocates nothing.</summary>
public sealed class DecoderState : IDisposable
{
    private readonly IKernels _kernels;

    internal DecoderState(IKernels kernels, WhisperDimensions dimensions, int windows, int lanes, int outputs)
    {
        _kernels = kernels;
        Windows = windows;
        Lanes = lanes;
        Outputs = outputs;
        int capacity = Math.Max(dimensions.TextContext, lanes), width = dimensions.Width, headSize = width / dimensions.TextHeads;
        Rows = kernels.AllocateRows(capacity, lanes, dimensions.TextContext);
        Stream = kernels.AllocateSingle(capacity, width);
        Normed = kernels.Allocate(capacity, width);
        QueryKeyValue = kernels.Allocate(capacity, 3 * width);
        CrossQuery = kernels.Allocate(capacity, width);
        Expanded = kernels.Allocate(capacity, dimensions.TextFeedForward);
        Selected = kernels.AllocateSingle(outputs, width);
        Logits = kernels.AllocateSingle(outputs, dimensions.Vocabulary);
        CrossKeyValue = kernels.Allocate(windows, dimensions.AudioContext, 2 * width);
        SelfCache = new KeyValueCache[dimensions.TextLayers];
        CrossCache = new KeyValueCache[dimensions.TextLayers];
        for (int layer = 0; layer < dimensions.TextLayers; layer++)
        {
            SelfCache[layer] = kernels.AllocateCache(lanes, dimensions.TextContext, dimensions.TextHeads, headSize);
            CrossCache[layer] = kernels.AllocateCache(windows, dimensions.AudioContext, dimensions.TextHeads, headSize);
        }
    }

    /// <summary>Adds what caches and buffers take.</summary>
    internal static MemoryEstimate Estimate(MemoryEstimate estimate, WhisperDimensions dimensions, int windows, int lanes, int outputs)
    {
        long rows = Math.Max(dimensions.TextContext, lanes), width = dimensions.Width;
        long audio = (long)windows * dimensions.AudioContext, text = (long)lanes * dimensions.TextContext;
        return estimate
            .Add("keys and values", dimensions.TextLayers * 2 * width * (audio + text))
            .Add("decoder", (rows * ((5 * width) + dimensions.TextFeedForward)) + (audio * 2 * width))
            .AddSingle("decoder", (rows * width) + (outputs * (width + dimensions.Vocabulary)));
    }

    /// <summary>Audio windows that can be listened to at the same time.</summary>
    public int Windows { get; }

    /// <summary>Token sequences that can be under way at the same time.</summary>
    public int Lanes { get; }

    /// <summary>The most rows of one pass whose logits are wanted.</summary>
    public int Outputs { get; }

    /// <summary>The rows of the next pass; the caller fills them.</summary>
    public DecoderRows Rows { get; }

    /// <summary>[outputs, vocabulary]: the logits of the rows that wanted them, in their order.</summary>
    public Tensor Logits { get; }

    /// <summary>The residual stream, float32: [rows, d_model].</summary>
    internal Tensor Stream { get; }

    /// <summary>The stream behind a norm, and what attention gives: [rows, d_model].</summary>
    internal Tensor Normed { get; }

    /// <summary>Self-attention's queries, keys and values side by side: [rows, 3 · d_model].</summary>
    internal Tensor QueryKeyValue { get; }

    /// <summary>Cross-attention's queries: [rows, d_model].</summary>
    internal Tensor CrossQuery { get; }

    /// <summary>Within a feed-forward layer: [rows, 4 · d_model].</summary>
    internal Tensor Expanded { get; }

    /// <summary>The stream of the rows that want logits, float32: [outputs, d_model].</summary>
    internal Tensor Selected { get; }

    /// <summary>
    /// Keys and values of encoded windows, side by side, on their way to a layer's cache: [windows, 1500, 2 · d_model].
    /// </summary>
    internal Tensor CrossKeyValue { get; }

    /// <summary>By layer: of each lane the keys and values of its tokens so far.</summary>
    internal KeyValueCache[] SelfCache { get; }

    /// <summary>By layer: of each window the keys and values of its 1500 encoded frames.</summary>
    internal KeyValueCache[] CrossCache { get; }

    /// <summary>Copies the leading logits to the host: one vocabulary for each row that wanted them.</summary>
    public void ReadLogits(Span<float> logits) => _kernels.Read(Logits, logits);

    /// <inheritdoc/>
    public void Dispose()
    {
        Rows.Dispose();
        Stream.Dispose();
        Normed.Dispose();
        QueryKeyValue.Dispose();
        CrossQuery.Dispose();
        Expanded.Dispose();
        Selected.Dispose();
        Logits.Dispose();
        CrossKeyValue.Dispose();
        Array.ForEach(SelfCache, cache => cache.Dispose());
        Array.ForEach(CrossCache, cache => cache.Dispose());
    }
}
