using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// What a warp has begun by wgmma.mma_async and has not waited for. Four warps, a warpgroup, multiply together; each of them
/// computes 16 rows of the 64, so each has a queue of its own. Products are computed when they are waited for and no sooner:
/// the factors are read then, and the sums change then. A kernel that looks too early finds the old sums, every time.
///
///     wgmma.fence; mma_async; mma_async; commit_group; mma_async; commit_group; wait_group 1     the first two are done
///                       group 0                            group 1
///
/// Sums are registers that the instruction owns until it is waited for. Whoever else touches them sooner, or forgets the fence
/// between touching them and the next product, breaks the rules of the instruction and is faulted.
/// </summary>
internal sealed unsafe class WarpgroupQueue(Warp warp)
{
    /// <summary>Warps of a warpgroup.</summary>
    public const int Warps = 4;

    private readonly Queue<WarpgroupProduct> _underWay = [];
    private readonly HashSet<int> _touched = []; // registers, by their place, since the last fence
    private readonly List<(nint Op, ulong A, ulong B)> _steps = []; // what the warpgroup has executed; kept by its first warp
    private int _step;
    private int _committed;
    private bool _isFenced;
    private Op* _latest; // the last product since the fence

    private WarpgroupQueue First => warp.Block.Warps[warp.Index / Warps * Warps].Products;

    /// <summary>Forgets everything: a new block begins.</summary>
    public void Clear()
    {
        _underWay.Clear();
        _touched.Clear();
        _steps.Clear();
        _step = _committed = 0;
        _isFenced = false;
        _latest = null;
    }

    /// <summary>
    /// A wgmma instruction that all warps of the warpgroup have to execute, with the same descriptors, in the same order.
    /// </summary>
    /// <exception cref="DeviceFaultException">They do not, or the block has too few warps.</exception>
    public void Follow(Op* op, ulong a = 0, ulong b = 0)
    {
        int first = warp.Index / Warps * Warps;
        if (warp.Block.Warps.Count < first + Warps)
        {
            throw Fault(op, $"the instruction needs the {Warps} warps of a warpgroup, and the block has only {warp.Block.Warps.Count - first} of them");
        }

        List<(nint Op, ulong A, ulong B)> known = First._steps;
        if (_step == known.Count)
        {
            known.Add(((nint)op, a, b));
        }
        else if (known[_step] != ((nint)op, a, b))
        {
            int line = warp.Block.Launch.Kernel.SourceOf((Op*)known[_step].Op).Line;
            throw Fault(op, known[_step].Op == (nint)op
                ? $"the warps of the warpgroup give different descriptors: 0x{a:x} and 0x{b:x}, another one 0x{known[_step].A:x} and 0x{known[_step].B:x}"
                : $"the warps of the warpgroup have to execute the same wgmma instructions, but another one was at line {line} instead");
        }

        _step++;
    }

    /// <summary>wgmma.fence: registers that were touched before may be sums of what comes after.</summary>
    public void Fence()
    {
        _touched.Clear();
        _isFenced = true;
        _latest = null;
    }

    /// <summary>Another instruction reads or writes registers that are sums somewhere.</summary>
    /// <exception cref="DeviceFaultException">A product that has not been waited for owns one of them.</exception>
    public void Touch(Op* op, ReadOnlySpan<int> registers)
    {
        foreach (WarpgroupProduct product in _underWay)
        {
            if (SumsOf(product.Op).ContainsAny(registers))
            {
                throw Fault(op, $"a sum of the wgmma.mma_async at line {warp.Block.Launch.Kernel.SourceOf(product.Op).Line} is used, and it has not been waited for: wgmma.commit_group and wgmma.wait_group have to come between");
            }
        }

        foreach (int register in registers)
        {
            _touched.Add(register);
        }
    }

    /// <summary>wgmma.mma_async</summary>
    /// <exception cref="DeviceFaultException">wgmma.fence is missing in front of it.</exception>
    public void Begin(Op* op, MatrixDescriptor a, MatrixDescriptor b, bool adds)
    {
        ReadOnlySpan<int> sums = SumsOf(op);
        if (!_isFenced || (_touched.Count > 0 && _touched.Overlaps(sums.ToArray())))
        {
            throw Fault(op, "wgmma.fence has to come first: in front of a warpgroup's first product, and between another use of the sums' registers and the product");
        }

        // Products of one shape may follow each other without a fence.
        if (_latest != null && _latest != op && !sums.SequenceEqual(SumsOf(_latest)) && sums.ContainsAny(SumsOf(_latest)))
        {
            throw Fault(op, $"the product at line {warp.Block.Launch.Kernel.SourceOf(_latest).Line} has another shape and some of the same sums: wgmma.fence has to come between");
        }

        _latest = op;
        _underWay.Enqueue(new(op, a, b, adds, _committed));
    }

    /// <summary>wgmma.commit_group</summary>
    public void Commit() => _committed++;

    /// <summary>wgmma.wait_group: hands out, in order, what is in all groups but the latest <paramref name="pending"/>.</summary>
    public bool TryEnd(int pending, out WarpgroupProduct product) =>
        _underWay.TryPeek(out product) && product.Group + pending < _committed && _underWay.TryDequeue(out product);

    private static ReadOnlySpan<int> SumsOf(Op* op) => new(op->Slots, op->Count);

    private DeviceFaultException Fault(Op* op, string what) => warp.Fault(op, 0, CudaResult.LaunchFailed, what);
}

/// <summary>One wgmma.mma_async of a warp.</summary>
internal readonly unsafe struct WarpgroupProduct(Op* op, MatrixDescriptor a, MatrixDescriptor b, bool adds, int group)
{
    /// <summary>The instruction.</summary>
    public Op* Op { get; } = op;

    /// <summary>The first factor.</summary>
    public MatrixDescriptor A { get; } = a;

    /// <summary>The second factor.</summary>
    public MatrixDescriptor B { get; } = b;

    /// <summary>Whether the product is added to the sums, or takes their place.</summary>
    public bool Adds { get; } = adds;

    /// <summary>The group that it belongs to.</summary>
    public int Group { get; } = group;
}
