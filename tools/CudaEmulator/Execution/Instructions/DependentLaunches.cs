namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// griddepcontrol, by which kernels of a graph overlap: wait, until the launches before are done, and launch_dependents, which
/// lets the next one begin. Launches run one after another here, so neither has anything to do but to tell the checks.
/// </summary>
internal static unsafe class DependentLaunches
{
    public static readonly InstructionTable Table = new()
    {
        ["griddepcontrol"] = Emit,
    };

    private static void Emit(Emitter e)
    {
        e.Require(90);
        bool waits = e.Take("wait");
        if (!waits && !e.Take("launch_dependents"))
        {
            throw e.Unsupported();
        }

        e.Expect(0);
        e.Emit(waits ? &Wait : &LaunchDependents);
    }

    private static Op* Wait(Op* op, byte* f, Warp w, uint mask)
    {
        w.Checks?.WaitForLaunches(w, mask);
        return op + 1;
    }

    private static Op* LaunchDependents(Op* op, byte* f, Warp w, uint mask) => op + 1;
}
