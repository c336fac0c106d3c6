using System.Runtime.InteropServices;
using System.Text;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Devices and what they are like. Devices do not reach each other's memory.</summary>
internal static unsafe class DeviceExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGet))]
    private static CudaResult cuDeviceGet(int* device, int ordinal) => Call(driver => Out(device) = driver.Device(ordinal).Ordinal);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetCount))]
    private static CudaResult cuDeviceGetCount(int* count) => Call(driver => Out(count) = driver.Devices.Count);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetName))]
    private static CudaResult cuDeviceGetName(byte* name, int length, int device) => Call(driver =>
    {
        CudaException.Require(name != null && length > 0, CudaResult.InvalidValue, "There is no room for a name.");
        WriteText(driver.Device(device).Profile.Name, name, length);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetPCIBusId))]
    private static CudaResult cuDeviceGetPCIBusId(byte* id, int length, int device) => Call(driver =>
    {
        CudaException.Require(id != null && length >= 13, CudaResult.InvalidValue, "There is no room for the 13 bytes of a PCI bus id.");
        WriteText($"0000:{driver.Device(device).Ordinal + 1:x2}:00.0", id, length);
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetUuid))]
    private static CudaResult cuDeviceGetUuid(byte* uuid, int device) => Call(driver => WriteUuid(driver, uuid, device));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetUuid_v2))]
    private static CudaResult cuDeviceGetUuid_v2(byte* uuid, int device) => Call(driver => WriteUuid(driver, uuid, device));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceTotalMem_v2))]
    private static CudaResult cuDeviceTotalMem_v2(nuint* bytes, int device) =>
        Call(driver => Out(bytes) = (nuint)driver.Device(device).Profile.MemoryBytes);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetAttribute))]
    private static CudaResult cuDeviceGetAttribute(int* value, int attribute, int device) => Call(driver =>
    {
        EmulatedDevice emulated = driver.Device(device);
        Out(value) = DeviceAttributes.Get(emulated.Profile, attribute, device)
            ?? throw new CudaException(CudaResult.InvalidValue, $"{attribute} is no device attribute.");
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceComputeCapability))]
    private static CudaResult cuDeviceComputeCapability(int* major, int* minor, int device) => Call(driver =>
        (Out(major), Out(minor)) = Math.DivRem(driver.Device(device).Profile.ComputeCapability, 10));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceCanAccessPeer))]
    private static CudaResult cuDeviceCanAccessPeer(int* canAccess, int device, int peer) => Call(driver =>
    {
        (_, _) = (driver.Device(device), driver.Device(peer));
        Out(canAccess) = 0;
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDeviceGetP2PAttribute))]
    private static CudaResult cuDeviceGetP2PAttribute(int* value, int attribute, int source, int destination) => Call(driver =>
    {
        CudaException.Require(driver.Device(source) != driver.Device(destination), CudaResult.InvalidDevice,
            "The two devices of a peer-to-peer attribute are one and the same.");
        CudaException.Require(attribute is >= 1 and <= 4, CudaResult.InvalidValue, $"{attribute} is no peer-to-peer attribute.");
        Out(value) = 0;
    });

    private static void WriteUuid(EmulatedDriver driver, byte* uuid, int device)
    {
        _ = Out(uuid);
        EmulatedDevice emulated = driver.Device(device);
        Span<byte> bytes = new(uuid, 16);
        bytes.Clear();
        "EMULATED"u8.CopyTo(bytes);
        bytes[^2] = (byte)emulated.Profile.ComputeCapability;
        bytes[^1] = (byte)emulated.Ordinal;
    }

    private static void WriteText(string text, byte* buffer, int length)
    {
        Span<byte> bytes = new(buffer, length);
        text = text[..Math.Min(text.Length, length - 1)];
        bytes[Encoding.ASCII.GetBytes(text, bytes)] = 0;
    }
}
