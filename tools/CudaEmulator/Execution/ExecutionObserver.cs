namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Watches a grid while it runs; what checks and counters derive from. One observer serves one worker thread, so that it
/// needs no locks; a grid without one runs at full speed.
/// </summary>
internal abstract unsafe class ExecutionObserver
{
    /// <summary>A block begins; its shared memory is zeros.</summary>
    public virtual void BlockStarts(Block block)
    {
    }

    /// <summary>All threads of a block have exited.</summary>
    public virtual void BlockEnds(Block block)
    {
    }

    /// <summary>A warp is about to execute an instruction in the lanes of <paramref name="mask"/>.</summary>
    public virtual void Before(Warp warp, Op* op, uint mask)
    {
    }

    /// <summary>A barrier's last thread has come.</summary>
    public virtual void BarrierOpens(Block block, int barrier)
    {
    }

    /// <summary>
    /// A warp touches memory: <paramref name="pointers"/> (by lane, valid for <paramref name="mask"/>) are host addresses.
    /// Bounds and alignment are known to be right.
    /// </summary>
    public virtual void Touches(Warp warp, Op* op, uint mask, ulong* pointers, int bytes, bool writes)
    {
    }
}
