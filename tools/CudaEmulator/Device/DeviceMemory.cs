using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Handwritten.CudaEmulator.Device;

/// <summary>What an <see cref="Allocation"/> is for.</summary>
public enum AllocationKind
{
    /// <summary>Device memory of cuMemAlloc and the like.</summary>
    Device,

    /// <summary>A .global or .const variable of a module.</summary>
    Variable,

    /// <summary>Page-locked host memory that the driver allocated.</summary>
    Host,

    /// <summary>The program's own memory, page-locked by cuMemHostRegister.</summary>
    Registered,
}

/// <summary>A range of addresses that kernels may touch.</summary>
/// <param name="Number">1 for the first of the process; reports name allocations by it.</param>
/// <param name="Address">First byte; host address and device address at once.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Kind">What it is for.</param>
/// <param name="Name">A variable's name; otherwise null.</param>
public sealed record Allocation(int Number, ulong Address, long Bytes, AllocationKind Kind, string? Name)
{
    /// <summary>One past the last byte.</summary>
    public ulong End => Address + (ulong)Bytes;

    /// <summary>Which bytes have been written; null if that is not tracked.</summary>
    public AllocationBytes? Written { get; init; }

    /// <summary>For reports: <c>allocation 7 (4096 bytes at 0x7f12…)</c>.</summary>
    public override string ToString() => Name is null
        ? $"allocation {Number} ({Bytes} bytes at 0x{Address:x})"
        : $"variable {Name} ({Bytes} bytes at 0x{Address:x})";
}

/// <summary>
/// The device's memory. A device address is the host address of the bytes, so that an access is one instruction once it
/// has been found to lie inside an allocation. Allocations are aligned to 512 bytes, and red zones lie between them:
///
///     │ red zone │ 512-aligned bytes of the allocation … │ red zone │
///
/// A running grid works on a <see cref="MemoryMap"/>, a sorted copy of the ranges. While a map is in use nothing is given
/// back to the system: a kernel that uses freed memory is wrong, but it must not bring the process down.
/// </summary>
/// <param name="capacity">Device memory, in bytes.</param>
public sealed unsafe class DeviceMemory(long capacity) : IDisposable
{
    /// <summary>Allocations begin at multiples of this, as CUDA's do; it is also the width of a red zone.</summary>
    public const int Alignment = 512;

    private readonly Lock _guard = new();
    private readonly SortedList<ulong, Allocation> _allocations = [];
    private readonly Dictionary<ulong, nint> _blocks = []; // what calloc returned, by allocation address
    private readonly List<nint> _graveyard = []; // blocks freed while a map was in use
    private readonly Queue<Allocation> _freed = new(); // the latest ones, for reports
    private MemoryMap? _map;
    private int _mapsInUse;
    private int _serial;
    private long _used;

    /// <summary>
    /// Whether allocations of device memory keep track of the bytes that have been written. Variables begin as zeros, and
    /// host memory is the program's to write, so these do not.
    /// </summary>
    public bool TracksWrites { get; init; }

    /// <summary>All device memory, in bytes.</summary>
    public long TotalBytes => capacity;

    /// <summary>Device memory that is not allocated, in bytes.</summary>
    public long FreeBytes
    {
        get
        {
            lock (_guard)
            {
                return capacity - _used;
            }
        }
    }

    /// <summary>What is allocated now, by address.</summary>
    public IReadOnlyList<Allocation> Allocations
    {
        get
        {
            lock (_guard)
            {
                return [.. _allocations.Values];
            }
        }
    }

    /// <summary>Allocates zeroed memory; null if the device (or the machine) has not that much left.</summary>
    public Allocation? TryAllocate(long bytes, AllocationKind kind = AllocationKind.Device, string? name = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_guard)
        {
            bool counts = kind is AllocationKind.Device or AllocationKind.Variable;
            if (counts && bytes > capacity - _used)
            {
                return null;
            }

            nint block;
            try
            {
                block = (nint)NativeMemory.AllocZeroed((nuint)bytes + 3 * Alignment);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }

            ulong address = ((ulong)block + 2 * Alignment - 1) / Alignment * Alignment;
            Allocation allocation = new(++_serial, address, bytes, kind, name)
            {
                Written = TracksWrites && kind == AllocationKind.Device ? new(address, bytes) : null,
            };
            _allocations.Add(address, allocation);
            _blocks.Add(address, block);
            _used += counts ? bytes : 0;
            _map = null;
            return allocation;
        }
    }

    /// <summary>Lets kernels use memory that belongs to the program.</summary>
    public Allocation Register(ulong address, long bytes)
    {
        lock (_guard)
        {
            Allocation allocation = new(++_serial, address, bytes, AllocationKind.Registered, null);
            _allocations.Add(address, allocation);
            _map = null;
            return allocation;
        }
    }

    /// <summary>Takes back an allocation or a registration; false if none begins at <paramref name="address"/>.</summary>
    public bool Free(ulong address)
    {
        lock (_guard)
        {
            if (!_allocations.Remove(address, out Allocation? allocation))
            {
                return false;
            }

            _used -= allocation.Kind is AllocationKind.Device or AllocationKind.Variable ? allocation.Bytes : 0;
            _freed.Enqueue(allocation);
            if (_freed.Count > 256)
            {
                _freed.Dequeue();
            }

            _map = null;
            if (_blocks.Remove(address, out nint block))
            {
                _graveyard.Add(block);
                Bury();
            }

            return true;
        }
    }

    /// <summary>
    /// The allocation that holds all of [<paramref name="address"/>, <paramref name="address"/> + <paramref name="bytes"/>),
    /// or null.
    /// </summary>
    public Allocation? Find(ulong address, long bytes = 1)
    {
        lock (_guard)
        {
            _map ??= new([.. _allocations.Values], [.. _freed]);
            int index = _map.IndexOf(address);
            return index >= 0 && bytes <= (long)(_map.End[index] - address) ? _map.Allocations[index] : null;
        }
    }

    /// <summary>The ranges as they are now. Give the map back by <see cref="Release"/>.</summary>
    internal MemoryMap Use()
    {
        lock (_guard)
        {
            _mapsInUse++;
            return _map ??= new([.. _allocations.Values], [.. _freed]);
        }
    }

    /// <summary>Ends a <see cref="Use"/>.</summary>
    internal void Release()
    {
        lock (_guard)
        {
            _mapsInUse--;
            Bury();
        }
    }

    /// <summary>Gives everything back.</summary>
    public void Dispose()
    {
        lock (_guard)
        {
            _graveyard.AddRange(_blocks.Values);
            _blocks.Clear();
            _allocations.Clear();
            _map = null;
            _used = 0;
            Bury();
        }
    }

    private void Bury()
    {
        if (_mapsInUse > 0)
        {
            return;
        }

        foreach (nint block in _graveyard)
        {
            NativeMemory.Free((void*)block);
        }

        _graveyard.Clear();
    }
}

/// <summary>The allocations at one moment, by address, in arrays that an access check reads quickly.</summary>
internal sealed class MemoryMap
{
    private readonly Allocation[] _freed;

    public MemoryMap(Allocation[] allocations, Allocation[] freed)
    {
        _freed = freed;
        Allocations = allocations;
        Start = [.. allocations.Select(a => a.Address)];
        End = [.. allocations.Select(a => a.End)];
    }

    public Allocation[] Allocations { get; }

    public ulong[] Start { get; }

    public ulong[] End { get; }

    /// <summary>Index of the allocation that holds the byte at <paramref name="address"/>; -1 if none does.</summary>
    public int IndexOf(ulong address)
    {
        int index = Array.BinarySearch(Start, address);
        index = index >= 0 ? index : ~index - 1;
        return index >= 0 && address < End[index] ? index : -1;
    }

    /// <summary>The allocation that holds the byte at <paramref name="address"/>; null if none does.</summary>
    /// <param name="address">The byte's address.</param>
    /// <param name="likely">Index of the allocation to look at first; any number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Allocation? Find(ulong address, int likely)
    {
        int index = (uint)likely < (uint)Start.Length && address >= Start[likely] && address < End[likely] ? likely : IndexOf(address);
        return index >= 0 ? Allocations[index] : null;
    }

    /// <summary>
    /// One clause on why <paramref name="bytes"/> at <paramref name="address"/> are in no allocation: what lies nearest, or
    /// what was freed there.
    /// </summary>
    public string Describe(ulong address, int bytes)
    {
        if (IndexOf(address) is >= 0 and var index)
        {
            return $"they run {address + (ulong)bytes - End[index]} bytes over the end of {Allocations[index]}";
        }

        if (_freed.LastOrDefault(a => a.Address <= address && address < a.End) is { } gone)
        {
            return $"they lie in {gone}, which has been freed";
        }

        if (address < 0x10000)
        {
            return "the address is null or close to it";
        }

        Allocation? before = Allocations.LastOrDefault(a => a.Address <= address);
        Allocation? after = Allocations.FirstOrDefault(a => a.Address > address);
        ulong pastEnd = before is null ? ulong.MaxValue : address - before.End;
        ulong beforeStart = after is null ? ulong.MaxValue : after.Address - address;
        return Math.Min(pastEnd, beforeStart) > 1 << 30 ? "no allocation is near it"
            : pastEnd <= beforeStart ? $"they lie {pastEnd} bytes past the end of {before}"
            : $"they lie {beforeStart} bytes before {after}";
    }
}
