using System.Runtime.CompilerServices;

namespace Handwritten.Kernels.Cpu;

/// <summary>How the numbers of a panel are stored, and how a vector of them is loaded as float32.</summary>
internal unsafe interface IPanelElement
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Loads one vector's worth, starting <paramref name="offset"/> elements behind <paramref name="panel"/>.</summary>
    static abstract TSimd Load<TSimd>(byte* panel, int offset)
        where TSimd : unmanaged, ISimd<TSimd>;
}

/// <summary>float32, used as it is.</summary>
internal readonly unsafe struct SingleElement : IPanelElement
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Load<TSimd>(byte* panel, int offset)
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.Load((float*)panel + offset);
}

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct HalfElement : IPanelElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Load<TSimd>(byte* panel, int offset)
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.LoadHalf((ushort*)panel + offset);
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BrainFloatElement : IPanelElement
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TSimd Load<TSimd>(byte* panel, int offset)
        where TSimd : unmanaged, ISimd<TSimd> => TSimd.LoadBrainFloat((ushort*)panel + offset);
}
