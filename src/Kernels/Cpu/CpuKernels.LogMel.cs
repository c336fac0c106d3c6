using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

/// <content>Log-mel spectrograms: the threads share the recording's frames, see <see cref="LogMelSpectrogram"/>.</content>
public sealed unsafe partial class CpuKernels
{
    /// <summary>Frames of one unit of work: 2.56 seconds of sound.</summary>
    private const int FramesPerUnit = 256;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are 200 samples or less, padding included.</exception>
    public Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters)
    {
        LogMelSpectrogram spectrogram = new(new ReadOnlySpan<float>(Dense(filters, filters.ElementCount), (int)filters.ElementCount));
        int frames = LogMelSpectrogram.FrameCount(samples.Length, padding), units = (frames + FramesPerUnit - 1) / FramesPerUnit;
        DenseTensor result = new([frames, spectrogram.Mels]);
        float[] largest = new float[units];
        GCHandle handle = GCHandle.Alloc(spectrogram);
        try
        {
            fixed (float* recording = samples, peaks = largest)
            {
                LogMelJob job = new()
                {
                    Spectrogram = handle,
                    Samples = recording,
                    SampleCount = samples.Length,
                    Padding = padding,
                    Frames = frames,
                    Mels = spectrogram.Mels,
                    Result = result.Data,
                    Largest = peaks,
                };
                _team.Run(job, units);
                _team.Run(new NormalizeJob { LogMel = job, Loudest = largest.Max() }, units);
            }
        }
        finally
        {
            handle.Free();
        }

        return result;
    }

    private struct LogMelJob : ITeamJob
    {
        /// <summary>Of a <see cref="LogMelSpectrogram"/>; jobs hold no references.</summary>
        public GCHandle Spectrogram;
        public float* Samples;
        public int SampleCount;
        public int Padding;
        public int Frames;
        public float* Result;
        public int Mels;
        public float* Largest;

        public readonly void Run(int item, int member) =>
            Largest[item] = ((LogMelSpectrogram)Spectrogram.Target!).LogFrames(new ReadOnlySpan<float>(Samples, SampleCount), Padding, item * FramesPerUnit, Unit(item));

        /// <summary>A unit's part of the result.</summary>
        public readonly Span<float> Unit(int item)
        {
            int first = item * FramesPerUnit, count = Math.Min(FramesPerUnit, Frames - first);
            return new Span<float>(Result + ((long)first * Mels), count * Mels);
        }
    }

    private struct NormalizeJob : ITeamJob
    {
        public LogMelJob LogMel;
        public float Loudest;

        public readonly void Run(int item, int member) => LogMelSpectrogram.Normalize(LogMel.Unit(item), Loudest);
    }
}
