using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Rivals;

/// <summary>A window and its text here, in the parts that <see cref="WhisperCpp"/> has.</summary>
internal sealed class OurWindow : IDisposable
{
    private readonly WhisperNetwork _network;
    private readonly EncoderState _encoder;
    private readonly DecoderState _decoder;
    private readonly float[] _logits;

    /// <summary>Allocates for one window.</summary>
    public OurWindow(WhisperNetwork network)
    {
        _network = network;
        _encoder = network.Encoder.CreateState();
        _decoder = network.Decoder.CreateState(windows: 1, lanes: 1, outputs: 1);
        _logits = new float[network.Dimensions.Vocabulary];
    }

    /// <inheritdoc cref="WhisperCpp.Logits"/>
    public ReadOnlySpan<float> Logits => _logits;

    /// <inheritdoc cref="WhisperCpp.LogMel"/>
    public void LogMel(ReadOnlySpan<float> samples)
    {
        using Tensor mel = _network.Frontend.Compute(samples, padding: 0);
        _network.Kernels.CopyWindow(mel, 0, mel.Shape[0], _encoder.LogMel, 0);
    }

    /// <inheritdoc cref="WhisperCpp.Listen"/>
    public void Listen()
    {
        _network.Encoder.Forward(_encoder);
        _network.Decoder.Listen(_decoder, _encoder.Output, 0);
    }

    /// <inheritdoc cref="WhisperCpp.Decode"/>
    public void Decode(ReadOnlySpan<int> tokens, int position)
    {
        _decoder.Rows.Clear();
        for (int i = 0; i < tokens.Length; i++)
        {
            _decoder.Rows.Add(tokens[i], lane: 0, position + i, window: 0, wantsLogits: i == tokens.Length - 1);
        }

        _network.Decoder.Forward(_decoder);
        _network.Kernels.Read(_decoder.Logits, _logits);
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }
}
