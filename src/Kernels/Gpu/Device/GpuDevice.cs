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
    private readonly Context? _context;
    private readonly CudaAccelerator? _accelerator;
    private readonly CudaStream? _stream;

    /// <summary>Opens a device of the library that <see cref="CudaLibrary"/> has loaded.</summary>
    /// <param name="index">Which of its devices.</param>
    /// <param name="warn">Receives sentences that the user should read: the kernel cache cannot be used.</param>
    /// <exception cref="GpuException">There is no such device.</exception>
    public GpuDevice(int index = 0, Action<string>? warn = null)
    {
        _context = Context.Create(builder => builder.Cuda());
        CudaDevice[] devices = [.. _context.Devices.OfType<CudaDevice>()];
        if ((uint)index >= (uint)devices.Length)
        {
            _context.Dispose();
            throw new GpuException(devices.Length == 0 ? "There is no CUDA device on this machine: choose --device cpu." : $"There is no CUDA device {index}: there are {devices.Length}, counted from 0.");
        }

        _accelerator = devices[index].CreateCudaAccelerator(_context);
        _stream = (CudaStream)_accelerator.CreateStream();
        Name = _accelerator.Name;
        ComputeCapability = (_accelerator.Architecture.Major * 10) + _accelerator.Architecture.Minor;
        KernelTarget target = KernelTarget.For(ComputeCapability, (10 * _accelerator.InstructionSet.Major) + _accelerator.InstructionSet.Minor);
        Kernels = new CudaKernelLoader(_accelerator, target, new KernelCache(KernelCache.UsualFolder, warn ?? (_ => { })));
    }

    private GpuDevice(int computeCapability)
    {
        Name = $"no device, compute capability {computeCapability / 10}.{computeCapability % 10}";
        ComputeCapability = computeCapability;
        Kernels = new OfflineKernelLoader(KernelTarget.For(computeCapability));
    }

    /// <summary>The devices that the library shows that <see cref="CudaLibrary"/> has loaded.</summary>
    public static IReadOnlyList<GpuDescription> List()
    {
        using Context context = Context.Create(builder => builder.Cuda());
        return [.. context.Devices.OfType<CudaDevice>().Select((device, index) => new GpuDescription(
            index, device.Name, ((device.Architecture?.Major ?? 0) * 10) + (device.Architecture?.Minor ?? 0), device.NumMultiprocessors, device.MemorySize))];
    }

    /// <summary>The name that the driver gives it.</summary>
    public string Name { get; }

    /// <summary>Compute capability as one number: 75 for a T4, 90 for an H100.</summary>
    public int ComputeCapability { get; }

    internal CudaAccelerator Accelerator => _accelerator ?? throw NotThere();

    internal CudaStream Stream => _stream ?? throw NotThere();

    internal KernelLoader Kernels { get; }

    /// <summary>
    /// A device that is not there: kernels are compiled for it, and kept by its <see cref="OfflineKernelLoader"/>, but nothing
    /// can be allocated and nothing runs. For looking at what the compiler makes of kernels where there is no GPU.
    /// </summary>
    internal static GpuDevice Offline(int computeCapability) => new(computeCapability);

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernels.Dispose();
        _stream?.Dispose();
        _accelerator?.Dispose();
        _context?.Dispose();
    }

    private InvalidOperationException NotThere() => new($"Kernels can be compiled for {Name}, but nothing can run.");
}

/// <summary>What a GPU is, before it is opened.</summary>
/// <param name="Index">Its number, from 0.</param>
/// <param name="Name">The name that the driver gives it.</param>
/// <param name="ComputeCapability">As one number: 75 for a T4, 90 for an H100.</param>
/// <param name="Multiprocessors">How many it has.</param>
/// <param name="MemoryBytes">The memory that it has.</param>
public sealed record GpuDescription(int Index, string Name, int ComputeCapability, int Multiprocessors, long MemoryBytes)
{
    /// <summary>A line for people.</summary>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{Name}, compute capability {ComputeCapability / 10}.{ComputeCapability % 10}, {Multiprocessors} multiprocessors, {MemoryBytes / (double)(1L << 30):0.0} GiB");
}
