namespace Handwritten.CudaEmulator.Checks;

/// <summary>Whether an access is meant to meet other threads' without a barrier between them.</summary>
internal enum Meeting
{
    /// <summary>A plain access.</summary>
    No,

    /// <summary>An atomic, or what the memory model calls strong: volatile, relaxed, acquire, release.</summary>
    Strong,

    /// <summary>An atomic compare-and-swap.</summary>
    CompareAndSwap,
}

/// <summary>
/// Who accessed a unit of memory: the instruction's index in the code, the warp and the lane, and whether the access is meant
/// to meet those of other threads (<see cref="Meeting"/>).
///
///     bit  30 … 31    25 … 29    20 … 24    0 … 19
///          meeting    warp       lane       instruction
/// </summary>
internal readonly record struct Accessor(uint Bits)
{
    /// <summary>Where the lane's bits begin.</summary>
    public const int LaneShift = 20;

    /// <summary>The bits of warp and lane.</summary>
    public const uint ThreadMask = 0x3ff00000;

    public Accessor(int instruction, int warp, int lane, Meeting meeting)
        : this((uint)instruction | (uint)lane << 20 | (uint)warp << 25 | (uint)meeting << 30)
    {
    }

    public int Instruction => (int)(Bits & 0xfffff);

    public int Lane => (int)(Bits >> 20) & 31;

    public int Warp => (int)(Bits >> 25) & 31;

    public Meeting Meeting => (Meeting)(Bits >> 30);

    /// <summary>The same access by another lane.</summary>
    public Accessor InLane(int lane) => new(Bits + ((uint)lane << LaneShift));

    /// <summary>Whether two accesses are one thread's.</summary>
    public bool IsSameThread(Accessor other) => ((Bits ^ other.Bits) & ThreadMask) == 0;

    /// <summary>
    /// Whether two accesses, one of them a write, may meet: both are meant to; or one is a compare-and-swap and the other a
    /// plain read, with which the loop around a compare-and-swap begins.
    /// </summary>
    public bool MayMeet(Accessor other, bool isRead) =>
        (Meeting != Meeting.No && other.Meeting != Meeting.No) || (isRead && Meeting == Meeting.CompareAndSwap);
}

/// <summary>Two accesses that nothing puts in order.</summary>
/// <param name="Offset">The first byte in shared memory that they have in common.</param>
/// <param name="Earlier">The one that the emulator happened to run first.</param>
/// <param name="HasWritten">Whether that one wrote.</param>
/// <param name="IsUnderWay">Whether it is a cp.async, or a wgmma, that has not been waited for.</param>
/// <param name="IsUnfenced">Whether only fence.proxy.async is missing between the two.</param>
internal readonly record struct Race(int Offset, Accessor Earlier, bool HasWritten, bool IsUnderWay, bool IsUnfenced = false);
