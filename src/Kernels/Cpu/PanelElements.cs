using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>How the numbers of a panel are stored (see <see cref="PackedMatrix"/>), and how they are loaded as float32.</summary>
internal unsafe interface IPanelElement
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>
    /// Loads two vectors from one line of 32 columns: those from <paramref name="column"/> on and those from
    /// <paramref name="column"/> + 16 on.
    /// </summary>
    static abstract void Load<TSimd>(byte* line, int column, out TSimd left, out TSimd right)
        where TSimd : unmanaged, ISimd<TSimd>;
}

/// <summary>float32, used as it is.</summary>
internal readonly unsafe struct SingleElement : IPanelElement
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TSimd>(byte* line, int column, out TSimd left, out TSimd right)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        left = TSimd.Load((float*)line + column);
        right = TSimd.Load((float*)line + column + (PackedMatrix.PanelWidth / 2));
    }
}

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct HalfElement : IPanelElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TSimd>(byte* line, int column, out TSimd left, out TSimd right)
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.LoadHalfPairs((uint*)line + column, out left, out right);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BrainFloatElement : IPanelElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TSimd>(byte* line, int column, out TSimd left, out TSimd right)
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.LoadBrainFloatPairs((uint*)line + column, out left, out right);
}

/// <summary>8-bit integers, without their scales.</summary>
internal readonly unsafe struct Int8Element : IPanelElement
{
    public static int Size => sizeof(sbyte);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TSimd>(byte* line, int column, out TSimd left, out TSimd right)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        left = TSimd.LoadInt8((sbyte*)line + column);
        right = TSimd.LoadInt8((sbyte*)line + column + (PackedMatrix.PanelWidth / 2));
    }
}
