using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Moves elements between the host's memory and a device tensor, converting on the way. What is stored as it will be kept
/// goes from the mapped file to the device without another copy; everything else passes through a block of memory.
/// </summary>
internal sealed unsafe class HostCopies(GpuDevice device) : IDisposable
{
    private const int BlockElements = 1 << 20;

    private readonly byte* _block = (byte*)NativeMemory.AlignedAlloc(BlockElements * sizeof(float), 256);

    /// <summary>Copies all elements of a tensor of a file.</summary>
    /// <param name="source">[outputs, channels] or [outputs, channels, taps].</param>
    /// <param name="target">Receives them from element <paramref name="first"/> on.</param>
    /// <param name="first">Element of the target.</param>
    /// <param name="taps">Turns [outputs, channels, taps] to [outputs, taps, channels]; 1 keeps the order.</param>
    public void Load(HostTensor source, GpuTensor target, long first, int taps = 1)
    {
        if (!source.Type.IsFloatingPoint())
        {
            throw new InvalidDataException($"Tensor '{source.Name}' holds {source.Type} values; weights must be F64, F32, F16 or BF16.");
        }

        device.Accelerator.Bind();
        if (source.Type == target.Type && taps == 1)
        {
            CopyToDevice(source.Data, target, first, source.ElementCount);
            return;
        }

        int channels = taps == 1 ? 1 : source.Shape[1];
        for (long begin = 0; begin < source.ElementCount; begin += BlockElements)
        {
            int count = (int)Math.Min(BlockElements, source.ElementCount - begin);
            for (int i = 0; i < count; i++)
            {
                long element = begin + i;
                if (taps > 1)
                {
                    (long output, long rest) = Math.DivRem(element, (long)channels * taps);
                    (long tap, long channel) = Math.DivRem(rest, channels);
                    element = (((output * channels) + channel) * taps) + tap;
                }

                Put(target.Type, i, Get(source, element));
            }

            CopyToDevice(_block, target, first + begin, count);
        }
    }

    /// <summary>Copies numbers into a tensor, from its first element on.</summary>
    public void Write(ReadOnlySpan<float> values, GpuTensor target)
    {
        device.Accelerator.Bind();
        for (int begin = 0; begin < values.Length; begin += BlockElements)
        {
            ReadOnlySpan<float> block = values.Slice(begin, Math.Min(BlockElements, values.Length - begin));
            for (int i = 0; i < block.Length; i++)
            {
                Put(target.Type, i, block[i]);
            }

            CopyToDevice(_block, target, begin, block.Length);
        }
    }

    /// <summary>Copies a tensor's first elements to the host, once everything before has run.</summary>
    public void Read(GpuTensor source, Span<float> values)
    {
        device.Accelerator.Bind();
        for (int begin = 0; begin < values.Length; begin += BlockElements)
        {
            Span<float> block = values.Slice(begin, Math.Min(BlockElements, values.Length - begin));
            int size = source.Type.ByteSize();
            nint address = Address(source) + ((nint)begin * size);
            CudaDriver.Check(CudaDriver.CopyToHost(_block, address, (nuint)(block.Length * size), device.Stream.StreamPtr), "cuMemcpyDtoHAsync");
            device.Stream.Synchronize();
            for (int i = 0; i < block.Length; i++)
            {
                block[i] = source.Type switch
                {
                    DType.F16 => (float)((Half*)_block)[i],
                    DType.BF16 => BitConverter.Int32BitsToSingle(((ushort*)_block)[i] << 16),
                    _ => ((float*)_block)[i],
                };
            }
        }
    }

    public void Dispose() => NativeMemory.AlignedFree(_block);

    private void CopyToDevice(byte* source, GpuTensor target, long first, long count)
    {
        int size = target.Type.ByteSize();
        if (first < 0 || count < 0 || first + count > target.ElementCount)
        {
            throw new ArgumentException($"{count} elements from element {first} on do not fit a tensor of {target.ElementCount}.");
        }

        nint address = Address(target) + (nint)(first * size);
        CudaDriver.Check(CudaDriver.CopyToDevice(address, source, (nuint)(count * size), device.Stream.StreamPtr), "cuMemcpyHtoDAsync");
        device.Stream.Synchronize();
    }

    private static nint Address(GpuTensor tensor) => tensor.Vectors.LoadEffectiveAddressAsPtr();

    private static float Get(HostTensor source, long element) => source.Type switch
    {
        DType.F64 => (float)Unsafe.ReadUnaligned<double>(source.Data + (element * sizeof(double))),
        DType.F16 => (float)Unsafe.ReadUnaligned<Half>(source.Data + (element * 2)),
        DType.BF16 => BitConverter.Int32BitsToSingle(Unsafe.ReadUnaligned<ushort>(source.Data + (element * 2)) << 16),
        _ => Unsafe.ReadUnaligned<float>(source.Data + (element * sizeof(float))),
    };

    private void Put(DType type, int index, float value)
    {
        switch (type)
        {
            case DType.F16:
                ((Half*)_block)[index] = (Half)value;
                break;
            case DType.BF16:
                uint bits = BitConverter.SingleToUInt32Bits(value);
                ((ushort*)_block)[index] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16); // to the nearest, ties to even
                break;
            default:
                ((float*)_block)[index] = value;
                break;
        }
    }
}
