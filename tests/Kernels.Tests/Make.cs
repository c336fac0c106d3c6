using System.Runtime.InteropServices;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>Random data for the tests: as arrays, as tensors of a checkpoint and as tensors of the back end.</summary>
internal static unsafe class Make
{
    /// <summary>Every vector width of this machine, as theory data.</summary>
    public static TheoryData<int> Widths => [.. VectorRoutines.AvailableBits];

    /// <summary>Numbers between −1 and 1.</summary>
    public static float[] Values(int seed, params int[] shape)
    {
        Random random = new(seed);
        float[] values = new float[shape.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)((random.NextDouble() * 2) - 1);
        }

        return values;
    }

    /// <summary>A checkpoint's tensor of the given type; and the numbers that it really holds after rounding.</summary>
    public static (HostTensor Tensor, double[] Exact) Host(DType type, float[] values, params int[] shape)
    {
        byte* data = (byte*)NativeMemory.Alloc((nuint)(values.Length * type.ByteSize()) + 1) + 1; // unaligned, as in a file
        double[] exact = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            byte* to = data + (i * type.ByteSize());
            switch (type)
            {
                case DType.F64:
                    *(double*)to = values[i];
                    exact[i] = values[i];
                    break;
                case DType.F16:
                    *(Half*)to = (Half)values[i];
                    exact[i] = (double)(Half)values[i];
                    break;
                case DType.BF16:
                    int bits = BitConverter.SingleToInt32Bits(values[i]) & unchecked((int)0xFFFF0000);
                    *(ushort*)to = (ushort)(bits >> 16);
                    exact[i] = BitConverter.Int32BitsToSingle(bits);
                    break;
                case DType.F32:
                    *(float*)to = values[i];
                    exact[i] = values[i];
                    break;
                default:
                    break; // integers: only their type matters
            }
        }

        return (new HostTensor($"test.{type}", type, shape, data, () => NativeMemory.Free(data - 1)), exact);
    }

    /// <summary>The values as a compute type holds them.</summary>
    public static float[] Rounded(ComputeType type, float[] values) => Array.ConvertAll(values, value => type.Activations() switch
    {
        ComputeType.Float16 => (float)(Half)value,
        ComputeType.BFloat16 => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000),
        _ => value,
    });

    /// <summary>A tensor of the back end that holds the values.</summary>
    public static Tensor Device(IKernels kernels, float[] values, params int[] shape)
    {
        Tensor tensor = kernels.Allocate(shape);
        kernels.Write(values, tensor);
        return tensor;
    }

    /// <summary>A linear map with a weight of the given type; and its exact weight, which is what is left of it in int8 where the back end has that.</summary>
    public static (Linear Linear, double[] Weight) Linear(IKernels kernels, int seed, DType type, int outputs, int inputs, float[]? bias)
    {
        (HostTensor host, double[] exact) = Host(type, Values(seed, outputs, inputs), outputs, inputs);
        using (host)
        {
            return (new Linear(kernels.LoadMatrix(host), bias is null ? null : Bias(kernels, bias)), kernels.HasInt8Weights ? Quantised(exact, outputs, inputs) : exact);
        }
    }

    /// <summary>What a matrix is after it was quantised to int8, by plain arithmetic: whole multiples of each row's scale.</summary>
    public static double[] Quantised(double[] weights, int outputs, int inputs)
    {
        double[] result = new double[weights.Length];
        for (int output = 0; output < outputs; output++)
        {
            float[] row = [.. weights.Skip(output * inputs).Take(inputs).Select(weight => (float)weight)];
            float scale = row.Max(Math.Abs) / 127;
            for (int i = 0; i < inputs; i++)
            {
                result[(output * inputs) + i] = scale == 0 ? 0 : Math.Round(row[i] / scale, MidpointRounding.ToEven) * scale;
            }
        }

        return result;
    }

    public static Tensor Bias(IKernels kernels, float[] values)
    {
        using HostTensor host = Host(DType.F32, values, values.Length).Tensor;
        return kernels.LoadBias(0, host);
    }

    /// <summary>A matrix in the back end's own layout and type.</summary>
    public static Tensor Matrix(IKernels kernels, float[] values, int outputs, int inputs)
    {
        using HostTensor host = Host(DType.F32, values, outputs, inputs).Tensor;
        return kernels.LoadMatrix(host);
    }

    public static Tensor Table(IKernels kernels, float[] values, params int[] shape)
    {
        using HostTensor host = Host(DType.F32, values, shape).Tensor;
        return kernels.LoadTable(host);
    }

    public static float[] Read(IKernels kernels, Tensor tensor, int count)
    {
        float[] values = new float[count];
        kernels.Read(tensor, values);
        return values;
    }
}
