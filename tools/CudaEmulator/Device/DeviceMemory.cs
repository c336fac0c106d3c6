namespace Handwritten.CudaEmulator.Device;

/// <summary>
/// The device's memory. A device address is the host address of the bytes, so that an access is one instruction once it
/// has been found to lie inside an allocation. Allocations are aligned to 512 bytes, and red zones lie between them.
/// </summary>
public sealed class DeviceMemory
{
}
