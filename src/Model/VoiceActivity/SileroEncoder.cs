using Handwritten.Model.Safetensors;

namespace Handwritten.Model.VoiceActivity;

// The part of the network that looks at one window by itself. Frames come first, as everywhere in this program, and the
// frames of a convolution's input lie between two frames of zeros, so that every layer is a product with overlapping rows:
//
//     64 samples before │ 512 samples of the window │ 64 reflected             640 samples
//     STFT, 256 wide, every 128:  cosine and sine parts of 129 bins            [4, 258]
//     magnitude                                                                [4, 129]
//     convolutions of width 3 with ReLU, strides 1 2 2 1                       [4, 128] [2, 64] [1, 64] [1, 128]
//     the LSTM's share of the input, W x + b                                   [512]
//
// A window costs 0.6 million multiply-adds; several windows at once read the weights from the cache once.

/// <summary>The feed-forward part of Silero VAD v6 for 16 kHz: from samples to what the LSTM takes in.</summary>
internal sealed class SileroEncoder
{
    /// <summary>Numbers a window becomes: the four gates of the LSTM.</summary>
    public const int Outputs = 4 * SileroVad.Width;

    /// <summary>Most windows of one call.</summary>
    public const int Batch = 16;

    private const int Reflected = 64;
    private const int PaddedWindow = SileroVad.Context + SileroVad.Window + Reflected;
    private const int Hop = 128;
    private const int Bins = 129;

    private readonly DenseLayer _stft;
    private readonly DenseLayer[] _convolutions;
    private readonly DenseLayer _lstmInput;

    /// <summary>Takes the weights from a checkpoint.</summary>
    /// <exception cref="ModelException">It is no Silero VAD v6 for 16 kHz.</exception>
    public SileroEncoder(SafetensorsFile file)
    {
        _stft = new DenseLayer(SileroWeights.Read(file, "stft.forward_basis_buffer", 2 * Bins, 1, 256), [], 2 * Bins);
        _convolutions = [Convolution(0, Bins, 128), Convolution(1, 128, 64), Convolution(2, 64, 64), Convolution(3, 64, SileroVad.Width)];
        _lstmInput = new DenseLayer(
            SileroWeights.Read(file, "decoder.rnn.weight_ih", Outputs, SileroVad.Width),
            SileroWeights.Read(file, "decoder.rnn.bias_ih", Outputs),
            Outputs);

        DenseLayer Convolution(int index, int channels, int outputs) => DenseLayer.Convolution(
            SileroWeights.Read(file, $"encoder.{index}.weight", outputs, channels, 3),
            SileroWeights.Read(file, $"encoder.{index}.bias", outputs));
    }

    /// <summary>Encodes neighbouring windows.</summary>
    /// <param name="samples">The whole recording.</param>
    /// <param name="first">The first window.</param>
    /// <param name="count">How many, <see cref="Batch"/> at most.</param>
    /// <param name="buffers">Working memory.</param>
    /// <param name="gates">[count, <see cref="Outputs"/>].</param>
    public void Encode(ReadOnlySpan<float> samples, int first, int count, Buffers buffers, Span<float> gates)
    {
        for (int i = 0; i < count; i++)
        {
            CutWindow(samples, first + i, buffers.Samples.AsSpan(i * PaddedWindow, PaddedWindow));
        }

        // The sums of a tile's last outputs may be padding: they need room, and nobody reads them.
        int padded = _stft.PaddedOutputs;
        _stft.Apply(count, buffers.Samples, new RowLayout(4, PaddedWindow, Hop), buffers.Spectrum, new RowLayout(4, 4 * padded, padded));
        for (int frame = 0; frame < 4 * count; frame++)
        {
            ReadOnlySpan<float> cosine = buffers.Spectrum.AsSpan(frame * padded, Bins), sine = buffers.Spectrum.AsSpan((frame * padded) + Bins, Bins);
            Span<float> magnitude = buffers.Magnitudes.AsSpan(Between(4, Bins)[frame], Bins);
            for (int bin = 0; bin < Bins; bin++)
            {
                magnitude[bin] = MathF.Sqrt((cosine[bin] * cosine[bin]) + (sine[bin] * sine[bin]));
            }
        }

        _convolutions[0].Apply(count, buffers.Magnitudes, Strided(4, Bins, outputs: 4), buffers.First, Between(4, 128), floor: 0);
        _convolutions[1].Apply(count, buffers.First, Strided(4, 128, outputs: 2), buffers.Second, Between(2, 64), floor: 0);
        _convolutions[2].Apply(count, buffers.Second, Strided(2, 64, outputs: 1), buffers.Third, Between(1, 64), floor: 0);
        _convolutions[3].Apply(count, buffers.Third, Strided(1, 64, outputs: 1), buffers.Fourth, new RowLayout(1, SileroVad.Width, 0), floor: 0);
        _lstmInput.Apply(count, buffers.Fourth, new RowLayout(1, SileroVad.Width, 0), gates, new RowLayout(1, Outputs, 0));
    }

    // Frames with a frame of zeros before the first and behind the last.
    private static RowLayout Between(int frames, int channels) => new(frames, (frames + 2) * channels, channels, Offset: channels);

    // What a convolution reads of such frames: three at a time, beginning with the zeros.
    private static RowLayout Strided(int frames, int channels, int outputs) => new(outputs, (frames + 2) * channels, frames / outputs * channels);

    // Beyond both ends of the recording there are zeros; the end of the window is reflected without its last sample.
    private static void CutWindow(ReadOnlySpan<float> samples, int index, Span<float> window)
    {
        int start = (index * SileroVad.Window) - SileroVad.Context;
        int length = SileroVad.Context + SileroVad.Window;
        int from = Math.Clamp(start, 0, samples.Length), to = Math.Clamp(start + length, 0, samples.Length);
        window.Clear();
        samples[from..to].CopyTo(window[(from - start)..]);
        for (int i = 0; i < Reflected; i++)
        {
            window[length + i] = window[length - 2 - i];
        }
    }

    /// <summary>Working memory of one thread; what lies between the frames stays zero.</summary>
    public sealed class Buffers
    {
        internal float[] Samples { get; } = new float[Batch * PaddedWindow];

        internal float[] Spectrum { get; } = new float[Batch * 4 * 3 * Hop];

        internal float[] Magnitudes { get; } = new float[Batch * 6 * Bins];

        internal float[] First { get; } = new float[Batch * 6 * 128];

        internal float[] Second { get; } = new float[Batch * 4 * 64];

        internal float[] Third { get; } = new float[Batch * 3 * 64];

        internal float[] Fourth { get; } = new float[Batch * SileroVad.Width];
    }
}
