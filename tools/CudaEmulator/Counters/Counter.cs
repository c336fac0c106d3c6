namespace Handwritten.CudaEmulator.Counters;

/// <summary>
/// What is counted of a kernel. Instructions are a warp's: one, however many of its lanes are active. Flops are the active
/// lanes' (a fused multiply-add is two); on the tensor cores, those of the whole matrix product.
/// </summary>
internal enum Counter
{
    Launches,
    Blocks,
    Threads,

    ArithmeticInstructions,
    MemoryInstructions,
    ControlInstructions,
    TensorInstructions,
    OtherInstructions,

    F32FmaFlops,
    F32AddFlops,
    F32MulFlops,
    F64FmaFlops,
    F64AddFlops,
    F64MulFlops,
    F16FmaFlops,
    F16AddFlops,
    F16MulFlops,
    TensorF16Flops,
    TensorBf16Flops,
    TensorTf32Flops,
    TensorF8Flops,
    TensorI8Flops,

    /// <summary>Bytes that lanes ask for.</summary>
    GlobalBytesRead,
    GlobalBytesWritten,

    /// <summary>
    /// 32-byte sectors that the warps' accesses touch, each counted once an access: what the memory system moves without
    /// caches.
    /// </summary>
    GlobalSectors,

    /// <summary>Bytes of all different sectors of a launch: the least that has to move.</summary>
    GlobalUniqueBytes,

    SharedAccesses,

    /// <summary>Times that a shared access has to be repeated because lanes want different words of one bank.</summary>
    SharedReplays,
    LocalBytesRead,
    LocalBytesWritten,

    /// <summary>Branches that some of the active lanes take and others do not.</summary>
    DivergentBranches,

    /// <summary>Times that a barrier of a block opens.</summary>
    Barriers,
}

/// <summary>A kernel's counters.</summary>
internal sealed class KernelCounters
{
    private readonly long[] _values = new long[Names.Length];

    /// <summary>The counters' names, in their order.</summary>
    public static string[] Names { get; } = Enum.GetNames<Counter>();

    /// <summary>One counter.</summary>
    public ref long this[Counter counter] => ref _values[(int)counter];

    /// <summary>Adds all of another's.</summary>
    public void Add(KernelCounters other)
    {
        for (int i = 0; i < _values.Length; i++)
        {
            _values[i] += other._values[i];
        }
    }
}
