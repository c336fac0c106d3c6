using System.Numerics;
using System.Runtime.InteropServices;

namespace Handwritten.Kernels.Cpu;

// What Whisper hears: every 10 ms, how loud it is in each of 80 or 128 bands that are spaced as the ear spaces them.
//
//     samples    ......|─────────── 400 ───────────|.........      25 ms, one frame; the next starts 160 samples on
//                         × Hann window                            fades both ends, so that cutting makes no click
//                      ╱╲ power spectrum ╱╲                        201 frequencies, 40 Hz apart (RealFft)
//                      △△△△ △ △  △   △    △      △                 mel filters: triangles, wider towards the top
//                      log10, floor at the loudest − 8 (80 dB), (x + 4) / 4
//
// Frame t is centred on sample 160 t: it begins 200 samples earlier, and where that lies outside of the recording, the
// recording is mirrored (without repeating its end sample). The floor hangs on the loudest moment of the whole
// recording, hence two passes: LogFrames, then Normalize with the largest of what LogFrames returned.
//
// Source: openai/whisper, audio.py, log_mel_spectrogram.

/// <summary>
/// Log-mel spectrograms on the CPU; see <see cref="IKernels.LogMel"/> for the definition. An instance is immutable;
/// threads share it and take a range of frames each. A frame's numbers depend on nothing but its samples, so that the
/// result is the same to the last bit however the frames were divided.
/// </summary>
internal sealed class LogMelSpectrogram
{
    /// <summary>Samples in a frame: 25 ms at 16 kHz.</summary>
    public const int FrameSize = 400;

    /// <summary>Samples from one frame to the next: 10 ms at 16 kHz.</summary>
    public const int Hop = 160;

    /// <summary>Frequencies in a frame's spectrum, from 0 to 8 kHz.</summary>
    public const int Bins = (FrameSize / 2) + 1;

    /// <summary>Vectors of working memory that <see cref="LogFrames"/> needs: 32 KiB with 256-bit vectors.</summary>
    public const int WorkSize = FrameSize + FrameSize + Bins;

    private const int Overhang = FrameSize / 2;
    private const double SmallestPower = 1e-10;
    private const float LogOfSmallestPower = -10;
    private const float DynamicRange = 8;
    private const double Log10Of2 = 0.30102999566398120;

    private readonly RealFft _fft = new(FrameSize);
    private readonly double[] _window = new double[FrameSize];
    private readonly Band[] _bands;

    /// <summary>Prepares the transform.</summary>
    /// <param name="filters">Mel filters [mels, 201].</param>
    public LogMelSpectrogram(ReadOnlySpan<float> filters)
    {
        // The periodic form, which divides by 400 and not by 399, rounded to float32 as the original has it.
        for (int n = 0; n < FrameSize; n++)
        {
            _window[n] = (float)(0.5 - (0.5 * Math.Cos(2 * Math.PI * n / FrameSize)));
        }

        _bands = new Band[filters.Length / Bins];
        for (int mel = 0; mel < _bands.Length; mel++)
        {
            _bands[mel] = Band.From(filters.Slice(mel * Bins, Bins));
        }
    }

    /// <summary>Mel bands in a frame.</summary>
    public int Mels => _bands.Length;

    /// <summary>The number of frames of a recording: one for every full 160 samples.</summary>
    /// <param name="samples">Samples of the recording.</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <exception cref="ArgumentException">Both together are too short to be mirrored at their ends.</exception>
    public static int FrameCount(int samples, int padding)
    {
        long length = (long)samples + padding;
        return length > Overhang
            ? (int)(length / Hop)
            : throw new ArgumentException($"A spectrogram needs more than {Overhang} samples, padding included, but got {length}; pad the recording with zeros.", nameof(samples));
    }

    /// <summary>The whole spectrogram on the calling thread.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <returns>[(samples + padding) / 160, mels].</returns>
    /// <exception cref="ArgumentException">There are 200 samples or less, padding included.</exception>
    public float[] Compute(ReadOnlySpan<float> samples, int padding)
    {
        float[] result = GC.AllocateUninitializedArray<float>(checked(FrameCount(samples.Length, padding) * Mels));
        Compute(samples, padding, result);
        return result;
    }

    /// <summary>The whole spectrogram on the calling thread.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <param name="result">[frames, mels].</param>
    public void Compute(ReadOnlySpan<float> samples, int padding, Span<float> result) =>
        Normalize(result, LogFrames(samples, padding, 0, result, new Vector<double>[WorkSize]));

    /// <summary>First pass, for a range of frames: log10(max(mel power, 1e-10)).</summary>
    /// <param name="samples">All samples of the recording, mono at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow them.</param>
    /// <param name="first">The first frame of the range.</param>
    /// <param name="output">[frames, mels]: the range ends where this does.</param>
    /// <param name="work">Working memory of <see cref="WorkSize"/> vectors; what is in it does not matter.</param>
    /// <returns>The largest value.</returns>
    public float LogFrames(ReadOnlySpan<float> samples, int padding, int first, Span<float> output, Span<Vector<double>> work)
    {
        int lanes = Vector<double>.Count;
        Span<Vector<double>> signal = work[..FrameSize];
        Span<Vector<double>> scratch = work.Slice(FrameSize, FrameSize);
        Span<Vector<double>> power = work.Slice(FrameSize + FrameSize, Bins);

        float largest = LogOfSmallestPower;
        int frames = output.Length / Mels;
        for (int done = 0; done < frames; done += lanes)
        {
            int count = Math.Min(lanes, frames - done);
            Span<float> rows = output.Slice(done * Mels, count * Mels);
            if (Gather(samples, (long)samples.Length + padding, first + done, count, signal))
            {
                _fft.PowerSpectrum(signal, scratch, power);
                largest = Math.Max(largest, ToLogMel(power, rows));
            }
            else
            {
                rows.Fill(LogOfSmallestPower);
            }
        }

        return largest;
    }

    /// <summary>Second pass: (max(x, largest − 8) + 4) / 4 in place.</summary>
    /// <param name="values">What <see cref="LogFrames"/> wrote, or a part of it.</param>
    /// <param name="largest">The largest value of the whole recording.</param>
    public static void Normalize(Span<float> values, float largest)
    {
        float floor = largest - DynamicRange;
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (ref Vector<float> value in vectors)
        {
            value = (Vector.Max(value, Vector.Create(floor)) + Vector.Create(4f)) * 0.25f;
        }

        foreach (ref float value in values[(vectors.Length * Vector<float>.Count)..])
        {
            value = (Math.Max(value, floor) + 4f) * 0.25f;
        }
    }

    // Lays windowed frames into the lanes of `signal`, one a lane; false if there is nothing but silence in them, as in
    // the thirty seconds of zeros behind every recording.
    private bool Gather(ReadOnlySpan<float> samples, long length, int first, int count, Span<Vector<double>> signal)
    {
        Span<double> lanes = MemoryMarshal.Cast<Vector<double>, double>(signal);
        Span<float> buffer = stackalloc float[FrameSize];
        bool sound = false;
        for (int lane = 0; lane < count; lane++)
        {
            ReadOnlySpan<float> frame = Frame(samples, length, first + lane, buffer);
            sound |= frame.ContainsAnyExcept(0f);
            int at = lane;
            for (int n = 0; n < frame.Length; n++, at += Vector<double>.Count)
            {
                lanes[at] = _window[n] * frame[n];
            }
        }

        return sound;
    }

    private static ReadOnlySpan<float> Frame(ReadOnlySpan<float> samples, long length, int frame, Span<float> buffer)
    {
        long start = ((long)frame * Hop) - Overhang;
        if (start >= 0 && start + FrameSize <= samples.Length)
        {
            return samples.Slice((int)start, FrameSize);
        }

        if (start >= samples.Length && start + FrameSize <= length)
        {
            buffer.Clear();
            return buffer;
        }

        for (int n = 0; n < FrameSize; n++)
        {
            long at = Math.Abs(start + n);
            at = at < length ? at : (2 * (length - 1)) - at;
            buffer[n] = at < samples.Length ? samples[(int)at] : 0;
        }

        return buffer;
    }

    private float ToLogMel(ReadOnlySpan<Vector<double>> power, Span<float> rows)
    {
        float largest = LogOfSmallestPower;
        for (int mel = 0; mel < _bands.Length; mel++)
        {
            Vector<double> sum = _bands[mel].Apply(power);
            Vector<double> log = Vector.Log2(Vector.Max(sum, Vector.Create(SmallestPower))) * Log10Of2;
            for (int at = mel, lane = 0; at < rows.Length; at += _bands.Length, lane++)
            {
                float value = (float)log[lane];
                rows[at] = value;
                largest = Math.Max(largest, value);
            }
        }

        return largest;
    }

    /// <summary>One mel filter without the zeros around its triangle, which are all but a handful of its 201 weights.</summary>
    private readonly record struct Band(int First, double[] Weights)
    {
        public static Band From(ReadOnlySpan<float> filter)
        {
            int first = filter.IndexOfAnyExcept(0f);
            return first < 0
                ? new(0, [])
                : new(first, [.. filter[first..(filter.LastIndexOfAnyExcept(0f) + 1)].ToArray().Select(weight => (double)weight)]);
        }

        public Vector<double> Apply(ReadOnlySpan<Vector<double>> power)
        {
            Vector<double> sum = default;
            ReadOnlySpan<Vector<double>> part = power.Slice(First, Weights.Length);
            for (int i = 0; i < part.Length; i++)
            {
                sum += part[i] * Weights[i];
            }

            return sum;
        }
    }
}
