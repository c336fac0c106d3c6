using System.Numerics;
using System.Runtime.Intrinsics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Copies of cp.async that are under way in a warp. What a copy brings is read when it is issued and written only when its
/// thread waits for it: a kernel that forgets to wait never sees its data.
/// </summary>
internal sealed unsafe class AsyncCopyQueue
{
    private readonly List<Copy> copies = [];
    private readonly int[] committed = new int[Lanes.Count]; // groups that a lane has closed

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        copies.Clear();
        Array.Clear(committed);
    }

    /// <summary>A lane copies <paramref name="bytes"/> bytes of <paramref name="data"/>.</summary>
    public void Add(int lane, byte* target, Vector128<byte> data, int bytes) =>
        copies.Add(new() { Target = target, Data = data, Bytes = bytes, Lane = lane, Group = committed[lane] });

    /// <summary>Copies since the last commit become a group.</summary>
    public void Commit(uint mask)
    {
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            committed[BitOperations.TrailingZeroCount(rest)]++;
        }
    }

    /// <summary>Lands all groups but the latest <paramref name="pending"/>.</summary>
    public void Wait(uint mask, int pending) => Land(mask, pending);

    /// <summary>Lands everything, committed or not.</summary>
    public void WaitAll(uint mask) => Land(mask, -1);

    private void Land(uint mask, int pending)
    {
        var kept = 0;
        for (var i = 0; i < copies.Count; i++)
        {
            var copy = copies[i];
            if ((mask >> copy.Lane & 1) != 0 && copy.Group < committed[copy.Lane] - pending)
            {
                var data = copy.Data;
                new ReadOnlySpan<byte>(&data, copy.Bytes).CopyTo(new(copy.Target, copy.Bytes));
            }
            else
            {
                copies[kept++] = copy;
            }
        }

        copies.RemoveRange(kept, copies.Count - kept);
    }

    private struct Copy
    {
        public byte* Target;
        public Vector128<byte> Data;
        public int Bytes;
        public int Lane;
        public int Group;
    }
}
