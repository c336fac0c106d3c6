using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Every frame attends to every frame: y = softmax(q kᵀ / 8) v in each head of 64. This class chooses the kernel, one of
/// <see cref="EncoderAttentionSingle{TCopy}"/> and <see cref="EncoderAttentionTensor{TCore, TCopy}"/>; both are flash
/// attention: a block takes some queries of a head, the keys and values pass by in tiles, and of the [frames, frames] matrix
/// of weights there is never more than a tile.
/// <code>
///     keys   ┌──┬──┬──┬──┬──┐ ──>           for each tile:  s = q kᵀ / 8
///            └──┴──┴──┴──┴──┘                               m' = max(m, largest of s)
///     values ┌──┬──┬──┬──┬──┐ ──>                           p = exp(s − m')
///            └──┴──┴──┴──┴──┘                               l = l · exp(m − m') + Σ p
///     queries of the block, m, l and o stay put             o = o · exp(m − m') + p v         at the end: y = o / l
/// </code>
/// Source: Dao, FlashAttention-2 (2023), algorithm 1; the online softmax is Milakov and Gimelshein's (2018).
/// </summary>
internal sealed class EncoderAttention<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int HeadSize = 64;

    private readonly Lazy<Launcher> _kernel = new(() => Load(device));

    private delegate void Launcher(int frames, int heads, int batch, ArrayView<Bits128> queryKeyValue, ArrayView<Bits128> y);

    /// <summary>Attends in the first windows. queryKeyValue: [batch, frames, 3 · width], y: [batch, frames, width].</summary>
    /// <exception cref="ArgumentException">The heads are not 64 wide.</exception>
    public void Run(int batch, GpuTensor queryKeyValue, int heads, GpuTensor y)
    {
        int width = y.Shape[^1], frames = y.Shape[^2];
        if (width != heads * HeadSize)
        {
            throw new ArgumentException($"The CUDA back end attends in heads of {HeadSize}; these are {width / heads} wide.", nameof(heads));
        }

        _kernel.Value(frames, heads, batch, queryKeyValue.Vectors, y.Vectors);
    }

    private static Launcher Load(GpuDevice device) => (TElement.Type, device.ComputeCapability) switch
    {
        (DType.F16, >= 80) => Tensor<AmpereFloat16, AsynchronousCopy>(device),
        (DType.F16, _) => Tensor<TuringFloat16, PlainCopy>(device),
        (DType.BF16, _) => Tensor<AmpereBFloat16, AsynchronousCopy>(device),
        (_, >= 80) => Single<AsynchronousCopy>(device),
        _ => Single<PlainCopy>(device),
    };

    private static Launcher Single<TCopy>(GpuDevice device)
        where TCopy : struct, ISharedCopy =>
        Load(device, EncoderAttentionSingle<TCopy>.EncoderAttentionKernel, EncoderAttentionSingle<TCopy>.Threads, EncoderAttentionSingle<TCopy>.Queries);

    private static Launcher Tensor<TCore, TCopy>(GpuDevice device)
        where TCore : struct, ITensorCore
        where TCopy : struct, ISharedCopy =>
        Load(device, EncoderAttentionTensor<TCore, TCopy>.EncoderAttentionKernel, EncoderAttentionTensor<TCore, TCopy>.Threads, EncoderAttentionTensor<TCore, TCopy>.Queries);

    private static Launcher Load(GpuDevice device, Action<ArrayView<Bits128>, ArrayView<Bits128>, int> kernel, int threads, int queries)
    {
        var launch = device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<Bits128>, int>>(kernel, threads);
        return (frames, heads, batch, queryKeyValue, y) =>
            launch(device.Stream, (new Index3D((frames + queries - 1) / queries, heads, batch), new Index3D(threads, 1, 1)), queryKeyValue, y, frames);
    }
}
