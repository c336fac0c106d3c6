namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// What has no effect here: fences (threads of a block run on one core, and what they write is visible at once), prefetches,
/// cache policies, hints to the scheduler. nanosleep lets other warps run, and the checks are told of fence.proxy.async, by
/// which what threads have written is seen by what reads asynchronously: wgmma.
/// </summary>
internal static unsafe class NoOperations
{
    public static readonly InstructionTable Table = new()
    {
        ["membar"] = e => Nothing(e, 0, "gl", "cta", "sys", "proxy", "alias", "async", "global", "shared::cta", "shared"),
        ["fence"] = e => Emit(
            e, e.Modifiers.Contains("proxy") && e.Modifiers.Contains("async") ? &FenceProxy : &DoNothing, 0, "sc", "acq_rel", "acquire", "release", "cta", "cluster", "gpu", "sys", "proxy", "alias", "async", "generic", "global",
            "shared::cta", "shared::cluster", "mbarrier_init", "sync_restrict::shared::cta", "proxy::alias", "proxy::async",
            "proxy::async::global", "proxy::async::shared::cta"),
        ["prefetch"] = e => Nothing(e, 1, "global", "local", "L1", "L2", "L2::evict_last", "L2::evict_normal", "tensormap", "const", "param"),
        ["prefetchu"] = e => Nothing(e, 1, "L1"),
        ["discard"] = e => Nothing(e, 2, "global", "L2"),
        ["applypriority"] = e => Nothing(e, 2, "global", "L2::evict_normal"),
        ["createpolicy"] = Policy,
        ["nanosleep"] = e => { e.TakeType(); e.Expect(1); e.Emit(&Sleep); },
        ["pmevent"] = e => Nothing(e, 1, "mask"),
    };

    private static void Nothing(Emitter e, int operands, params string[] modifiers) => Emit(e, &DoNothing, operands, modifiers);

    private static void Emit(Emitter e, Handler handler, int operands, params string[] modifiers)
    {
        while (e.TakeAny(modifiers) is not null)
        {
        }

        e.Expect(operands);
        e.Emit(handler);
    }

    // createpolicy.fractional.L2::evict_first{.L2::evict_unchanged}.b64 d{, fraction}: a value for .L2::cache_hint, which looks at none
    private static void Policy(Emitter e)
    {
        if (!e.Take("fractional"))
        {
            throw e.Unsupported();
        }

        while (e.TakeAny("L2::evict_first", "L2::evict_last", "L2::evict_normal", "L2::evict_unchanged") is not null)
        {
        }

        if (!e.Take("b64"))
        {
            throw e.Unsupported();
        }

        e.Expect(1, 2);
        e.Emit(&Moves.Wide, e.Destination(0, 8), e.Constant(0, true));
    }

    private static Op* DoNothing(Op* op, byte* f, Warp w, uint mask) => op + 1;

    private static Op* FenceProxy(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask != 0)
        {
            w.Checks?.Meetings?.FenceProxy(w);
        }

        return op + 1;
    }

    private static Op* Sleep(Op* op, byte* f, Warp w, uint mask) => mask == 0 ? op + 1 : w.Yield(op + 1);
}
