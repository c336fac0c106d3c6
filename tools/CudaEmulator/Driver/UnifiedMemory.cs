using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>Whose an address is, as CUmemorytype numbers it.</summary>
internal enum PlaceKind
{
    /// <summary>Memory of the program that the driver knows nothing of.</summary>
    Pageable = 0,

    /// <summary>Page-locked host memory: the device reaches it.</summary>
    PageLocked = 1,

    /// <summary>Device memory.</summary>
    Device = 2,
}

/// <summary>An address, and whose it was when it was looked up.</summary>
/// <param name="Address">On the host and on the device.</param>
/// <param name="Kind">Whose it is.</param>
/// <param name="Ordinal">The device it belongs to.</param>
/// <param name="Allocation">The allocation it lies in; null if <see cref="PlaceKind.Pageable"/>.</param>
internal readonly record struct Place(ulong Address, PlaceKind Kind, int Ordinal, Allocation? Allocation);

/// <summary>
/// All memory that work can name: the devices', page-locked host memory, and the program's own. It is one address space, so
/// that an address alone tells where it points. What lies in an allocation is checked against it, when the work is asked for
/// (as CUDA does) and again when it runs (as it does not): the memory may have been freed in between.
/// </summary>
internal sealed unsafe partial class UnifiedMemory(IReadOnlyList<DeviceMemory> devices)
{
    /// <summary>Looks a range up.</summary>
    /// <param name="address">Its first byte.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="what">What the caller calls it.</param>
    /// <exception cref="CudaException">InvalidValue: it runs out of the allocation that it begins in, or nothing is there.</exception>
    public Place Locate(ulong address, ulong bytes, string what)
    {
        if (TryLocate(address) is { } place)
        {
            Allocation allocation = place.Allocation!;
            CudaException.Require(bytes <= allocation.End - address, CudaResult.InvalidValue,
                $"The {what} 0x{address:x} and its {bytes} bytes run over the end of {allocation}.");
            return place;
        }
        CudaException.Require(IsMapped(address, bytes), CudaResult.InvalidValue,
            $"The bytes at the {what} 0x{address:x} are in no memory: {Describe(address)}.");
        return new Place(address, PlaceKind.Pageable, 0, null);
    }

    /// <summary>Looks a range up that must be device memory or page-locked host memory.</summary>
    /// <exception cref="CudaException">InvalidValue: it is not.</exception>
    public Place LocateOnDevice(ulong address, ulong bytes, string what)
    {
        Place place = Locate(address, bytes, what);
        CudaException.Require(place.Kind != PlaceKind.Pageable, CudaResult.InvalidValue,
            $"The bytes at the {what} 0x{address:x} are not in the device's memory: {Describe(address)}.");
        return place;
    }

    /// <summary>The allocation that holds an address, if one does.</summary>
    public Place? TryLocate(ulong address)
    {
        for (int i = 0; i < devices.Count; i++)
        {
            if (devices[i].Find(address) is { } allocation)
            {
                bool isHost = allocation.Kind is AllocationKind.Host or AllocationKind.Registered;
                return new Place(address, isHost ? PlaceKind.PageLocked : PlaceKind.Device, i, allocation);
            }
        }
        return null;
    }

    /// <summary>One clause on why bytes at an address are in no allocation, about them in the plural.</summary>
    public string Describe(ulong address)
    {
        try
        {
            return devices[0].Use().Describe(address, 1);
        }
        finally
        {
            devices[0].Release();
        }
    }

    /// <summary>Copies bytes; the ranges may overlap.</summary>
    /// <exception cref="DeviceFaultException">IllegalAddress: one of them has been freed since it was looked up.</exception>
    public void Copy(Place destination, Place source, ulong bytes) => WhileNothingIsFreed(() =>
    {
        ThrowIfFreed(destination, bytes, "copy to");
        ThrowIfFreed(source, bytes, "copy from");
        ThrowIfUnwritten(destination, source, bytes);
        Buffer.MemoryCopy((void*)source.Address, (void*)destination.Address, bytes, bytes);
        if (destination.Allocation?.Written is { } written)
        {
            if (source.Allocation?.Written is { } others)
                written.CopyFrom(destination.Address, others, source.Address, (long)bytes);
            else
                written.Add(destination.Address, (long)bytes);
        }
    });

    /// <summary>Writes an element over and over.</summary>
    /// <exception cref="DeviceFaultException">IllegalAddress: the memory has been freed since it was looked up.</exception>
    public void Fill(Place destination, uint value, int elementBytes, ulong count) => WhileNothingIsFreed(() =>
    {
        ThrowIfFreed(destination, count * (ulong)elementBytes, "memset of");
        destination.Allocation?.Written?.Add(destination.Address, (long)count * elementBytes);
        // A span holds no more than 2^31 - 1 elements.
        const ulong Most = 1 << 30;
        for (ulong begin = 0; begin < count; begin += Most)
        {
            void* part = (void*)(destination.Address + begin * (ulong)elementBytes);
            int length = (int)Math.Min(Most, count - begin);
            switch (elementBytes)
            {
                case 1:
                    new Span<byte>(part, length).Fill((byte)value);
                    break;
                case 2:
                    new Span<ushort>(part, length).Fill((ushort)value);
                    break;
                default:
                    new Span<uint>(part, length).Fill(value);
                    break;
            }
        }
    });

    private void WhileNothingIsFreed(Action action)
    {
        foreach (DeviceMemory device in devices)
            device.Use();
        try
        {
            action();
        }
        finally
        {
            foreach (DeviceMemory device in devices)
                device.Release();
        }
    }

    private void ThrowIfFreed(Place place, ulong bytes, string what)
    {
        bool isThere = place.Allocation is { } allocation
            ? devices[place.Ordinal].Find(place.Address) == allocation
            : IsMapped(place.Address, bytes);
        if (!isThere)
        {
            throw new DeviceFaultException(CudaResult.IllegalAddress,
                $"A {what} 0x{place.Address:x}, which lay in {place.Allocation?.ToString() ?? "host memory"} when it was asked for, came after that was freed.");
        }
    }

    // Within devices, bytes that nothing has written may be moved: they stay unwritten. The host would look at them.
    private static void ThrowIfUnwritten(Place destination, Place source, ulong bytes)
    {
        if (destination.Kind != PlaceKind.Device && source.Allocation is { Written: { } written } allocation
            && written.FirstMissing(source.Address, (long)bytes) is { } missing)
        {
            throw new DeviceFaultException(CudaResult.LaunchFailed,
                $"a copy of {bytes} bytes to the host, from 0x{source.Address:x} in {allocation}, reads the byte {missing - allocation.Address} bytes into that, which nothing has written");
        }
    }

    // A pointer of the program's that is not even mapped must become an error, for the process is not to crash. mincore
    // tells without touching the memory.
    private static bool IsMapped(ulong address, ulong bytes)
    {
        const ulong Page = 4096;
        ulong first = address / Page * Page;
        if (bytes == 0)
            return true;
        if (address < Page || address + bytes < address)
            return false;
        byte[] resident = new byte[(address + bytes - first + Page - 1) / Page];
        fixed (byte* vector = resident)
            return PagesInCore((void*)first, (nuint)(address + bytes - first), vector) == 0;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int PagesInCore(void* address, nuint length, byte* resident);
}
