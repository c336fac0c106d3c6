using System.Text;
using System.Text.Json;

namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>The emulated driver's counters, by two functions that it has beyond CUDA's; see tools/CudaEmulator/README.md.</summary>
internal sealed unsafe class EmulatorCounts
{
    private readonly delegate* unmanaged<int> _reset = (delegate* unmanaged<int>)Function("handwrittenEmulatorProfileReset");
    private readonly delegate* unmanaged<byte*, int> _write = (delegate* unmanaged<byte*, int>)Function("handwrittenEmulatorProfileWrite");

    /// <summary>Begins at zero, after all work that has been asked for.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public void Reset() => CudaDriver.Check(_reset(), "handwrittenEmulatorProfileReset");

    /// <summary>What has been counted since, kernel by kernel, after all work that has been asked for.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    public JsonDocument Read()
    {
        string file = Path.GetTempFileName();
        try
        {
            fixed (byte* path = Encoding.UTF8.GetBytes(file + "\0"))
            {
                CudaDriver.Check(_write(path), "handwrittenEmulatorProfileWrite");
            }

            return JsonDocument.Parse(File.ReadAllBytes(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static nint Function(string name) => CudaLibrary.Function(name) is var address and not 0
        ? address
        : throw new GpuException($"The emulated CUDA driver has no {name}: build it again with tools/CudaEmulator/build.sh.");
}
