using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The CPU back end: float32 activations, weights as they are stored or in int8, vectors as wide as the machine has them, a
/// team of threads. This file holds what the model sees: memory, loading, and the checks in front of each operation, since behind
/// them there are only pointers. One thread at a time may call; two at once are told so.
/// <code>
///     CpuKernels ── checks ──> VectorRoutines ── MatrixProduct, EncoderAttention, DecoderAttention, LayerNormalization
///                              (128/256/512)       └── all products ──> TileKernel
///                                                  └── all threads  ──> ThreadTeam
/// </code>
/// </summary>
public sealed unsafe partial class CpuKernels : IKernels
{
    private const int ConvolutionTaps = 3;

    private readonly ThreadTeam _team;
    private readonly Scratch _scratch;
    private readonly VectorRoutines _routines;

    /// <summary>Starts the back end.</summary>
    /// <param name="threads">Threads to use, the calling one included; all processors if null.</param>
    /// <param name="hasInt8Weights">
    /// Whether matrices are quantised to int8 when they are loaded, as <see cref="Gpu.ComputeType.Int8Float32"/> says.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is less than 1.</exception>
    public CpuKernels(int? threads = null, bool hasInt8Weights = false)
        : this(threads, VectorRoutines.AvailableBits[0], hasInt8Weights)
    {
    }

    internal CpuKernels(int? threads, int vectorBits, bool hasInt8Weights = false)
    {
        HasInt8Weights = hasInt8Weights;
        _routines = VectorRoutines.OfWidth(vectorBits);
        _team = new ThreadTeam(threads ?? Environment.ProcessorCount);
        _scratch = new Scratch(_team.Size);
    }

    /// <summary>Threads that compute.</summary>
    public int Threads => _team.Size;

    /// <inheritdoc/>
    public string DeviceDescription =>
        $"CPU ({RuntimeInformation.ProcessArchitecture}, {_team.Size} {(_team.Size == 1 ? "thread" : "threads")}, {_routines.Bits}-bit vectors{(HasInt8Weights ? ", int8 weights" : "")})";

    /// <inheritdoc/>
    public bool HasInt8Weights { get; }

    /// <inheritdoc/>
    public double Tolerance => HasInt8Weights ? Int8Quantization.Tolerance : 2e-5;

    /// <inheritdoc/>
    public void Require(Gpu.MemoryEstimate estimate)
    {
        // The operating system lends more memory than there is, and says at an allocation that it has no more.
    }

    /// <inheritdoc/>
    public Tensor Allocate(params ReadOnlySpan<int> shape) => new DenseTensor(shape.ToArray());

    /// <inheritdoc/>
    public Tensor AllocateSingle(params ReadOnlySpan<int> shape) => Allocate(shape);

    /// <inheritdoc/>
    public DecoderRows AllocateRows(int capacity, int lanes = 0, int length = 0) => new(capacity, lanes, length);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The tensor holds integers.</exception>
    public Tensor LoadTable(HostTensor values)
    {
        DenseTensor table = new([.. values.Shape]);
        WeightReader.CopyToSingle(values, table.Data);
        return table;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A tensor holds integers, is no matrix, or does not match the others.</exception>
    public Tensor LoadMatrix(params ReadOnlySpan<HostTensor> stacked) => WeightReader.Pack(_team, stacked, taps: 1, HasInt8Weights);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The tensor holds integers or is not [outputs, channels, 3].</exception>
    public Tensor LoadConvolution(HostTensor weight) => WeightReader.Pack(_team, [weight], ConvolutionTaps);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A tensor holds integers.</exception>
    public Tensor LoadBias(int missingLength, params ReadOnlySpan<HostTensor?> stacked)
    {
        long length = 0;
        foreach (HostTensor? part in stacked)
        {
            length += part?.ElementCount ?? missingLength;
        }

        DenseTensor bias = new([checked((int)length)]);
        float* next = bias.Data;
        foreach (HostTensor? part in stacked)
        {
            if (part is not null)
            {
                WeightReader.CopyToSingle(part, next);
            }

            next += part?.ElementCount ?? missingLength;
        }

        return bias;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> values, Tensor destination) =>
        values.CopyTo(new Span<float>(Dense(destination, values.Length), values.Length));

    /// <inheritdoc/>
    public void Synchronize()
    {
        // An operation has run when its call returns.
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> values) =>
        new ReadOnlySpan<float>(Dense(source, values.Length), values.Length).CopyTo(values);

    /// <inheritdoc/>
    public void CopyWindow(Tensor mel, int first, int count, Tensor windows, int index)
    {
        RequireFrames(mel, first, count, windows, index);
        int mels = windows.Shape[^1], frames = windows.Shape[^2];

        float* source = Dense(mel, ((long)first + count) * mels) + ((long)first * mels);
        float* window = Dense(windows, ((long)index + 1) * frames * mels) + ((long)index * frames * mels);
        Copy(source, window, (long)count * mels);
        new Span<float>(window + ((long)count * mels), (frames - count) * mels).Clear();
    }

    /// <inheritdoc/>
    public void Conv1dGelu(int batch, Tensor x, Linear convolution, int stride, Tensor? positions, Tensor y)
    {
        PackedMatrix weight = Packed(convolution.Weight);
        int frames = x.Shape[^2], channels = x.Shape[^1], steps = frames / stride;
        RequireWidth(weight.Inputs, ConvolutionTaps * channels, "A convolution");
        RowView rows = new()
        {
            Data = Dense(x, (long)batch * frames * channels),
            Length = ConvolutionTaps * channels,
            ItemLength = (long)frames * channels,
            ItemRows = steps,
            Stride = (long)stride * channels,
            Offset = -channels,
        };
        ResultView result = new()
        {
            Data = Dense(y, (long)batch * steps * weight.Outputs),
            Outputs = weight.Outputs,
            Bias = convolution.Bias is null ? null : Dense(convolution.Bias, weight.Outputs),
            Positions = positions is null ? null : Dense(positions, (long)steps * weight.Outputs),
            ItemRows = steps,
            Epilogue = Epilogue.Gelu,
        };
        _routines.Multiply(_team, _scratch, rows, (long)batch * steps, weight, result);
    }

    /// <inheritdoc/>
    public void LayerNorm(int rows, Tensor x, Norm norm, Tensor y)
    {
        int width = norm.Gain.Shape[^1];
        RequireWidth(x.Shape[^1], width, "A layer norm");
        float* source = Dense(x, (long)rows * width), result = Dense(y, (long)rows * width);
        _routines.Normalize(_team, source, rows, width, Dense(norm.Gain, width), Dense(norm.Bias, width), result);
    }

    /// <inheritdoc/>
    public void MatMul(int rows, Tensor x, Linear linear, Tensor y, Epilogue epilogue = Epilogue.None)
    {
        PackedMatrix weight = Packed(linear.Weight);
        RequireWidth(x.Shape[^1], weight.Inputs, "A product");
        RequireWidth(y.Shape[^1], weight.Outputs, "A product's result");
        RowView view = RowView.OfMatrix(Dense(x, (long)rows * weight.Inputs), rows, weight.Inputs, weight.Inputs);
        ResultView result = new()
        {
            Data = Dense(y, (long)rows * weight.Outputs),
            Outputs = weight.Outputs,
            Bias = linear.Bias is null ? null : Dense(linear.Bias, weight.Outputs),
            ItemRows = rows,
            Epilogue = epilogue,
        };
        _routines.Multiply(_team, _scratch, view, rows, weight, result);
    }

    /// <inheritdoc/>
    public void Attention(int batch, Tensor queryKeyValue, int heads, Tensor y)
    {
        int width = y.Shape[^1], frames = y.Shape[^2];
        RequireWidth(queryKeyValue.Shape[^1], 3 * width, "Attention");
        RequireHeads(heads, width);
        float* source = Dense(queryKeyValue, (long)batch * frames * 3 * width), result = Dense(y, (long)batch * frames * width);
        _routines.AttendFully(_team, _scratch, source, batch, frames, heads, width / heads, result);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _team.Dispose();
        _scratch.Dispose();
    }

    /// <summary>The floats of a tensor that has at least <paramref name="count"/> of them.</summary>
    private static float* Dense(Tensor tensor, long count, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor is not DenseTensor dense)
        {
            throw new ArgumentException($"'{name}' is not made of activations of the CPU back end.", name);
        }

        return count >= 0 && count <= dense.ElementCount
            ? dense.Data
            : throw new ArgumentException($"'{name}' has {dense.ElementCount} elements where {count} are needed.", name);
    }

    private static PackedMatrix Packed(Tensor tensor) => tensor as PackedMatrix
        ?? throw new ArgumentException("The weight was not loaded by LoadMatrix or LoadConvolution of the CPU back end.", nameof(tensor));

    private static void Copy(float* source, float* destination, long count) =>
        Buffer.MemoryCopy(source, destination, count * sizeof(float), count * sizeof(float));
}
