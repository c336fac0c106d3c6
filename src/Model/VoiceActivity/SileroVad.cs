using Handwritten.Model.Safetensors;

namespace Handwritten.Model.VoiceActivity;

/// <summary>
/// Silero VAD v6 for 16 kHz: tells speech from everything else, 32 ms at a time. The windows look at their own samples
/// all at once, on all cores; only the small recurrent part goes through the recording in order.
/// Source: snakers4/silero-vad, the network of silero_vad_v6; MIT licence.
/// </summary>
public sealed class SileroVad
{
    /// <summary>Samples of a window, 32 ms.</summary>
    public const int Window = 512;

    /// <summary>Samples before a window that are looked at with it.</summary>
    internal const int Context = 64;

    /// <summary>Numbers the recurrent part remembers.</summary>
    internal const int Width = 128;

    // 65 seconds: enough for all cores, and 4 MB.
    private const int GroupWindows = 2048;

    private readonly SileroEncoder _encoder;
    private readonly SileroDecoder _decoder;

    private SileroVad(SileroEncoder encoder, SileroDecoder decoder) => (_encoder, _decoder) = (encoder, decoder);

    /// <summary>The name of the model's folder below <c>weights</c>.</summary>
    public static string Name => "silero-vad";

    /// <summary>Loads the network.</summary>
    /// <param name="folder">The folder with its <c>model.safetensors</c>; by default that below <c>weights</c>.</param>
    /// <exception cref="ModelException">It is missing, damaged or another network.</exception>
    public static SileroVad Load(string? folder = null)
    {
        using SafetensorsFile file = new(Path.Combine(folder ?? Find(), "model.safetensors"));
        return new SileroVad(new SileroEncoder(file), new SileroDecoder(file));
    }

    private static string Find()
    {
        try
        {
            return ModelFolder.Resolve(Name);
        }
        catch (ModelException exception)
        {
            throw new ModelException($"The network that finds speech is not here: put the folder weights/{Name}, which comes with this program, beside the models.", exception);
        }
    }

    /// <summary>Begins to hear sound that is still coming.</summary>
    public SileroListener Listen() => new(_encoder, _decoder);

    /// <summary>The probability that there is speech, for each window of a recording. Any number of threads may call it.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>
    /// [samples / 512 + 1], each in [0, 1]. The last window is filled up with zeros, and one of zeros alone follows a
    /// recording of whole windows, as faster-whisper has it.
    /// </returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public float[] Probabilities(ReadOnlyMemory<float> samples, CancellationToken cancellation = default)
    {
        float[] probabilities = new float[(samples.Length / Window) + 1];
        float[] gates = new float[Math.Min(GroupWindows, probabilities.Length) * SileroEncoder.Outputs];
        SileroDecoder.Memory memory = new();
        ParallelOptions options = new() { CancellationToken = cancellation };
        for (int first = 0; first < probabilities.Length; first += GroupWindows)
        {
            int group = first, count = Math.Min(GroupWindows, probabilities.Length - first);
            int batches = (count + SileroEncoder.Batch - 1) / SileroEncoder.Batch;
            Parallel.For(0, batches, options, () => new SileroEncoder.Buffers(), (index, _, buffers) =>
            {
                int begin = index * SileroEncoder.Batch, length = Math.Min(SileroEncoder.Batch, count - begin);
                Span<float> part = gates.AsSpan(begin * SileroEncoder.Outputs, length * SileroEncoder.Outputs);
                _encoder.Encode(samples.Span, group + begin, length, buffers, part);
                return buffers;
            }, _ => { });

            for (int i = 0; i < count; i++)
            {
                probabilities[first + i] = _decoder.Step(gates.AsSpan(i * SileroEncoder.Outputs, SileroEncoder.Outputs), memory);
            }
        }

        return probabilities;
    }
}
