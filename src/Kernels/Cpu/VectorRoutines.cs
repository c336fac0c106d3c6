using System.Runtime.Intrinsics;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// The operations that are compiled once for each vector width; everything in here works on checked pointers.
/// <see cref="CpuKernels"/> asks for the width once, when it is made.
/// </summary>
internal abstract class VectorRoutines
{
    /// <summary>Widths this machine runs in hardware, widest first; 128 bits always work.</summary>
    public static int[] AvailableBits { get; } =
    [
        .. Vector512.IsHardwareAccelerated ? [512] : Array.Empty<int>(),
        .. Vector256.IsHardwareAccelerated ? [256] : Array.Empty<int>(),
        128,
    ];

    public abstract int Bits { get; }

    /// <summary>The routines for vectors of that many bits.</summary>
    public static VectorRoutines OfWidth(int bits) => bits switch
    {
        512 => new VectorRoutines<Simd512>(),
        256 => new VectorRoutines<Simd256>(),
        128 => new VectorRoutines<Simd128>(),
        _ => throw new ArgumentOutOfRangeException(nameof(bits), bits, "Vectors have 128, 256 or 512 bits."),
    };

    /// <inheritdoc cref="MatrixProduct"/>
    public abstract void Multiply(ThreadTeam.Turn team, in RowView x, long rows, PackedMatrix matrix, in ResultView y);

    /// <inheritdoc cref="LayerNormalization"/>
    public abstract unsafe void Normalize(ThreadTeam.Turn team, float* x, int rows, int width, float* gain, float* bias, float* y);

    /// <inheritdoc cref="EncoderAttention"/>
    public abstract unsafe void AttendFully(
        ThreadTeam.Turn team, float* queryKeyValue, int batch, int frames, int heads, int headSize, float* y);

    /// <inheritdoc cref="DecoderAttention"/>
    public abstract unsafe void AttendCached(
        ThreadTeam.Turn team, float* query, long queryStride,
        ReadOnlySpan<int> lanes, ReadOnlySpan<int> lastEntries, DecoderRows? pasts, in KeyValueLayout cache, float* y);

    /// <inheritdoc cref="CrossWeights"/>
    public abstract unsafe void WeighCached(
        ThreadTeam.Turn team, float* query, long queryStride, ReadOnlySpan<int> lanes, in KeyValueLayout cache, int head, float* weights);
}

/// <summary>The operations for one vector type.</summary>
internal sealed unsafe class VectorRoutines<TSimd> : VectorRoutines
    where TSimd : unmanaged, ISimd<TSimd>
{
    public override int Bits => TSimd.Width * 32;

    public override void Multiply(ThreadTeam.Turn team, in RowView x, long rows, PackedMatrix matrix, in ResultView y) =>
        MatrixProduct.Run<TSimd>(team, x, rows, matrix, y);

    public override void Normalize(ThreadTeam.Turn team, float* x, int rows, int width, float* gain, float* bias, float* y) =>
        LayerNormalization.Run<TSimd>(team, x, rows, width, gain, bias, y);

    public override void AttendFully(
        ThreadTeam.Turn team, float* queryKeyValue, int batch, int frames, int heads, int headSize, float* y) =>
        EncoderAttention.Run<TSimd>(team, queryKeyValue, batch, frames, heads, headSize, y);

    public override void AttendCached(
        ThreadTeam.Turn team, float* query, long queryStride,
        ReadOnlySpan<int> lanes, ReadOnlySpan<int> lastEntries, DecoderRows? pasts, in KeyValueLayout cache, float* y) =>
        DecoderAttention.Run<TSimd>(team, query, queryStride, lanes, lastEntries, pasts, cache, y);

    public override void WeighCached(
        ThreadTeam.Turn team, float* query, long queryStride, ReadOnlySpan<int> lanes, in KeyValueLayout cache, int head, float* weights) =>
        CrossWeights.Run<TSimd>(team, query, queryStride, lanes, cache, head, weights);
}
