namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Watches a grid while it runs; what the counters derive from. One observer serves one worker thread, so that it
/// needs no locks; a grid without one runs at full speed.
/// </summary>
internal abstract unsafe class ExecutionObserver
{
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
}
