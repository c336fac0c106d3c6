namespace Handwritten.Kernels.Cpu;

/// <summary>
/// Working memory of the kernels: one block for each member of the team, one block more that all of them share. It
/// grows to what the largest operation so far needed and is then used again and again.
/// </summary>
internal sealed unsafe class Scratch(int members) : IDisposable
{
    // Blocks start on different cache sets: at a multiple of 4096 bytes they would fight for the same ones.
    private const long Stagger = 64 + 16;

    private NativeBuffer? _own;
    private NativeBuffer? _shared;
    private long _stride;

    /// <summary>Makes sure that each member has <paramref name="floats"/> floats of its own.</summary>
    /// <exception cref="OutOfMemoryException">There are not as many.</exception>
    public ScratchBlocks Reserve(long floats)
    {
        if (_own is null || _stride < floats)
        {
            _own?.Dispose();
            _own = null; // and stays so if there is not as much memory
            _stride = ((floats + 1023) / 1024 * 1024) + Stagger;
            _own = new NativeBuffer(members * _stride * sizeof(float));
        }

        return new ScratchBlocks(_own.Floats, _stride);
    }

    /// <summary>Memory that all members see.</summary>
    /// <exception cref="OutOfMemoryException">There is not as much.</exception>
    public float* ReserveShared(long floats)
    {
        if (_shared is null || _shared.ByteCount < floats * sizeof(float))
        {
            _shared?.Dispose();
            _shared = null;
            _shared = new NativeBuffer(floats * sizeof(float));
        }

        return _shared.Floats;
    }

    public void Dispose()
    {
        _own?.Dispose();
        _shared?.Dispose();
        _own = _shared = null;
    }
}

/// <summary>Where each member's block lies.</summary>
internal readonly unsafe struct ScratchBlocks(float* first, long stride)
{
    public float* this[int member] => first + (member * stride);
}
