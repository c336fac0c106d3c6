using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// An opened GPU: ILGPU's accelerator, the one stream on which all work is queued in the order of the calls, and the
/// kernels that have been loaded.
/// </summary>
public sealed class GpuDevice : IDisposable
{
    private readonly Context _context;

    /// <summary>Opens a device of the library that <see cref="CudaLibrary"/> has loaded.</summary>
    /// <param name="index">Which of its devices.</param>
    /// <exception cref="GpuException">There is no such device.</exception>
    public GpuDevice(int index = 0)
    {
        _context = Context.Create(builder => builder.Cuda().EnableAlgorithms());
        CudaDevice[] devices = [.. _context.Devices.OfType<CudaDevice>()];
        if ((uint)index >= (uint)devices.Length)
        {
            _context.Dispose();
            throw new GpuException(devices.Length == 0 ? "There is no CUDA device on this machine: choose --device cpu." : $"There is no CUDA device {index}: there are {devices.Length}, counted from 0.");
        }

        Accelerator = devices[index].CreateCudaAccelerator(_context);
        Stream = (CudaStream)Accelerator.CreateStream();
        Kernels = new KernelLoader(Accelerator);
    }

    /// <summary>The name that the driver gives it.</summary>
    public string Name => Accelerator.Name;

    /// <summary>Compute capability as one number: 75 for a T4, 90 for an H100.</summary>
    public int ComputeCapability => (Accelerator.Architecture.Major * 10) + Accelerator.Architecture.Minor;

    internal CudaAccelerator Accelerator { get; }

    internal CudaStream Stream { get; }

    internal KernelLoader Kernels { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernels.Dispose();
        Stream.Dispose();
        Accelerator.Dispose();
        _context.Dispose();
    }
}
