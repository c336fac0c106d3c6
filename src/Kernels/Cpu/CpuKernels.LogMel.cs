using System.Numerics;
using System.Runtime.InteropServices;
using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Cpu;

/// <content>The spectrogram: two jobs for the team, with the largest value of the recording in between.</content>
public sealed unsafe partial class CpuKernels
{
    // About 0.1 ms of work, and a whole number of vectors of frames.
    private const int FramesPerItem = 64;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The recording has 200 samples or less, padding included.</exception>
    public Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters)
    {
        LogMelSpectrogram transform = Transform(filters);
        int frames = LogMelSpectrogram.FrameCount(samples.Length, padding);
        int items = (frames + FramesPerItem - 1) / FramesPerItem;
        DenseTensor mel = new([frames, transform.Mels]);
        float* largest = _scratch.ReserveShared(items);

        // A job holds pointers only; the handle is one to an object.
        using GCHandle<LogMelSpectrogram> handle = new(transform);
        fixed (float* firstSample = samples)
        {
            LogFramesJob job = new()
            {
                Transform = handle,
                Samples = firstSample,
                SampleCount = samples.Length,
                Padding = padding,
                Frames = frames,
                Mel = mel.Data,
                Largest = largest,
                Work = _scratch.Reserve(LogMelSpectrogram.WorkSize * Vector<float>.Count),
            };
            _team.Run(job, items);
        }

        float ofAll = float.NegativeInfinity;
        for (int item = 0; item < items; item++)
        {
            ofAll = Math.Max(ofAll, largest[item]); // NaN stays, and with it the whole spectrogram is NaN, as the original's
        }

        _team.Run(new NormalizeJob { Mel = mel.Data, Frames = frames, Mels = transform.Mels, Largest = ofAll }, items);
        return mel;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The recording has 200 samples or less, padding included.</exception>
    public Tensor LogMelAside(ReadOnlySpan<float> samples, int padding, Tensor filters)
    {
        LogMelSpectrogram transform = Transform(filters);
        DenseTensor mel = new([LogMelSpectrogram.FrameCount(samples.Length, padding), transform.Mels]);
        transform.Compute(samples, padding, new Span<float>(mel.Data, checked((int)mel.ElementCount)));
        return mel;
    }

    private static LogMelSpectrogram Transform(Tensor filters)
    {
        RequireWidth(filters.Shape[^1], LogMelSpectrogram.Bins, "A mel filter");
        int weights = checked((int)filters.ElementCount);
        return new LogMelSpectrogram(new ReadOnlySpan<float>(Dense(filters, weights), weights));
    }

    private struct LogFramesJob : ITeamJob
    {
        public GCHandle<LogMelSpectrogram> Transform;
        public float* Samples;
        public int SampleCount;
        public int Padding;
        public int Frames;
        public float* Mel;
        public float* Largest;
        public ScratchBlocks Work;

        public readonly void Run(int item, int member)
        {
            LogMelSpectrogram transform = Transform.Target;
            Largest[item] = transform.LogFrames(
                new ReadOnlySpan<float>(Samples, SampleCount),
                Padding,
                item * FramesPerItem,
                FramesOfItem(Mel, item, Frames, transform.Mels),
                new Span<Vector<double>>(Work[member], LogMelSpectrogram.WorkSize));
        }
    }

    private struct NormalizeJob : ITeamJob
    {
        public float* Mel;
        public int Frames;
        public int Mels;
        public float Largest;

        public readonly void Run(int item, int member) => LogMelSpectrogram.Normalize(FramesOfItem(Mel, item, Frames, Mels), Largest);
    }

    private static Span<float> FramesOfItem(float* mel, int item, int frames, int mels)
    {
        int first = item * FramesPerItem;
        return new Span<float>(mel + ((long)first * mels), Math.Min(FramesPerItem, frames - first) * mels);
    }
}
