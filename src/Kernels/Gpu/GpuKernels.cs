using System.Runtime.CompilerServices;
using Handwritten.Kernels.Cpu;
using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Gpu;

/// <summary>Makes the CUDA back end for a compute type.</summary>
public static class GpuKernels
{
    /// <summary>Starts the back end.</summary>
    /// <param name="device">Where to compute; disposed with the back end.</param>
    /// <param name="type">The types of weights and activations.</param>
    /// <exception cref="GpuException">The device cannot compute with the type.</exception>
    public static IKernels Create(GpuDevice device, ComputeType type) => type switch
    {
        ComputeType.Int8 => Create(device, ComputeType.Int8Float16),
        ComputeType.BFloat16 or ComputeType.Int8BFloat16 when device.ComputeCapability < 80 => throw new GpuException(
            $"{device.Name} (compute capability {device.ComputeCapability / 10}.{device.ComputeCapability % 10}) does not compute with bfloat16, which takes 8.0: choose --compute-type {(type.HasInt8Weights() ? ComputeType.Int8Float16 : ComputeType.Float16).Name()}."),
        ComputeType.Float16 or ComputeType.Int8Float16 => new GpuKernels<Float16>(device, type),
        ComputeType.BFloat16 or ComputeType.Int8BFloat16 => new GpuKernels<BFloat16>(device, type),
        _ => new GpuKernels<Float32>(device, type),
    };
}

/// <summary>What the CUDA back end shows beside the operations.</summary>
public interface IGpuKernels : IKernels
{
    /// <summary>The device that it computes on: its memory's report, and what a profiler looks at.</summary>
    GpuDevice Device { get; }

    /// <summary>Bytes of an element of the compute type.</summary>
    int ElementBytes { get; }
}

/// <summary>
/// The CUDA back end. This file holds what the model sees: memory, loading, and the checks in front of each operation;
/// the operations are classes of their own, a kernel's source and its launch in one file.
/// </summary>
/// <typeparam name="TElement">The compute type: how activations, caches and weights that are not in int8 are stored.</typeparam>
/// <param name="device">Where to compute.</param>
/// <param name="type">The types of activations, which <typeparamref name="TElement"/> is, and of weights.</param>
internal sealed partial class GpuKernels<TElement>(GpuDevice device, ComputeType type) : IGpuKernels
    where TElement : struct, IElement
{
    private const int ConvolutionTaps = 3;

    private readonly HostCopies _copies = new(device);
    private readonly LogMelTransform<TElement> _logMel = new(device);
    private readonly WindowCopy<TElement> _windowCopy = new(device);
    private readonly Convolution<TElement> _convolution = new(device);
    private readonly LayerNormalization<TElement> _layerNorm = new(device);
    private readonly MatrixProduct<TElement> _product = new(device);
    private readonly EncoderAttention<TElement> _attention = new(device);

    /// <inheritdoc/>
    public GpuDevice Device => device;

    /// <inheritdoc/>
    public int ElementBytes => TElement.Type.ByteSize();

    /// <inheritdoc/>
    public string DeviceDescription => $"{device.Name} ({type.Activations().Name()}{(HasInt8Weights ? ", int8 weights" : "")})";

    /// <inheritdoc/>
    public bool HasInt8Weights => type.HasInt8Weights();

    /// <inheritdoc/>
    public double Tolerance => Math.Max(HasInt8Weights ? Int8Quantization.Tolerance : 0, TElement.Type switch { DType.F16 => 5e-3, DType.BF16 => 4e-2, _ => 1e-4 });

    /// <inheritdoc/>
    public void Require(MemoryEstimate estimate) => estimate.Require(device, type);

    /// <inheritdoc/>
    public Tensor Allocate(params ReadOnlySpan<int> shape) => new GpuTensor(device, TElement.Type, shape.ToArray());

    /// <inheritdoc/>
    public Tensor AllocateSingle(params ReadOnlySpan<int> shape) => new GpuTensor(device, DType.F32, shape.ToArray());

    /// <inheritdoc/>
    public DecoderRows AllocateRows(int capacity, int lanes = 0, int length = 0) => new GpuDecoderRows(device, capacity, lanes, length);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The tensor holds integers.</exception>
    public Tensor LoadTable(HostTensor values)
    {
        GpuTensor table = new(device, DType.F32, [.. values.Shape], "weights");
        _copies.Load(values, table, 0);
        return table;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A tensor holds integers, is no matrix, or does not match the others.</exception>
    public Tensor LoadMatrix(params ReadOnlySpan<HostTensor> stacked)
    {
        int outputs = 0;
        foreach (HostTensor part in stacked)
        {
            if (part.Shape.Length != 2 || part.Shape[1] != stacked[0].Shape[1])
            {
                throw new InvalidDataException($"Tensor '{part.Name}' has the shape [{string.Join(", ", part.Shape)}]; it must be [outputs, {stacked[0].Shape[^1]}].");
            }

            outputs = checked(outputs + part.Shape[0]);
        }

        int inputs = stacked[0].Shape[1];
        GpuTensor matrix = new(device, HasInt8Weights ? DType.I8 : TElement.Type, [outputs, inputs], "weights");
        int first = 0;
        foreach (HostTensor part in stacked)
        {
            if (HasInt8Weights)
            {
                _copies.LoadInt8(part, matrix, first);
            }
            else
            {
                _copies.Load(part, matrix, (long)first * inputs);
            }

            first += part.Shape[0];
        }

        if (HasInt8Weights)
        {
            _product.Reserve(matrix);
        }

        return matrix;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A tensor holds integers.</exception>
    public Tensor LoadBias(int missingLength, params ReadOnlySpan<HostTensor?> stacked)
    {
        long length = 0;
        foreach (HostTensor? part in stacked)
        {
            length += part?.ElementCount ?? missingLength;
        }

        GpuTensor bias = new(device, DType.F32, [checked((int)length)], "weights");
        long first = 0;
        foreach (HostTensor? part in stacked)
        {
            if (part is not null)
            {
                _copies.Load(part, bias, first);
            }

            first += part?.ElementCount ?? missingLength;
        }

        return bias;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The tensor holds integers or is not [outputs, channels, 3].</exception>
    public Tensor LoadConvolution(HostTensor weight)
    {
        if (weight.Shape.Length != 3 || weight.Shape[2] != ConvolutionTaps)
        {
            throw new InvalidDataException($"Tensor '{weight.Name}' has the shape [{string.Join(", ", weight.Shape)}]; it must be [outputs, channels, {ConvolutionTaps}].");
        }

        GpuTensor matrix = new(device, TElement.Type, [weight.Shape[0], ConvolutionTaps * weight.Shape[1]], "weights");
        _copies.Load(weight, matrix, 0, ConvolutionTaps);
        return matrix;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> values, Tensor destination) => _copies.Write(values, On(destination, values.Length));

    /// <inheritdoc/>
    public void Synchronize() => device.Synchronize();

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> values) => _copies.Read(On(source, values.Length), values);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The recording has 200 samples or less, padding included.</exception>
    public Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters)
    {
        RequireWidth(filters.Shape[^1], LogMelSpectrogram.Bins, "A mel filter");
        using GpuTensor heard = new(device, DType.F32, [samples.Length], "samples");
        _copies.Write(samples, heard);
        return _logMel.Run(heard, padding, On(filters, filters.ElementCount), _copies);
    }

    /// <inheritdoc/>
    public void CopyWindow(Tensor mel, int first, int count, Tensor windows, int index)
    {
        RequireFrames(mel, first, count, windows, index);
        int mels = windows.Shape[^1], frames = windows.Shape[^2];

        _windowCopy.Run(On(mel, ((long)first + count) * mels), first, count, On(windows, ((long)index + 1) * frames * mels), index);
    }

    /// <inheritdoc/>
    public void Conv1dGelu(int batch, Tensor x, Linear convolution, int stride, Tensor? positions, Tensor y)
    {
        int frames = x.Shape[^2], channels = x.Shape[^1], steps = frames / stride, outputs = convolution.Outputs;
        RequireWidth(convolution.Inputs, ConvolutionTaps * channels, "A convolution");
        _convolution.Run(
            batch,
            On(x, (long)batch * frames * channels),
            On(convolution.Weight, (long)outputs * convolution.Inputs),
            convolution.Bias is null ? null : On(convolution.Bias, outputs),
            stride,
            positions is null ? null : On(positions, (long)steps * outputs),
            On(y, (long)batch * steps * outputs));
    }

    /// <inheritdoc/>
    public void LayerNorm(int rows, Tensor x, Norm norm, Tensor y)
    {
        int width = norm.Gain.Shape[^1];
        RequireWidth(x.Shape[^1], width, "A layer norm");
        _layerNorm.Run(rows, On(x, (long)rows * width), On(norm.Gain, width), On(norm.Bias, width), On(y, (long)rows * width));
    }

    /// <inheritdoc/>
    public void MatMul(int rows, Tensor x, Linear linear, Tensor y, Epilogue epilogue = Epilogue.None)
    {
        RequireWidth(x.Shape[^1], linear.Inputs, "A product");
        RequireWidth(y.Shape[^1], linear.Outputs, "A product's result");
        _product.Run(
            rows,
            On(x, (long)rows * linear.Inputs),
            On(linear.Weight, (long)linear.Outputs * linear.Inputs),
            linear.Bias is null ? null : On(linear.Bias, linear.Outputs),
            On(y, (long)rows * linear.Outputs),
            epilogue);
    }

    /// <inheritdoc/>
    public void NormMatMul(int rows, Tensor x, Norm norm, Linear linear, Tensor normed, Tensor y, Epilogue epilogue = Epilogue.None)
    {
        GpuTensor weight = On(linear.Weight, (long)linear.Outputs * linear.Inputs);
        if (epilogue == Epilogue.AddToOutput || !_product.FitsNormed(rows, weight))
        {
            LayerNorm(rows, x, norm, normed);
            MatMul(rows, normed, linear, y, epilogue);
            return;
        }

        int width = norm.Gain.Shape[^1];
        RequireWidth(x.Shape[^1], width, "A layer norm");
        RequireWidth(width, linear.Inputs, "A product");
        RequireWidth(y.Shape[^1], linear.Outputs, "A product's result");
        _product.RunNormed(
            rows,
            On(x, (long)rows * width),
            On(norm.Gain, width),
            On(norm.Bias, width),
            weight,
            linear.Bias is null ? null : On(linear.Bias, linear.Outputs),
            On(y, (long)rows * linear.Outputs),
            epilogue);
    }

    /// <inheritdoc/>
    public void Attention(int batch, Tensor queryKeyValue, int heads, Tensor y)
    {
        int width = y.Shape[^1], frames = y.Shape[^2];
        RequireWidth(queryKeyValue.Shape[^1], 3 * width, "Attention");
        RequireHeads(heads, width);
        _attention.Run(batch, On(queryKeyValue, (long)batch * frames * 3 * width), heads, On(y, (long)batch * frames * width));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _product.Dispose();
        _crossAttention.Dispose();
        _copies.Dispose();
        _logMel.Dispose();
        _ranking.Dispose();
        device.Dispose();
    }

    /// <summary>A tensor of this back end that has at least <paramref name="count"/> elements.</summary>
    private static GpuTensor On(Tensor tensor, long count, [CallerArgumentExpression(nameof(tensor))] string name = "")
    {
        if (tensor is not GpuTensor own)
        {
            throw new ArgumentException($"'{name}' was not made by the CUDA back end.", name);
        }

        return count >= 0 && count <= own.ElementCount
            ? own
            : throw new ArgumentException($"'{name}' has {own.ElementCount} elements where {count} are needed.", name);
    }
}
