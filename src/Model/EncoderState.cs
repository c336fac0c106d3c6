using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Model;

/// <summary>The buffers of an encoder pass, allocated once for the largest batch.</summary>
public sealed class EncoderState : IDisposable
{
    internal EncoderState(IKernels kernels, WhisperDimensions dimensions, int batch)
    {
        int frames = dimensions.AudioContext, width = dimensions.Width;
        Batch = batch;
        LogMel = kernels.Allocate(batch, 2 * frames, dimensions.MelBins);
        Convolved = kernels.Allocate(batch, 2 * frames, width);
        Stream = kernels.AllocateSingle(batch, frames, width);
        Normed = kernels.Allocate(batch, frames, width);
        QueryKeyValue = kernels.Allocate(batch, frames, 3 * width);
        Expanded = kernels.Allocate(batch, frames, dimensions.AudioFeedForward);
        Output = kernels.Allocate(batch, frames, width);
    }

    /// <summary>Adds what the buffers take.</summary>
    internal static MemoryEstimate Estimate(MemoryEstimate estimate, WhisperDimensions dimensions, int batch)
    {
        long rows = (long)batch * dimensions.AudioContext, width = dimensions.Width;
        return estimate
            .Add("encoder", rows * ((2 * dimensions.MelBins) + (7 * width) + dimensions.AudioFeedForward))
            .AddSingle("encoder", rows * width);
    }

    /// <summary>The most windows one pass takes.</summary>
    public int Batch { get; }

    /// <summary>Input: [batch, 3000, mels], frames first.</summary>
    public Tensor LogMel { get; }

    /// <summary>Output: [batch, 1500, d_model].</summary>
    public Tensor Output { get; }

    /// <summary>What the first convolution gives: [batch, 3000, d_model].</summary>
    internal Tensor Convolved { get; }

    /// <summary>The residual stream, float32: [batch, 1500, d_model].</summary>
    internal Tensor Stream { get; }

    /// <summary>The stream behind a norm, and then what attention gives: [batch, 1500, d_model].</summary>
    internal Tensor Normed { get; }

    /// <summary>Queries, keys and values side by side: [batch, 1500, 3 · d_model].</summary>
    internal Tensor QueryKeyValue { get; }

    /// <summary>Within a feed-forward layer: [batch, 1500, 4 · d_model].</summary>
    internal Tensor Expanded { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        LogMel.Dispose();
        Convolved.Dispose();
        Stream.Dispose();
        Normed.Dispose();
        QueryKeyValue.Dispose();
        Expanded.Dispose();
        Output.Dispose();
    }
}
