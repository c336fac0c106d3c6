using Handwritten.Kernels.Cpu;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

// The definition is at IKernels.LogMel, the idea of it in Cpu/LogMelSpectrogram. What differs on a GPU is the Fourier
// transform, which is FrameSpectrum's:
//
//     block of 256 threads, eight frames (1520 samples, since frames overlap)
//
//     global   samples ── FrameSpectrum ──> shared |X|² of 201 bins, eight frames each
//     warp of a band, 80 or 128:        its triangle's few bins, four at a time    ──> shared
//     warp of a frame, 8:               log10 of its bands                         ──> global; the block's largest value
//
// and a second kernel takes the largest of all blocks and sets the floor. A warp has one band at a time, with a lane for each
// of four bins and eight frames: were lanes bands, each would be at a bin of its own, and some in the same bank of shared
// memory. float32 is enough: what is more than 80 dB below the loudest moment is cut off, an amplitude of 1e-4, while the sums
// err by 1e-8 of the loudest bin.
//
// Bytes: 640 to read and 4 · mels to write a frame, and again 8 · mels for the floor. 30 seconds: 165 MFLOP and 6.5 MB
// (80 bands), a few microseconds of an H100, where an encoder pass of the same audio takes milliseconds.
//
// NaN: a sample that is no number makes the largest value and with it the whole spectrogram NaN, as on the CPU.

/// <summary>Log-mel spectrograms of whole recordings; see <see cref="IKernels.LogMel"/>.</summary>
internal sealed class LogMelTransform<TElement>(GpuDevice device) : IDisposable
    where TElement : struct, IElement
{
    private const int Threads = FrameSpectrum.Threads, WarpSize = 32;
    private const int MaximumBlocks = 1024;
    private const int FrameSize = LogMelSpectrogram.FrameSize, Hop = LogMelSpectrogram.Hop, Bins = LogMelSpectrogram.Bins;
    private const int Frames = FrameSpectrum.Frames;

    // From one frame's sums to the next's in shared memory: four neighbouring words of eight frames are in banks of their own.
    private const int SumsOfFrame = 420;
    private const float SmallestPower = 1e-10f, LogOfSmallestPower = -10, DynamicRange = 8;
    private const float Log10Of2 = 0.301029996f;

    private GpuTensor? _turns;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<int>>> _ranges =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<int>>>(RangesKernel, WarpSize));

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<float>, long, long, ArrayView<FrameSpectrum.Turn>, ArrayView<float>, ArrayView<int>, int, long, ArrayView<float>, ArrayView<int>>> _logs =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<float>, long, long, ArrayView<FrameSpectrum.Turn>, ArrayView<float>, ArrayView<int>, int, long, ArrayView<float>, ArrayView<int>>>(LogsKernel, Threads));

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, ArrayView<int>, int>> _floor =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, ArrayView<int>, int>>(FloorKernel, Threads));

    /// <summary>Queues the computation of the spectrogram.</summary>
    /// <param name="samples">[samples] mono at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <param name="filters">[mels, 201] float32; what is zero at the edges of a row costs nothing.</param>
    /// <param name="copies">Brings the table of turns to the device, the first time.</param>
    /// <returns>[(samples + padding) / 160, mels] float32.</returns>
    /// <exception cref="ArgumentException">There are more than 420 bands.</exception>
    public GpuTensor Run(GpuTensor samples, int padding, GpuTensor filters, HostCopies copies)
    {
        int frames = LogMelSpectrogram.FrameCount((int)samples.ElementCount, padding), mels = (int)(filters.ElementCount / Bins);
        if (mels > SumsOfFrame)
        {
            throw new ArgumentException($"A spectrogram on a GPU has at most {SumsOfFrame} mel bands, not {mels}.", nameof(filters));
        }

        int blocks = (int)Math.Min(MaximumBlocks, ((long)frames + Frames - 1) / Frames);
        if (_turns is null)
        {
            _turns = new GpuTensor(device, DType.F32, [FrameSpectrum.TurnCount, 2], "log-mel");
            copies.Write(FrameSpectrum.Turns(), _turns);
        }

        // The result comes last: where there is no room for it, nobody would free it.
        using GpuTensor ranges = new(device, DType.I32, [2, mels], "log-mel"), largest = new(device, DType.I32, [blocks], "log-mel");
        GpuTensor mel = new(device, DType.F32, [frames, mels], "log-mel");
        _ranges.Value(device.Stream, (mels, WarpSize), filters.Floats, ranges.Integers);
        _logs.Value(
            device.Stream, (blocks, Threads), samples.Floats, samples.ElementCount, samples.ElementCount + padding, _turns.Vectors.Cast<FrameSpectrum.Turn>(),
            filters.Floats, ranges.Integers, mels, frames, mel.Floats, largest.Integers);
        long vectors = (mel.ElementCount + 3) / 4;
        _floor.Value(device.Stream, ((int)Math.Min(MaximumBlocks, (vectors + Threads - 1) / Threads), Threads), mel.Vectors, vectors, largest.Integers, blocks);
        return mel;
    }

    public void Dispose() => _turns?.Dispose();

    /// <summary>
    /// A warp looks through one filter: ranges[mel] is its first bin that is not zero, ranges[mels + mel] the end behind the
    /// last.
    /// </summary>
    private static void RangesKernel(ArrayView<float> filters, ArrayView<int> ranges)
    {
        int mel = Grid.IdxX, first = Bins, end = 0;
        for (int bin = Warp.LaneIdx; bin < Bins; bin += WarpSize)
        {
            if (filters[((long)mel * Bins) + bin] != 0)
            {
                first = IntrinsicMath.Min(first, bin);
                end = bin + 1;
            }
        }

        for (int distance = WarpSize / 2; distance > 0; distance /= 2)
        {
            first = IntrinsicMath.Min(first, Warp.ShuffleXor(first, distance));
            end = IntrinsicMath.Max(end, Warp.ShuffleXor(end, distance));
        }

        if (Warp.LaneIdx == 0)
        {
            ranges[mel] = first;
            ranges[Grid.DimX + mel] = end;
        }
    }

    private static void LogsKernel(
        ArrayView<float> samples, long sampleCount, long length, ArrayView<FrameSpectrum.Turn> turns,
        ArrayView<float> filters, ArrayView<int> ranges, int mels, long frames, ArrayView<float> mel, ArrayView<int> largest)
    {
        ArrayView<float> x = SharedMemory.Allocate<float>(FrameSpectrum.SampleCount);
        ArrayView<Bits128> y = SharedMemory.Allocate<Bits128>(FrameSpectrum.ColumnVectors);
        ArrayView<Bits128> power = SharedMemory.Allocate<Bits128>(FrameSpectrum.PowerVectors);
        ArrayView<int> largestOfWarps = SharedMemory.Allocate<int>(Threads / WarpSize);
        ArrayView<float> powers = power.Cast<float>(), sums = y.Cast<float>(); // y is done with when the sums are made
        int thread = Group.IdxX, warp = thread / WarpSize, lane = Warp.LaneIdx, key = OrderedKey(LogOfSmallestPower);
        int ofFrame = FrameSpectrum.PlaceOfFrame(lane); // lane: frame lane & 7, and every fourth bin from lane / 8

        for (long frame = (long)Grid.IdxX * Frames; frame < frames; frame += (long)Grid.DimX * Frames)
        {
            FrameSpectrum.Compute(thread, samples, sampleCount, length, (frame * Hop) - (FrameSize / 2), turns, x, y, power);
            Group.Barrier();
            for (int band = warp; band < mels; band += Threads / WarpSize)
            {
                float sum = 0;
                int end = ranges[mels + band];
                for (int bin = ranges[band] + (lane / Frames); bin < end; bin += WarpSize / Frames)
                {
                    sum += powers[(4 * bin) + ofFrame] * filters[((long)band * Bins) + bin];
                }

                sum += Warp.ShuffleXor(sum, Frames);
                sum += Warp.ShuffleXor(sum, 2 * Frames);
                if (lane < Frames)
                {
                    sums[(lane * SumsOfFrame) + band] = sum;
                }
            }

            Group.Barrier();
            for (int band = lane; band < mels; band += WarpSize)
            {
                bool exists = frame + warp < frames;
                key = IntrinsicMath.Max(key, StoreLog(mel, ((frame + warp) * mels) + band, sums[(warp * SumsOfFrame) + band], exists));
            }
        }

        key = LargestOfBlock(key, largestOfWarps);
        if (thread == 0)
        {
            largest[Grid.IdxX] = key;
        }
    }

    /// <summary>(max(v, largest − 8) + 4) / 4 in place, four values a thread and step.</summary>
    private static void FloorKernel(ArrayView<Bits128> mel, long vectors, ArrayView<int> largest, int blocks)
    {
        ArrayView<int> largestOfWarps = SharedMemory.Allocate<int>(Threads / WarpSize);
        int key = OrderedKey(LogOfSmallestPower);
        for (int block = Group.IdxX; block < blocks; block += Threads)
        {
            key = IntrinsicMath.Max(key, largest[block]);
        }

        key = LargestOfBlock(key, largestOfWarps);
        float floor = Interop.IntAsFloat((uint)(key ^ ((key >> 31) & 0x7FFFFFFF))) - DynamicRange;
        for (long i = ((long)Grid.IdxX * Threads) + Group.IdxX; i < vectors; i += (long)Grid.DimX * Threads)
        {
            Bits128 four = mel[i];
            mel[i] = new Bits128(Raise(four.X, floor), Raise(four.Y, floor), Raise(four.Z, floor), Raise(four.W, floor));
        }
    }

    /// <summary>Stores log10(max(power, 1e-10)) of a frame that exists, and returns the value's key.</summary>
    private static int StoreLog(ArrayView<float> mel, long to, float power, bool exists)
    {
        // Silence is exactly −10; NaN takes the other way.
        float log = power <= SmallestPower ? LogOfSmallestPower : Approximate.Log2(power) * Log10Of2;
        if (exists)
        {
            mel[to] = log;
        }

        return exists ? OrderedKey(log) : OrderedKey(LogOfSmallestPower);
    }

    private static uint Raise(uint bits, float floor)
    {
        float value = Interop.IntAsFloat(bits);
        return Interop.FloatAsInt(((value > floor ? value : floor) + 4) * 0.25f); // NaN where the floor is
    }

    /// <summary>An integer that is larger where the float is, and largest for any NaN: what a max of floats would lose.</summary>
    private static int OrderedKey(float value)
    {
        int bits = (int)Interop.FloatAsInt(value);
        return (bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFFFFFF : bits ^ ((bits >> 31) & 0x7FFFFFFF);
    }

    /// <summary>The largest of the block's keys, in all its threads.</summary>
    private static int LargestOfBlock(int key, ArrayView<int> largestOfWarps)
    {
        for (int distance = WarpSize / 2; distance > 0; distance /= 2)
        {
            key = IntrinsicMath.Max(key, Warp.ShuffleXor(key, distance));
        }

        if (Warp.LaneIdx == 0)
        {
            largestOfWarps[Group.IdxX / WarpSize] = key;
        }

        Group.Barrier();
        for (int warp = 0; warp < Threads / WarpSize; warp++)
        {
            key = IntrinsicMath.Max(key, largestOfWarps[warp]);
        }

        return key;
    }
}
