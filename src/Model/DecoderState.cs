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

    internal Tensor Stream { get; }

    internal Tensor Normed { get; }

    internal Tensor QueryKeyValue { get; }

    internal Tensor CrossQuery { get; }

    internal Tensor Expanded { get; }

    internal Tensor Selected { get; }

    internal Tensor CrossKeyValue { get; }

    internal KeyValueCache[] SelfCache { get; }

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
