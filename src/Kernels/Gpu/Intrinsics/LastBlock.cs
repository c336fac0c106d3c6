using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Which of several blocks comes last, so that it can put together what all of them have written, without another launch:
/// <code>
///     block 0    writes its part ── fence ── ticket 1
///     block 2    writes its part ── fence ── ticket 2 of 3: the last one ── fence ── reads all parts; tickets = 0
///     block 1    writes its part ── fence ── ticket 0
/// </code>
/// The fence before the ticket has a part seen by whoever draws a later one; the fence behind it has no part read too early.
/// Who is last depends on chance, and if that one goes through the parts in their order, nothing else does.
/// Source: CUDA C++ programming guide, "Memory Fence Functions", and its sample threadFenceReduction.
/// </summary>
internal static class LastBlock
{
    /// <summary>
    /// Whether this block is the last; to be asked by one whole warp, which has written the part, or lies behind a barrier
    /// after it.
    /// </summary>
    /// <param name="tickets">A number that begins as 0, and is 0 again behind the last block.</param>
    /// <param name="blocks">How many there are.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsThis(ref int tickets, int blocks)
    {
        MemoryFence.DeviceLevel();
        Warp.Barrier();
        int ticket = 0;
        if (Warp.IsFirstLane)
        {
            ticket = Atomic.Add(ref tickets, 1);
            if (ticket == blocks - 1)
            {
                tickets = 0;
            }
        }

        ticket = Warp.Shuffle(ticket, 0);
        MemoryFence.DeviceLevel();
        return ticket == blocks - 1;
    }
}
