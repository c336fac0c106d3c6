using System.Numerics;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Counters;

/// <summary>
/// Counts what one worker's blocks do. Shared memory has 32 banks of 4-byte words, word w in bank w mod 32. Lanes that want
/// the same word are served together; different words of one bank come one after another:
///
///     lane i reads word i      32 banks, one word each     no replay
///     lane i reads word 2i     16 banks, two words each    1 replay
///     lane i reads word 32i     1 bank                     31 replays
///
/// Accesses of 8 bytes go by half warps, those of 16 by quarters, so that each part is at most 32 words.
/// </summary>
internal sealed unsafe class CountingObserver(KernelCode kernel, OpFacts[] facts) : ExecutionObserver
{
    private const int Banks = 32, WordBytes = 4;

    private readonly Op* _code = kernel.Code;

    /// <summary>What has been counted.</summary>
    public KernelCounters Counts { get; } = new();

    /// <summary>The sectors of global memory that were touched.</summary>
    public SectorSet Sectors { get; } = new();

    /// <inheritdoc/>
    public override void BlockEnds(Block block)
    {
        Counts[Counter.Blocks]++;
        Counts[Counter.Threads] += block.Launch.Block.Count;
    }

    /// <inheritdoc/>
    public override void BarrierOpens(Block block, int barrier) => Counts[Counter.Barriers]++;

    /// <inheritdoc/>
    public override void Before(Warp warp, Op* op, uint mask)
    {
        ref readonly OpFacts fact = ref facts[op - _code];
        if (fact.IsWholeWarp && mask != Lanes.All)
        {
            return;
        }

        if (fact.Class is { } kind)
        {
            Counts[kind]++;
        }

        if (fact.Unit is { } unit)
        {
            Counts[unit] += fact.Flops * BitOperations.PopCount(mask);
        }

        if (fact.Branches || fact.BranchesIf)
        {
            uint taken = fact.Branches ? mask : mask & *(uint*)(warp.Frame + op->A);
            Counts[Counter.DivergentBranches] += taken != 0 && taken != warp.Active ? 1 : 0;
        }

        if (fact.Space is { } space && (mask & fact.Lanes) != 0)
        {
            Access(fact, space, op, warp.Frame, mask & fact.Lanes);
        }
    }

    private void Access(in OpFacts fact, StateSpace space, Op* op, byte* frame, uint mask)
    {
        ulong* addresses = stackalloc ulong[Lanes.Count];
        uint global = 0, shared = 0, local = 0;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            long offset = op->Constant + fact.Bias;
            addresses[lane] = op->C == 0 ? Lanes.Read<ulong>(frame + op->A, lane) + (ulong)offset : Lanes.Read<uint>(frame + op->A, lane) + (uint)offset;
            AddressWindow window = space switch
            {
                StateSpace.Global => AddressWindow.Global,
                StateSpace.Shared => AddressWindow.Shared,
                StateSpace.Local => AddressWindow.Local,
                _ => Addressing.WindowOf(addresses[lane]),
            };
            uint bit = 1u << lane;
            global |= window == AddressWindow.Global ? bit : 0;
            shared |= window == AddressWindow.Shared ? bit : 0;
            local |= window == AddressWindow.Local ? bit : 0;
        }

        if (global != 0)
        {
            Global(fact, op, frame, addresses, global);
        }

        if (shared != 0)
        {
            Counts[Counter.SharedAccesses]++;
            Counts[Counter.SharedReplays] += Replays(addresses, shared, fact.Bytes);
        }

        long bytes = (long)fact.Bytes * BitOperations.PopCount(local);
        Counts[Counter.LocalBytesRead] += fact.Reads ? bytes : 0;
        Counts[Counter.LocalBytesWritten] += fact.Writes ? bytes : 0;
    }

    // An access is aligned and at most 32 bytes, and so within one sector a lane.
    private void Global(in OpFacts fact, Op* op, byte* frame, ulong* addresses, uint mask)
    {
        ulong* seen = stackalloc ulong[Lanes.Count];
        int count = 0;
        long bytes = 0L;
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            uint given = fact.ReadsGiven ? Lanes.Read<uint>(frame + op->B, lane) : (uint)fact.Bytes;
            ulong sector = addresses[lane] / SectorSet.SectorBytes;
            bytes += given;
            if (given > 0 && !new ReadOnlySpan<ulong>(seen, count).Contains(sector))
            {
                seen[count++] = sector;
                Sectors.Add(sector);
            }
        }

        Counts[Counter.GlobalSectors] += count;
        Counts[Counter.GlobalBytesRead] += fact.Reads ? bytes : 0;
        Counts[Counter.GlobalBytesWritten] += fact.Writes ? bytes : 0;
    }

    private static int Replays(ulong* addresses, uint mask, int bytes)
    {
        int words = Math.Max(1, bytes / WordBytes);
        int lanes = Math.Max(1, Lanes.Count / words);
        ulong* seen = stackalloc ulong[Lanes.Count * Math.Max(1, words / Banks)];
        int* perBank = stackalloc int[Banks];
        int replays = 0;
        for (int first = 0; first < Lanes.Count; first += lanes)
        {
            new Span<int>(perBank, Banks).Clear();
            int count = 0, most = 1;
            for (int lane = first; lane < first + lanes; lane++)
            {
                for (int i = 0; i < words && (mask >> lane & 1) != 0; i++)
                {
                    ulong word = addresses[lane] / WordBytes + (ulong)i;
                    if (!new ReadOnlySpan<ulong>(seen, count).Contains(word))
                    {
                        seen[count++] = word;
                        most = Math.Max(most, ++perBank[word % Banks]);
                    }
                }
            }

            replays += most - 1;
        }

        return replays;
    }
}
