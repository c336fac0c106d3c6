using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// The weights that <see cref="CrossAttention{TElement}"/> gives to the frames in one head: softmax(q kᵀ / 8) over the last
/// dimension.
/// <code>
///     block (256 threads): one row         32 groups of 8 threads: the scores, a frame at a time, into the result's row
///                                          8 warps: their largest, their sum; each thread scales what it reads
/// </code>
/// Bytes: the head's keys once for each row; the result is written twice and read three times, out of the L1 cache. For
/// the timing of words: once a window, not once a step.
/// </summary>
internal sealed class CrossAttentionWeights<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;
    private const int Groups = Threads / RunningAttention.ThreadsOfKey;
    private const int Warps = Threads / 32;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<float>, int, int, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<int>, ArrayView<Bits128>, ArrayView<Bits128>, ArrayView<float>, int, int, int>>(Kernel, Threads));

    /// <summary>Computes the weights of one head. query: [rows, width], weights: [rows, length] float32.</summary>
    public void Run(GpuDecoderRows rows, GpuTensor query, GpuKeyValueCache cache, int head, GpuTensor weights)
    {
        if (rows.Count > 0)
        {
            _kernel.Value(device.Stream, (rows.Count, Threads), rows.DeviceWindows, query.Vectors, cache.Keys, weights.Floats, head, cache.Length, cache.Heads);
        }
    }

    private static void Kernel(ArrayView<int> windows, ArrayView<Bits128> queries, ArrayView<Bits128> keys, ArrayView<float> weights, int head, int length, int heads)
    {
        ArrayView<float> ofWarps = SharedMemory.Allocate<float>(2 * Warps);
        int row = Grid.IdxX, part = RunningAttention.Part, line = row * length;
        int begin = ((windows[row] * heads) + head) * length;
        Eight query = RunningAttention.LoadPart<TElement>(queries, (row * heads) + head) * RunningAttention.ScoreScale;
        float largest = float.MinValue;
        for (int frame = Group.IdxX / RunningAttention.ThreadsOfKey, round = 0; round < length; frame += Groups, round += Groups)
        {
            int last = IntrinsicMath.Min(frame, length - 1); // the last again, where there are no more
            float score = RunningAttention.SumOfKey(Eight.Dot(query, RunningAttention.LoadPart<TElement>(keys, begin + last)));
            largest = MathF.Max(largest, score);
            if (part == 0 && frame < length)
            {
                weights[line + frame] = score;
            }
        }

        largest = WarpReduction.Max(largest);
        if (Warp.IsFirstLane)
        {
            ofWarps[Group.IdxX / 32] = largest;
        }

        Group.Barrier(); // the scores are written, too
        for (int warp = 0; warp < Warps; warp++)
        {
            largest = MathF.Max(largest, ofWarps[warp]);
        }

        float sum = 0;
        for (int frame = Group.IdxX; frame < length; frame += Threads)
        {
            float weight = Approximate.Exp2(weights[line + frame] - largest);
            weights[line + frame] = weight;
            sum += weight;
        }

        sum = WarpReduction.Sum(sum);
        if (Warp.IsFirstLane)
        {
            ofWarps[Warps + Group.IdxX / 32] = sum;
        }

        Group.Barrier();
        sum = 0;
        for (int warp = 0; warp < Warps; warp++)
        {
            sum += ofWarps[Warps + warp];
        }

        float scale = 1 / sum;
        for (int frame = Group.IdxX; frame < length; frame += Threads)
        {
            weights[line + frame] *= scale;
        }
    }
}
