namespace Handwritten.Model.VoiceActivity;

/// <summary>
/// Silero VAD over sound that is still coming: a window goes in, its probability of speech comes out, the same as
/// <see cref="SileroVad.Probabilities"/> gives it in the whole recording. For one thread; any number of streams share a network.
/// </summary>
public sealed class SileroStream
{
    private readonly SileroEncoder _encoder;
    private readonly SileroDecoder _decoder;
    private readonly SileroEncoder.Buffers _buffers = new();
    private readonly SileroDecoder.Memory _memory = new();
    private readonly float[] _samples = new float[2 * SileroVad.Window]; // the window before, of which the end is looked at, and this one
    private readonly float[] _gates = new float[SileroEncoder.Outputs];

    internal SileroStream(SileroEncoder encoder, SileroDecoder decoder) => (_encoder, _decoder) = (encoder, decoder);

    /// <summary>Hears the next window.</summary>
    /// <param name="window">Mono samples at 16 kHz in [−1, 1], [<see cref="SileroVad.Window"/>].</param>
    /// <returns>The probability that there is speech.</returns>
    /// <exception cref="ArgumentException">The window has another length.</exception>
    public float Hear(ReadOnlySpan<float> window)
    {
        if (window.Length != SileroVad.Window)
        {
            throw new ArgumentException($"A window has {SileroVad.Window} samples, not {window.Length}.", nameof(window));
        }

        _samples.AsSpan(SileroVad.Window).CopyTo(_samples);
        window.CopyTo(_samples.AsSpan(SileroVad.Window));
        _encoder.Encode(_samples, first: 1, count: 1, _buffers, _gates);
        return _decoder.Step(_gates, _memory);
    }
}
