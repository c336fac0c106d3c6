using System.Runtime.InteropServices;
using Handwritten.Kernels;

namespace Handwritten.Model.Synthetic;

/// <summary>
/// A Whisper of any size with made-up weights: names and shapes as Hugging Face publishes them, values from
/// <see cref="DeterministicValues"/>, scaled so that activations stay in a natural range through all layers. It runs
/// like a real model and talks nonsense; tests and benchmarks need no download. A tensor is generated when it is opened
/// and freed when it is disposed.
/// </summary>
public sealed unsafe class SyntheticWeights : ITensorSource
{
    /// <summary>Elements that one thread makes at a time, in whole rows (the last dimension).</summary>
    private const int Chunk = 1 << 14;

    /// <summary>
    /// The first line whose ending fits gives the gain: values are uniform within ± gain · sqrt(3 / fan-in), so that a
    /// sum over the fan-in of unit-variance inputs has standard deviation gain.
    /// </summary>
    private static readonly (string Ending, double Gain)[] Gains =
    [
        ("encoder.conv1.weight", 2.0),
        ("encoder.conv2.weight", 2.0),
        (".encoder_attn.out_proj.weight", 0.15),
        (".q_proj.weight", 1.5),
        (".k_proj.weight", 1.5),
        (".v_proj.weight", 1.0),
        (".out_proj.weight", 0.5),
        (".fc1.weight", 1.0),
        (".fc2.weight", 0.5),
        ("decoder.embed_tokens.weight", 4.0),
        ("decoder.embed_positions.weight", 8.0),
    ];

    private readonly DType _type;
    private readonly Dictionary<string, int[]> _shapes;

    /// <summary>Describes the model; nothing is generated yet.</summary>
    /// <param name="dimensions">The model's size.</param>
    /// <param name="type">How the values are stored: F32, or F16 or BF16, rounded to nearest even.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another type.</exception>
    public SyntheticWeights(WhisperDimensions dimensions, DType type = DType.F32)
    {
        if (type is not (DType.F32 or DType.F16 or DType.BF16))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Synthetic weights are F32, F16 or BF16.");
        }

        _type = type;
        _shapes = CheckpointLayout.Tensors(dimensions).ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        Names = [.. _shapes.Keys.Order(StringComparer.Ordinal)];
        Origin = $"synthetic weights of width {dimensions.Width} with {dimensions.AudioLayers} + {dimensions.TextLayers} layers";
    }

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public bool Contains(string name) => _shapes.ContainsKey(name);

    /// <summary>A tensor's type and shape.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    public TensorInfo Describe(string name) => _shapes.TryGetValue(name, out int[]? shape)
        ? new TensorInfo(name, _type, shape)
        : throw new ModelException($"The {Origin} have no tensor '{name}'; it is not one of a Whisper of this size.");

    /// <summary>Generates a tensor, on all cores where it is large. Freed when it is disposed.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    public HostTensor Open(string name)
    {
        TensorInfo tensor = Describe(name);
        byte* data = (byte*)NativeMemory.AlignedAlloc((nuint)tensor.ByteCount, 64);
        int width = tensor.Shape[^1];
        int rows = (int)(tensor.ElementCount / width);
        int rowsAtOnce = Math.Max(1, Chunk / width);
        Parallel.For(0, (rows + rowsAtOnce - 1) / rowsAtOnce, chunk =>
        {
            int firstRow = chunk * rowsAtOnce;
            int count = Math.Min(rowsAtOnce, rows - firstRow) * width;
            byte* destination = data + ((long)firstRow * width * _type.ByteSize());
            if (_type == DType.F32)
            {
                FillRows(tensor, firstRow, new Span<float>(destination, count));
            }
            else
            {
                float[] values = new float[count];
                FillRows(tensor, firstRow, values);
                Round(values, destination);
            }
        });
        return new HostTensor(name, _type, tensor.Shape, data, () => NativeMemory.AlignedFree(data));
    }

    /// <summary>Nothing is held between one tensor and the next.</summary>
    public void Dispose()
    {
    }

    private static void FillRows(TensorInfo tensor, int firstRow, Span<float> rows)
    {
        int width = tensor.Shape[^1];
        if (tensor.Name == CheckpointLayout.EncoderPositions)
        {
            for (int row = 0; row < rows.Length / width; row++)
            {
                Sinusoids.FillRow(rows.Slice(row * width, width), firstRow + row);
            }
        }
        else
        {
            (double scale, double offset) = RangeOf(tensor);
            DeterministicValues.Fill(rows, tensor.Name, scale, offset, (long)firstRow * width);
        }
    }

    private static (double Scale, double Offset) RangeOf(TensorInfo tensor)
    {
        if (tensor.Name.EndsWith("layer_norm.weight", StringComparison.Ordinal))
        {
            return (0.1, 1);
        }

        if (tensor.Name.EndsWith(".bias", StringComparison.Ordinal))
        {
            return (0.05, 0);
        }

        double gain = Gains.First(line => tensor.Name.EndsWith(line.Ending, StringComparison.Ordinal)).Gain;
        long fanIn = tensor.ElementCount / tensor.Shape[0];
        return (gain * Math.Sqrt(3.0 / fanIn), 0);
    }

    private void Round(ReadOnlySpan<float> values, byte* destination)
    {
        if (_type == DType.F16)
        {
            Half* halves = (Half*)destination;
            for (int i = 0; i < values.Length; i++)
            {
                halves[i] = (Half)values[i];
            }
        }
        else
        {
            ushort* upperHalves = (ushort*)destination;
            for (int i = 0; i < values.Length; i++)
            {
                // Adding just under half a unit, or exactly half to an odd number, carries into the part that stays.
                uint bits = BitConverter.SingleToUInt32Bits(values[i]);
                upperHalves[i] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
            }
        }
    }
}
