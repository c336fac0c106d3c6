using System.Runtime.InteropServices;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// Gathers samples of which nobody knows how many will come, hours of them if need be. An array that grows by doubling lies in
/// memory several times over, and what it leaves is given back when the garbage collector finds time. Here each sample lies once:
/// <code>
///     blocks outside of .NET's heap   [ 16 Mi ][ 16 Mi ][ 16 Mi ][ 3 Mi      ]     pages take memory when they are written
///                                        │ copied, and its block freed at once
///     array                           [ 16 Mi ]...
/// </code>
/// </summary>
internal sealed unsafe class SampleBlocks : IDisposable
{
    /// <summary>
    /// 64 MB, a quarter of an hour. The C library takes blocks of more than 32 MB from the system, and gives them back to it, one by
    /// one; smaller ones it may keep.
    /// </summary>
    private const int BlockLength = 1 << 24;

    private readonly Queue<nint> _blocks = [];
    private float* _last;

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Appends samples.</summary>
    public void Append(ReadOnlySpan<float> samples)
    {
        while (!samples.IsEmpty)
        {
            int used = (int)(Count % BlockLength);
            if (used == 0)
            {
                _last = (float*)NativeMemory.Alloc(BlockLength, sizeof(float));
                _blocks.Enqueue((nint)_last);
            }

            int count = Math.Min(samples.Length, BlockLength - used);
            samples[..count].CopyTo(new Span<float>(_last + used, count));
            samples = samples[count..];
            Count += count;
        }
    }

    /// <summary>All samples as one array; none are left here.</summary>
    public float[] Take()
    {
        float[] all = GC.AllocateUninitializedArray<float>(checked((int)Count));
        for (int start = 0; start < all.Length; start += BlockLength)
        {
            nint block = _blocks.Dequeue();
            new ReadOnlySpan<float>((float*)block, Math.Min(BlockLength, all.Length - start)).CopyTo(all.AsSpan(start));
            NativeMemory.Free((void*)block);
        }

        Count = 0;
        return all;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_blocks.TryDequeue(out nint block))
        {
            NativeMemory.Free((void*)block);
        }
    }
}
