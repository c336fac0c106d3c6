using System.Numerics;
using System.Runtime.InteropServices;

namespace Handwritten.CudaEmulator.Counters;

/// <summary>A set of 32-byte sectors of memory: for every kilobyte touched, a bit for each of its 32 sectors.</summary>
internal sealed class SectorSet
{
    /// <summary>A sector's bytes: the least that a GPU's memory moves.</summary>
    public const int SectorBytes = 32;

    private readonly Dictionary<ulong, uint> _pages = [];

    /// <summary>Bytes of all sectors in the set.</summary>
    public long Bytes => _pages.Values.Sum(p => (long)BitOperations.PopCount(p)) * SectorBytes;

    /// <summary>Adds the sector of a number (address / 32).</summary>
    public void Add(ulong sector) => Add(sector >> 5, 1u << (int)(sector & 31));

    /// <summary>Adds all of another set.</summary>
    public void Add(SectorSet other)
    {
        foreach ((ulong page, uint sectors) in other._pages)
        {
            Add(page, sectors);
        }
    }

    private void Add(ulong page, uint sectors) => CollectionsMarshal.GetValueRefOrAddDefault(_pages, page, out _) |= sectors;
}
