using Handwritten.Kernels;

namespace Handwritten.Model.Parity;

/// <summary>
/// Compares a forward pass with the original's, activation by activation. The pass is the one that ships; this only
/// looks on. What the original's modules return but a fused kernel never stores is derived from what can be seen: the
/// output of an attention or feed-forward layer is what it added to the residual stream, the output of the second
/// convolution is the embedded audio without its positions.
/// </summary>
public sealed class ParityCheck : IActivationObserver
{
    private readonly ActivationReference _reference;
    private readonly double _tolerance;
    private readonly float[] _encoderPositions;
    private readonly List<ParityRow> _rows = [];
    private float[] _stream = [];

    private ParityCheck(ActivationReference reference, double tolerance, float[] encoderPositions)
    {
        _reference = reference;
        _tolerance = tolerance;
        _encoderPositions = encoderPositions;
    }

    private IKernels Kernels { get; init; } = null!;

    private Action<string, int, float[]>? Seen { get; init; }

    /// <summary>Runs the reference's input through a network and compares.</summary>
    /// <param name="network">The network, with the weights that the reference was computed with.</param>
    /// <param name="reference">What the original computed.</param>
    /// <param name="seen">Receives every activation that is compared or could be: name, width of a row, values.</param>
    /// <param name="cancellation">Checked between layers.</param>
    /// <returns>A row for every activation of the reference.</returns>
    /// <exception cref="ModelException">The reference belongs to another architecture.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<ParityRow> Run(WhisperNetwork network, ActivationReference reference, Action<string, int, float[]>? seen = null, CancellationToken cancellation = default)
    {
        WhisperDimensions dimensions = network.Dimensions;
        if (reference.LogMel.Shape[0] != dimensions.MelBins)
        {
            throw OfAnotherModel($"was computed with {reference.LogMel.Shape[0]} mel bins, but the model takes {dimensions.MelBins}");
        }

        if (reference.Tokens.Length is 0 || reference.Tokens.Length > dimensions.TextContext || reference.Tokens.Any(token => token < 0 || token >= dimensions.Vocabulary))
        {
            throw OfAnotherModel($"has {reference.Tokens.Length} tokens up to {reference.Tokens.DefaultIfEmpty().Max()}, but the model takes 1 to {dimensions.TextContext} below {dimensions.Vocabulary}");
        }

        float[] positions = new float[dimensions.AudioContext * dimensions.Width];
        network.Kernels.Read(network.Encoder.Positions, positions);
        ParityCheck check = new(reference, network.Kernels.Tolerance, positions) { Kernels = network.Kernels, Seen = seen };
        using EncoderState encoder = network.Encoder.CreateState();
        using DecoderState decoder = network.Decoder.CreateState(outputs: reference.Tokens.Length);

        network.Kernels.Write(Transpose(reference.LogMel.Values, reference.LogMel.Shape[0]), encoder.LogMel);
        network.Encoder.Forward(encoder, observer: check, cancellation: cancellation);
        network.Decoder.Listen(decoder, encoder.Output, 0);
        for (int position = 0; position < reference.Tokens.Length; position++)
        {
            decoder.Rows.Add(reference.Tokens[position], lane: 0, position, window: 0, wantsLogits: true);
        }

        network.Decoder.Forward(decoder, check);
        string[] missing = [.. reference.Activations.Keys.Concat(reference.AlignmentHeads.Select(NameOf)).Except(check._rows.Select(row => row.Name))];
        return missing is [] && check._rows is not []
            ? check._rows
            : throw OfAnotherModel($"has {missing.FirstOrDefault("nothing")}, which the model does not compute");
    }

    /// <inheritdoc/>
    void IActivationObserver.Observe(string name, Tensor activation, int rows, int width)
    {
        float[] values = new float[rows * width];
        Kernels.Read(activation, values);
        Seen?.Invoke(name, width, values);
        switch (name.Split('.'))
        {
            case ["encoder", "conv1_gelu"]:
                Compare(name, Transpose(values, rows));
                break;

            case ["encoder", "embedded"]:
                Compare(name, values);
                Compare("encoder.conv2_gelu", Transpose(Subtract(values, _encoderPositions), rows));
                _stream = values;
                break;

            case ["decoder", "embedded"]:
                Compare(name, values);
                _stream = values;
                break;

            case [_, "block", _, "attn", "qkv"]:
                for (int part = 0; part < 3; part++)
                {
                    Compare(name[..^3] + "qkv"[part], Columns(values, width, part * width / 3, width / 3));
                }

                break;

            case [_, "block", _, "attn" or "cross_attn"]:
                Compare($"{name}.out", Subtract(values, _stream));
                _stream = values;
                break;

            case [_, "block", _]:
                Compare($"{name}.mlp.out", Subtract(values, _stream));
                Compare(name, values);
                _stream = values;
                break;

            case [_, "block", var layer, "cross_attn", "head", var head]:
                CompareHead(int.Parse(layer, System.Globalization.CultureInfo.InvariantCulture), int.Parse(head, System.Globalization.CultureInfo.InvariantCulture), values);
                break;

            case ["decoder", "logits"]:
                Compare(name, [.. _reference.LogitsRows.SelectMany(row => values[(row * width)..((row + 1) * width)])]);
                break;

            default:
                Compare(name, values);
                break;
        }
    }

    private void Compare(string name, ReadOnlySpan<float> values)
    {
        if (_reference.Activations.TryGetValue(name, out ReferenceTensor? expected))
        {
            Add(name, expected, values);
        }
    }

    private void CompareHead(int layer, int head, ReadOnlySpan<float> values)
    {
        for (int i = 0; i < _reference.AlignmentHeads.Count; i++)
        {
            if (_reference.AlignmentHeads[i] == (layer, head))
            {
                Add(NameOf((layer, head)), _reference.AlignmentWeights[i], values);
            }
        }
    }

    private void Add(string name, ReferenceTensor expected, ReadOnlySpan<float> values)
    {
        long elements = expected.Shape.Aggregate(1L, (product, dimension) => product * dimension);
        if (elements != values.Length)
        {
            throw OfAnotherModel($"has {name} of the shape [{string.Join(", ", expected.Shape)}], but the model computes {values.Length} elements there");
        }

        _rows.Add(new ParityRow(name, expected.Shape, expected.RelativeError(values), _tolerance));
    }

    private static string NameOf((int Layer, int Head) attention) => $"decoder.block.{attention.Layer}.cross_attn.head.{attention.Head}";

    private static ModelException OfAnotherModel(string contradiction) =>
        new($"The reference {contradiction}: choose the reference that belongs to this model.");

    private static float[] Subtract(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float[] difference = new float[a.Length];
        for (int i = 0; i < difference.Length; i++)
        {
            difference[i] = a[i] - b[i];
        }

        return difference;
    }

    /// <summary>[rows, columns] to [columns, rows].</summary>
    private static float[] Transpose(ReadOnlySpan<float> values, int rows)
    {
        int columns = values.Length / rows;
        float[] transposed = new float[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                transposed[(column * rows) + row] = values[(row * columns) + column];
            }
        }

        return transposed;
    }

    private static float[] Columns(ReadOnlySpan<float> values, int width, int first, int count)
    {
        float[] columns = new float[values.Length / width * count];
        for (int row = 0; row < values.Length / width; row++)
        {
            values.Slice((row * width) + first, count).CopyTo(columns.AsSpan(row * count));
        }

        return columns;
    }
}
