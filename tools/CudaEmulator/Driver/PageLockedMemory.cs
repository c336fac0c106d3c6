using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// Host memory that the devices reach: allocated by the driver, or the program's own and registered. All devices know it, at
/// the address that it has on the host.
/// </summary>
internal sealed class PageLockedMemory(IReadOnlyList<DeviceMemory> devices)
{
    private readonly Lock _guard = new();

    /// <summary>Allocates.</summary>
    /// <exception cref="CudaException">InvalidValue: no bytes. OutOfMemory.</exception>
    public ulong Allocate(ulong bytes)
    {
        CudaException.Require(bytes is > 0 and <= long.MaxValue, CudaResult.InvalidValue, $"{bytes} bytes of host memory cannot be allocated.");
        lock (_guard)
        {
            Allocation allocation = devices[0].TryAllocate((long)bytes, AllocationKind.Host)
                ?? throw new CudaException(CudaResult.OutOfMemory, $"There are no {bytes} bytes of host memory left.");
            foreach (DeviceMemory device in devices.Skip(1))
                device.Register(allocation.Address, allocation.Bytes);
            return allocation.Address;
        }
    }

    /// <summary>Lets the devices reach memory of the program's.</summary>
    /// <exception cref="CudaException">InvalidValue: no bytes, or null. HostMemoryAlreadyRegistered: some of it is.</exception>
    public void Register(ulong address, ulong bytes)
    {
        CudaException.Require(address != 0 && bytes is > 0 and <= long.MaxValue, CudaResult.InvalidValue,
            $"{bytes} bytes at 0x{address:x} cannot be registered.");
        lock (_guard)
        {
            Allocation? other = devices.SelectMany(device => device.Allocations)
                .FirstOrDefault(other => address < other.End && other.Address < address + bytes);
            CudaException.Require(other is null, CudaResult.HostMemoryAlreadyRegistered,
                $"The {bytes} bytes at 0x{address:x} overlap {other}.");
            foreach (DeviceMemory device in devices)
                device.Register(address, (long)bytes);
        }
    }

    /// <summary>Takes back what <see cref="Allocate"/> gave.</summary>
    /// <exception cref="CudaException">InvalidValue: it gave no such thing.</exception>
    public void Free(ulong address) => Remove(address, AllocationKind.Host, new CudaException(CudaResult.InvalidValue,
        $"0x{address:x} is not the address of host memory that the driver allocated."));

    /// <summary>Undoes a <see cref="Register"/>.</summary>
    /// <exception cref="CudaException">HostMemoryNotRegistered.</exception>
    public void Unregister(ulong address) => Remove(address, AllocationKind.Registered, new CudaException(CudaResult.HostMemoryNotRegistered,
        $"0x{address:x} is not the address of host memory that was registered."));

    private void Remove(ulong address, AllocationKind kind, CudaException otherwise)
    {
        lock (_guard)
        {
            if (devices[0].Find(address) is not { } allocation || allocation.Address != address || allocation.Kind != kind)
                throw otherwise;
            // The first device owns the bytes, so it lets go of them last.
            foreach (DeviceMemory device in devices.Reverse())
                device.Free(address);
        }
    }
}
