using System.Globalization;
using System.Runtime.InteropServices;
using Handwritten.Kernels.Gpu.Compilation;

namespace Handwritten.Kernels.Gpu;

/// <summary>What a GPU is, before it is opened.</summary>
/// <param name="Index">Its number, from 0.</param>
/// <param name="Name">The name that the driver gives it.</param>
/// <param name="ComputeCapability">As one number: 75 for a T4, 90 for an H100.</param>
/// <param name="Multiprocessors">How many it has.</param>
/// <param name="MemoryBytes">The memory that it has.</param>
public sealed record GpuDescription(int Index, string Name, int ComputeCapability, int Multiprocessors, long MemoryBytes)
{
    private const int MultiprocessorCount = 16, ComputeCapabilityMajor = 75, ComputeCapabilityMinor = 76; // CUdevice_attribute
    private const int NoDevice = 100; // CUDA_ERROR_NO_DEVICE
    private const int NameLength = 256;

    /// <summary>Whether kernels can be compiled for it.</summary>
    public bool IsUsable => ComputeCapability >= KernelTarget.OldestArchitecture;

    /// <summary>The driver's handle.</summary>
    internal int Handle { get; private init; }

    /// <summary>Memory that nobody uses. Opens the device for a moment, which takes some 0.2 s.</summary>
    /// <exception cref="GpuException">It cannot be opened.</exception>
    public long FreeBytes()
    {
        CudaDriver.Check(CudaDriver.CreateContext(out nint context, 0, Handle), "cuCtxCreate");
        try
        {
            CudaDriver.Check(CudaDriver.MemoryInfo(out nuint free, out _), "cuMemGetInfo");
            return (long)free;
        }
        finally
        {
            _ = CudaDriver.DestroyContext(context);
        }
    }

    /// <summary>The device whose number or part of whose name is given: "1", "T4".</summary>
    /// <param name="choice">A number from 0, or a part of a name in any case; the first device that has it counts.</param>
    /// <exception cref="GpuException">There is none: the message lists those that there are.</exception>
    public static GpuDescription Find(string choice) => Find(List(), choice);

    /// <summary>A line for people.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}, compute capability {ComputeCapability / 10}.{ComputeCapability % 10}, {Multiprocessors} multiprocessors, {MemoryBytes / (double)(1L << 30):0.0} GiB{(IsUsable ? "" : " (too old)")}");

    internal static GpuDescription Find(IReadOnlyList<GpuDescription> devices, string choice) =>
        devices.FirstOrDefault(device => int.TryParse(choice, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? device.Index == index
            : device.Name.Contains(choice, StringComparison.OrdinalIgnoreCase))
        ?? throw new GpuException(devices.Count == 0
            ? "There is no CUDA device on this machine: choose --device cpu."
            : $"There is no CUDA device '{choice}'; there is {string.Join(", ", devices.Select(device => $"{device.Index} ({device.Name})"))}.");

    /// <summary>The devices that the driver shows.</summary>
    internal static unsafe IReadOnlyList<GpuDescription> List()
    {
        int result = CudaDriver.Initialize(0);
        if (result == NoDevice)
        {
            return [];
        }

        CudaDriver.Check(result, "cuInit");
        CudaDriver.Check(CudaDriver.DeviceCount(out int count), "cuDeviceGetCount");
        GpuDescription[] devices = new GpuDescription[count];
        byte* name = stackalloc byte[NameLength];
        for (int i = 0; i < count; i++)
        {
            CudaDriver.Check(CudaDriver.Device(out int device, i), "cuDeviceGet");
            CudaDriver.Check(CudaDriver.DeviceName(name, NameLength, device), "cuDeviceGetName");
            CudaDriver.Check(CudaDriver.DeviceMemory(out nuint memory, device), "cuDeviceTotalMem");
            int computeCapability = (10 * Attribute(ComputeCapabilityMajor, device)) + Attribute(ComputeCapabilityMinor, device);
            devices[i] = new GpuDescription(i, Marshal.PtrToStringUTF8((nint)name)!, computeCapability, Attribute(MultiprocessorCount, device), (long)memory) { Handle = device };
        }

        return devices;
    }

    /// <summary>Refuses a device that is too old.</summary>
    internal void RequireUsable()
    {
        if (!IsUsable)
        {
            throw new GpuException($"{Name} is too old: it has compute capability {ComputeCapability / 10}.{ComputeCapability % 10}, and 7.5 is the least (GeForce RTX 20, T4). Choose --device cpu.");
        }
    }

    private static int Attribute(int attribute, int device)
    {
        CudaDriver.Check(CudaDriver.DeviceAttribute(out int value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }
}
