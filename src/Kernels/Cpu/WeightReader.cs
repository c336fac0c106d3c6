using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Brings tensors of a checkpoint into the back end's layouts. 16-bit weights stay 16-bit, because a decoder step is
/// bound by the bytes it streams; everything else becomes float32, or all matrices int8 where that is asked for. Offsets are
/// 64-bit: the largest embedding is beyond what an int can count in bytes.
/// </summary>
internal static unsafe class WeightReader
{
    /// <summary>Inputs moved at a time: a block of 32 by 32 elements stays in the first-level cache while it is turned.</summary>
    private const int Block = 32;

    private interface IConversion<TFrom, TTo>
    {
        static abstract TTo Convert(TFrom value);
    }

    /// <summary>Any floating-point tensor as float32, flat.</summary>
    public static void CopyToSingle(HostTensor tensor, float* destination)
    {
        tensor.RequireFloat();
        switch (tensor.Type)
        {
            case DType.F64: CopyRow<double, float, DoubleToSingle>(tensor.Data, 1, destination, 1, tensor.ElementCount); break;
            case DType.F16: CopyRow<Half, float, HalfToSingle>(tensor.Data, 1, destination, 1, tensor.ElementCount); break;
            case DType.BF16: CopyRow<ushort, float, BrainFloatToSingle>(tensor.Data, 1, destination, 1, tensor.ElementCount); break;
            default: CopyRow<float, float, Unchanged<float>>(tensor.Data, 1, destination, 1, tensor.ElementCount); break;
        }
    }

    /// <summary>
    /// Packs tensors [outputs_i, channels, taps] stacked along their outputs; input number tap · channels + c of the
    /// result is [c, tap] of the source, so that a convolution is a product with neighbouring frames. A plain matrix
    /// has one tap.
    /// </summary>
    /// <param name="team">Who does it.</param>
    /// <param name="stacked">The tensors.</param>
    /// <param name="taps">Taps of a convolution, or 1.</param>
    /// <param name="asInt8">Whether to quantise them; only with one tap.</param>
    public static PackedMatrix Pack(ThreadTeam team, ReadOnlySpan<HostTensor> stacked, int taps, bool asInt8 = false)
    {
        if (stacked.IsEmpty)
        {
            throw new ArgumentException("A matrix needs at least one tensor.", nameof(stacked));
        }

        int rank = taps == 1 ? 2 : 3;
        DType type = stacked[0].Type is DType.F16 or DType.BF16 ? stacked[0].Type : DType.F32;
        int outputs = 0;
        foreach (HostTensor tensor in stacked)
        {
            tensor.RequireFloat();
            if (tensor.Shape.Length != rank || tensor.ElementCount == 0 || (taps > 1 && tensor.Shape[2] != taps))
            {
                string wanted = taps == 1 ? "[outputs, inputs]" : $"[outputs, channels, {taps}]";
                throw new InvalidDataException($"Tensor '{tensor.Name}' has the shape [{string.Join(", ", tensor.Shape)}]; it must be {wanted}.");
            }

            if (tensor.Shape[1] != stacked[0].Shape[1])
            {
                throw new InvalidDataException(
                    $"Tensor '{tensor.Name}' takes {tensor.Shape[1]} inputs but '{stacked[0].Name}' takes {stacked[0].Shape[1]}; they cannot be one product.");
            }

            type = tensor.Type == type ? type : DType.F32;
            outputs = checked(outputs + tensor.Shape[0]);
        }

        int channels = stacked[0].Shape[1], first = 0, damaged = 0;
        PackedMatrix matrix = new(outputs, channels * taps, asInt8 ? DType.I8 : type);
        foreach (HostTensor tensor in stacked)
        {
            PackJob job = new()
            {
                Source = tensor.Data,
                SourceType = tensor.Type,
                Type = matrix.Type,
                Outputs = tensor.Shape[0],
                Channels = channels,
                Taps = taps,
                FirstOutput = first,
                Panels = matrix.Data,
                Scales = matrix.Scales,
                PanelBytes = matrix.PanelBytes,
                Damaged = &damaged,
            };
            int lastPanel = (first + tensor.Shape[0] - 1) / PackedMatrix.PanelWidth;
            team.Run(job, lastPanel - (first / PackedMatrix.PanelWidth) + 1);
            first += tensor.Shape[0];
            if (damaged != 0)
            {
                matrix.Dispose();
                throw new InvalidDataException($"Tensor '{tensor.Name}' holds infinities or values that are not numbers; the file is damaged.");
            }
        }

        return matrix;
    }

    /// <summary>destination[i · destinationStride] = convert(source[i · sourceStride]).</summary>
    private static void CopyRow<TFrom, TTo, TConversion>(byte* source, long sourceStride, TTo* destination, long destinationStride, long count)
        where TFrom : unmanaged
        where TTo : unmanaged
        where TConversion : IConversion<TFrom, TTo>
    {
        for (long i = 0; i < count; i++)
        {
            TFrom value = Unsafe.ReadUnaligned<TFrom>(source + (i * sourceStride * sizeof(TFrom)));
            destination[i * destinationStride] = TConversion.Convert(value);
        }
    }

    /// <summary>Fills the part of one panel that one of the stacked tensors covers.</summary>
    private struct PackJob : ITeamJob
    {
        public byte* Source;
        public DType SourceType;
        public DType Type;
        public int Outputs;
        public int Channels;
        public int Taps;
        public int FirstOutput;
        public byte* Panels;
        public float* Scales;
        public long PanelBytes;

        /// <summary>Set where numbers are not finite that widening (<see cref="HalfBits"/>) or quantising would hide.</summary>
        public int* Damaged;

        public readonly void Run(int item, int member)
        {
            int panel = (FirstOutput / PackedMatrix.PanelWidth) + item;
            byte* destination = Panels + (panel * PanelBytes);
            int from = Math.Max(panel * PackedMatrix.PanelWidth, FirstOutput);
            int to = Math.Min((panel + 1) * PackedMatrix.PanelWidth, FirstOutput + Outputs);
            if (SourceType == DType.F16 && !AreFinite(from - FirstOutput, to - FirstOutput))
            {
                *Damaged = 1;
            }

            switch (Type, SourceType)
            {
                case (DType.I8, _): Quantize(from, to, (sbyte*)destination); break;
                case (DType.F16 or DType.BF16, _): Turn<ushort, ushort, Unchanged<ushort>>(from, to, (ushort*)destination); break;
                case (_, DType.F64): Turn<double, float, DoubleToSingle>(from, to, (float*)destination); break;
                case (_, DType.F16): Turn<Half, float, HalfToSingle>(from, to, (float*)destination); break;
                case (_, DType.BF16): Turn<ushort, float, BrainFloatToSingle>(from, to, (float*)destination); break;
                default: Turn<float, float, Unchanged<float>>(from, to, (float*)destination); break;
            }
        }

        private readonly void Quantize(int from, int to, sbyte* panel)
        {
            float[] row = new float[Channels];
            sbyte[] codes = new sbyte[Channels];
            for (int output = from; output < to; output++)
            {
                HostConversions.Decode(SourceType, Source + ((long)(output - FirstOutput) * Channels * SourceType.ByteSize()), row);
                float scale = Int8Quantization.Quantize(row, codes);
                if (!float.IsFinite(scale))
                {
                    *Damaged = 1;
                    return;
                }

                Scales[output] = scale;
                sbyte* column = panel + PackedMatrix.Slot(output % PackedMatrix.PanelWidth, Type);
                for (int channel = 0; channel < Channels; channel++, column += PackedMatrix.PanelWidth)
                {
                    *column = codes[channel];
                }
            }
        }

        private readonly bool AreFinite(int from, int to)
        {
            const ushort exponent = 0x7C00;
            long row = (long)Channels * Taps;
            ushort* half = (ushort*)Source + (from * row), end = (ushort*)Source + (to * row);
            Vector128<ushort> exponents = Vector128.Create(exponent);
            for (; end - half >= Vector128<ushort>.Count; half += Vector128<ushort>.Count)
            {
                if (Vector128.EqualsAny(Vector128.Load(half) & exponents, exponents))
                {
                    return false;
                }
            }

            for (; half < end; half++)
            {
                if ((*half & exponent) == exponent)
                {
                    return false;
                }
            }

            return true;
        }

        private readonly void Turn<TFrom, TTo, TConversion>(int from, int to, TTo* panel)
            where TFrom : unmanaged
            where TTo : unmanaged
            where TConversion : IConversion<TFrom, TTo>
        {
            for (int tap = 0; tap < Taps; tap++)
            {
                for (int channel = 0; channel < Channels; channel += Block)
                {
                    int count = Math.Min(Block, Channels - channel);
                    TTo* block = panel + (((long)tap * Channels) + channel) * PackedMatrix.PanelWidth;
                    for (int output = from; output < to; output++)
                    {
                        int slot = PackedMatrix.Slot(output % PackedMatrix.PanelWidth, Type);
                        long index = ((((long)(output - FirstOutput) * Channels) + channel) * Taps) + tap;
                        CopyRow<TFrom, TTo, TConversion>(
                            Source + (index * sizeof(TFrom)), Taps, block + slot, PackedMatrix.PanelWidth, count);
                    }
                }
            }
        }
    }

    private readonly struct Unchanged<T> : IConversion<T, T>
    {
        public static T Convert(T value) => value;
    }

    private readonly struct DoubleToSingle : IConversion<double, float>
    {
        public static float Convert(double value) => (float)value;
    }

    private readonly struct HalfToSingle : IConversion<Half, float>
    {
        public static float Convert(Half value) => (float)value;
    }

    private readonly struct BrainFloatToSingle : IConversion<ushort, float>
    {
        public static float Convert(ushort value) => BitConverter.Int32BitsToSingle(value << 16);
    }
}
