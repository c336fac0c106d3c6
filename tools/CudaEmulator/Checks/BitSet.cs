using System.Numerics;
using System.Runtime.CompilerServices;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>Which bytes of a range of memory have been written: a bit each. One thread at a time uses it.</summary>
/// <param name="bytes">Bytes of the range.</param>
internal sealed class BitSet(long bytes)
{
    private readonly ulong[] _words = new ulong[(bytes + 63) / 64 + 1];

    /// <summary>Forgets everything.</summary>
    public void Clear() => Array.Clear(_words);

    /// <summary>Notes that <paramref name="count"/> bytes from <paramref name="first"/> on have been written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(long first, int count)
    {
        long word = first >> 6;
        int bit = (int)first & 63;
        if (bit + count <= 64)
        {
            _words[word] |= Mask(count) << bit;
            return;
        }

        AddLong(word, bit, count);
    }

    /// <summary>The first of <paramref name="count"/> bytes that has not been written; -1 if all have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long FirstMissing(long first, int count)
    {
        long word = first >> 6;
        int bit = (int)first & 63;
        if (bit + count <= 64)
        {
            ulong missing = (Mask(count) << bit) & ~_words[word];
            return missing == 0 ? -1 : (word << 6) + BitOperations.TrailingZeroCount(missing);
        }

        return FirstMissingLong(word, bit, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Mask(int count) => ulong.MaxValue >> (64 - count);

    private void AddLong(long word, int bit, int count)
    {
        for (; count > 0; word++, bit = 0)
        {
            int here = Math.Min(count, 64 - bit);
            _words[word] |= Mask(here) << bit;
            count -= here;
        }
    }

    private long FirstMissingLong(long word, int bit, int count)
    {
        for (; count > 0; word++, bit = 0)
        {
            int here = Math.Min(count, 64 - bit);
            ulong missing = (Mask(here) << bit) & ~_words[word];
            if (missing != 0)
            {
                return (word << 6) + BitOperations.TrailingZeroCount(missing);
            }

            count -= here;
        }

        return -1;
    }
}
