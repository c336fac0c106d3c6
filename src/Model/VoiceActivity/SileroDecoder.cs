using System.Numerics;
using Handwritten.Model.Safetensors;

namespace Handwritten.Model.VoiceActivity;

/// <summary>
/// The part of the network that remembers: a long short-term memory cell, then one number a window.
/// <code>
///     [i f g o] = W x + b + U h + d          input, forget, cell and output gate
///     c = σ(f) c + σ(i) tanh(g)
///     h = σ(o) tanh(c)                       p = σ(w · relu(h) + v)
/// </code>
/// </summary>
internal sealed class SileroDecoder
{
    private readonly DenseLayer _recurrent;
    private readonly float[] _output;
    private readonly float _outputBias;

    /// <summary>Takes the weights from a checkpoint.</summary>
    /// <exception cref="ModelException">It is no Silero VAD v6 for 16 kHz.</exception>
    public SileroDecoder(SafetensorsFile file)
    {
        const int width = SileroVad.Width;
        _recurrent = new DenseLayer(
            SileroWeights.Read(file, "decoder.rnn.weight_hh", 4 * width, width),
            SileroWeights.Read(file, "decoder.rnn.bias_hh", 4 * width),
            4 * width);
        _output = SileroWeights.Read(file, "decoder.conv1d.weight", 1, width, 1);
        _outputBias = SileroWeights.Read(file, "decoder.conv1d.bias", 1)[0];
    }

    /// <summary>Hears the next window.</summary>
    /// <param name="inputGates">W x + b, [512]; see <see cref="SileroEncoder"/>.</param>
    /// <param name="memory">What was heard before; changed.</param>
    /// <returns>The probability of speech.</returns>
    public float Step(ReadOnlySpan<float> inputGates, Memory memory)
    {
        const int width = SileroVad.Width;
        RowLayout one = new(1, 0, 0);
        float[] gates = memory.Gates;
        _recurrent.Apply(1, memory.Hidden, one, gates, one);

        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < width; i += Vector<float>.Count)
        {
            Vector<float> forgotten = Sigmoid(Gate(inputGates, gates, width + i)) * new Vector<float>(memory.Cell, i);
            Vector<float> cell = forgotten + (Sigmoid(Gate(inputGates, gates, i)) * Tanh(Gate(inputGates, gates, (2 * width) + i)));
            Vector<float> hidden = Sigmoid(Gate(inputGates, gates, (3 * width) + i)) * Tanh(cell);
            cell.CopyTo(memory.Cell, i);
            hidden.CopyTo(memory.Hidden, i);
            sum += Vector.Max(hidden, Vector<float>.Zero) * new Vector<float>(_output, i);
        }

        return 1 / (1 + MathF.Exp(-(Vector.Sum(sum) + _outputBias)));
    }

    private static Vector<float> Gate(ReadOnlySpan<float> inputGates, float[] gates, int index) =>
        new Vector<float>(inputGates[index..]) + new Vector<float>(gates, index);

    private static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));

    private static Vector<float> Tanh(Vector<float> x) => (Sigmoid(x + x) * 2f) - Vector<float>.One;

    /// <summary>What the cell remembers of the windows before.</summary>
    public sealed class Memory
    {
        internal float[] Cell { get; } = new float[SileroVad.Width];

        internal float[] Hidden { get; } = new float[SileroVad.Width];

        internal float[] Gates { get; } = new float[4 * SileroVad.Width];
    }
}
