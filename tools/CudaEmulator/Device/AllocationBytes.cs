using System.Numerics;
using System.Runtime.CompilerServices;

namespace Handwritten.CudaEmulator.Device;

/// <summary>
/// Some of an allocation's bytes, those that have been written for instance: a bit each. All workers of a grid add to it at the
/// same time, so bits are set atomically; but only those that are not set yet, and once all are, nothing more is looked at.
/// </summary>
/// <param name="start">The allocation's first byte, a multiple of 64.</param>
/// <param name="bytes">Its length.</param>
public sealed class AllocationBytes(ulong start, long bytes)
{
    private readonly ulong[] _words = new ulong[(bytes + 63) / 64];
    private long _missing = bytes;

    /// <summary>Whether every byte is among them.</summary>
    public bool IsComplete => Volatile.Read(ref _missing) == 0;

    /// <summary>Adds bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong address, long count)
    {
        if (IsComplete)
        {
            return;
        }

        long at = (long)(address - start);
        long word = at >> 6;
        for (int bit = (int)at & 63; count > 0; word++, bit = 0)
        {
            int here = (int)Math.Min(count, 64 - bit);
            Set(ref _words[word], (ulong.MaxValue >> (64 - here)) << bit);
            count -= here;
        }
    }

    /// <summary>The first of <paramref name="count"/> bytes that is not among them; null if all are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong? FirstMissing(ulong address, long count)
    {
        if (IsComplete)
        {
            return null;
        }

        long at = (long)(address - start);
        long word = at >> 6;
        for (int bit = (int)at & 63; count > 0; word++, bit = 0)
        {
            int here = (int)Math.Min(count, 64 - bit);
            ulong absent = ((ulong.MaxValue >> (64 - here)) << bit) & ~Volatile.Read(ref _words[word]);
            if (absent != 0)
            {
                return start + (ulong)(word << 6) + (ulong)BitOperations.TrailingZeroCount(absent);
            }

            count -= here;
        }

        return null;
    }

    /// <summary>The first of <paramref name="count"/> bytes that is among them; null if none is.</summary>
    public ulong? FirstPresent(ulong address, long count)
    {
        for (ulong at = address; at < address + (ulong)count; at++)
        {
            if ((Volatile.Read(ref _words[(at - start) >> 6]) & (1ul << (int)((at - start) & 63))) != 0)
            {
                return at;
            }
        }

        return null;
    }

    /// <summary>Adds those of another set of the same allocation's bytes.</summary>
    public void AddAll(AllocationBytes other)
    {
        for (int word = 0; word < _words.Length; word++)
        {
            Set(ref _words[word], other._words[word]);
        }
    }

    /// <summary>After a copy: what is not among the source's bytes is not among the target's.</summary>
    /// <param name="address">The target in this allocation.</param>
    /// <param name="source">The source's bytes.</param>
    /// <param name="from">The source's address.</param>
    /// <param name="count">Bytes.</param>
    public void CopyFrom(ulong address, AllocationBytes source, ulong from, long count)
    {
        if (source.FirstMissing(from, count) is null)
        {
            Add(address, count);
            return;
        }

        // Within one allocation the ranges may overlap: as memmove does, begin at the end that is read before it is changed.
        for (long i = 0; i < count; i++)
        {
            ulong offset = (ulong)(address <= from ? i : count - 1 - i);
            if (source.FirstMissing(from + offset, 1) is null)
            {
                Add(address + offset, 1);
            }
            else
            {
                Remove(address + offset);
            }
        }
    }

    private void Set(ref ulong word, ulong mask)
    {
        if ((Volatile.Read(ref word) & mask) != mask)
        {
            ulong before = Interlocked.Or(ref word, mask);
            Interlocked.Add(ref _missing, -BitOperations.PopCount(mask & ~before));
        }
    }

    private void Remove(ulong address)
    {
        long at = (long)(address - start);
        ulong mask = 1ul << (int)(at & 63);
        ulong before = Interlocked.And(ref _words[at >> 6], ~mask);
        Interlocked.Add(ref _missing, BitOperations.PopCount(before & mask));
    }
}
