namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Moves elements between the host's memory and a device tensor, converting on the way. Weights go from the mapped file
/// through two page-locked blocks, so that reading and converting the next block overlaps the copy of the one before; what is
/// stored as it will be kept is only moved. Once a method returns, its source is no longer needed.
/// </summary>
internal sealed unsafe class HostCopies(GpuDevice device) : IDisposable
{
    private const int BlockBytes = 4 << 20;
    private const int PieceElements = 4096; // converted at a time: stays in the first-level cache

    private readonly StagingRing _staging = new(device, 2, BlockBytes);
    private float[] _piece = new float[PieceElements];
    private float[] _turned = [];

    /// <summary>Copies all elements of a tensor of a file.</summary>
    /// <param name="source">[outputs, channels] or [outputs, channels, taps].</param>
    /// <param name="target">Receives them from element <paramref name="first"/> on.</param>
    /// <param name="first">Element of the target.</param>
    /// <param name="taps">Turns [outputs, channels, taps] to [outputs, taps, channels]; 1 keeps the order.</param>
    /// <exception cref="InvalidDataException">The tensor holds integers.</exception>
    public void Load(HostTensor source, GpuTensor target, long first, int taps = 1)
    {
        source.RequireFloat();
        int sourceSize = source.Type.ByteSize(), size = target.Type.ByteSize();
        int piece = taps == 1 ? PieceElements : source.Shape[1] * taps; // of one output
        if (piece > _piece.Length)
        {
            _piece = new float[piece];
        }

        Stage(target, first, source.ElementCount, piece, (begin, count, staging) =>
        {
            byte* from = source.Data + (begin * sourceSize);
            if (source.Type == target.Type && taps == 1)
            {
                Buffer.MemoryCopy(from, staging, (long)count * size, (long)count * size);
                return;
            }

            for (int done = 0; done < count; done += piece)
            {
                Span<float> values = _piece.AsSpan(0, Math.Min(piece, count - done));
                HostConversions.Decode(source.Type, from + ((long)done * sourceSize), values);
                HostConversions.Encode(target.Type, taps == 1 ? values : Turn(values, taps), staging + ((long)done * size));
            }
        });
    }

    /// <summary>Quantises all rows of a matrix of a file.</summary>
    /// <param name="source">[outputs, inputs].</param>
    /// <param name="target">An <see cref="Int8Matrix"/>, which receives them.</param>
    /// <param name="firstOutput">Row of the target where they begin.</param>
    /// <exception cref="InvalidDataException">
    /// The tensor holds integers or numbers that are not finite, or its rows are not made of whole blocks.
    /// </exception>
    public void LoadInt8(HostTensor source, GpuTensor target, int firstOutput)
    {
        source.RequireFloat();
        int outputs = source.Shape[0], inputs = source.Shape[1];
        if (inputs % Int8Matrix.Block != 0)
        {
            throw new InvalidDataException($"Tensor '{source.Name}' has rows of {inputs}; int8 weights take rows of a multiple of {Int8Matrix.Block}: choose a compute type without int8.");
        }

        float[] row = new float[inputs], scales = new float[outputs];
        sbyte[] codes = new sbyte[inputs];
        Stage(target, (long)firstOutput * inputs, source.ElementCount, inputs, (begin, count, staging) =>
        {
            for (int done = 0; done < count; done += inputs)
            {
                HostConversions.Decode(source.Type, source.Data + ((begin + done) * source.Type.ByteSize()), row);
                float scale = scales[(begin + done) / inputs] = Int8Quantization.Quantize(row, codes);
                if (!float.IsFinite(scale))
                {
                    throw new InvalidDataException($"Tensor '{source.Name}' holds infinities or values that are not numbers; the file is damaged.");
                }

                Int8Matrix.Arrange(codes, new Span<byte>(staging + done, inputs));
            }
        });

        nint address = target.Address + (nint)target.ElementCount + (firstOutput * sizeof(float));
        for (int begin = 0; begin < outputs; begin += BlockBytes / sizeof(float))
        {
            ReadOnlySpan<float> block = scales.AsSpan(begin, Math.Min(BlockBytes / sizeof(float), outputs - begin));
            HostConversions.Encode(DType.F32, block, _staging.Take());
            _staging.CopyToDevice(address + (begin * sizeof(float)), block.Length * sizeof(float));
        }
    }

    /// <summary>Copies numbers into a tensor, from its first element on.</summary>
    public void Write(ReadOnlySpan<float> values, GpuTensor target)
    {
        fixed (float* source = values)
        {
            float* from = source;
            Stage(target, 0, values.Length, 1, (begin, count, staging) => HostConversions.Encode(target.Type, new ReadOnlySpan<float>(from + begin, count), staging));
        }
    }

    /// <summary>Copies a tensor's first elements to the host, once everything before has run.</summary>
    public void Read(GpuTensor source, Span<float> values)
    {
        int size = source.Type.ByteSize(), most = BlockBytes / size;
        nint address = source.Address;
        for (int begin = 0; begin < values.Length; begin += most)
        {
            Span<float> block = values.Slice(begin, Math.Min(most, values.Length - begin));
            byte* staging = _staging.Take();
            _staging.CopyToHost(address + ((nint)begin * size), block.Length * size);
            HostConversions.Decode(source.Type, staging, block);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _staging.Dispose();

    /// <summary>Writes elements of the target's type into page-locked memory.</summary>
    /// <param name="begin">The first of them, counted in the source.</param>
    /// <param name="count">How many.</param>
    /// <param name="staging">Receives them.</param>
    private delegate void Fill(long begin, int count, byte* staging);

    /// <summary>Copies elements to the device, in blocks of whole pieces.</summary>
    private void Stage(GpuTensor target, long first, long count, int piece, Fill fill)
    {
        int size = target.Type.ByteSize();
        if (first < 0 || count < 0 || first + count > target.ElementCount)
        {
            throw new ArgumentException($"{count} elements from element {first} on do not fit a tensor of {target.ElementCount}.");
        }

        int most = BlockBytes / size / piece * piece;
        nint address = target.Address + (nint)(first * size);
        for (long begin = 0; begin < count; begin += most)
        {
            int elements = (int)Math.Min(most, count - begin);
            fill(begin, elements, _staging.Take());
            _staging.CopyToDevice(address + (nint)(begin * size), elements * size);
        }
    }

    /// <summary>[channels, taps] to [taps, channels].</summary>
    private Span<float> Turn(ReadOnlySpan<float> values, int taps)
    {
        if (_turned.Length < values.Length)
        {
            _turned = new float[values.Length];
        }

        int channels = values.Length / taps;
        for (int channel = 0; channel < channels; channel++)
        {
            for (int tap = 0; tap < taps; tap++)
            {
                _turned[(tap * channels) + channel] = values[(channel * taps) + tap];
            }
        }

        return _turned.AsSpan(0, values.Length);
    }
}
