using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// An opened GPU: ILGPU's accelerator, the one stream on which all work is queued in the order of the calls, its memory, and
/// the kernels that have been loaded.
/// </summary>
public sealed class GpuDevice : IDisposable
{
    private readonly Context? _context;
    private readonly CudaAccelerator? _accelerator;
    private readonly CudaStream? _stream;
    private readonly GpuMemory? _memory;

    /// <summary>Opens a device of the library that <see cref="CudaLibrary"/> has loaded.</summary>
    /// <param name="index">Which of its devices; <see cref="GpuDescription.Find(string)"/> finds one by its name.</param>
    /// <param name="warn">Receives sentences that the user should read: the kernel cache cannot be used.</param>
    /// <exception cref="GpuException">There is no such device, or it or its driver is too old.</exception>
    public GpuDevice(int index = 0, Action<string>? warn = null)
        : this(index, KernelCache.UsualFolder, warn)
    {
    }

    internal GpuDevice(int index, string? kernelFolder, Action<string>? warn = null)
    {
        IReadOnlyList<GpuDescription> devices = List();
        if ((uint)index >= (uint)devices.Count)
        {
            throw new GpuException(devices.Count == 0 ? "There is no CUDA device on this machine: choose --device cpu." : $"There is no CUDA device {index}: there are {devices.Count}, counted from 0.");
        }

        GpuDescription description = devices[index];
        description.RequireUsable();
        (Name, ComputeCapability) = (description.Name, description.ComputeCapability);
        try
        {
            _context = Context.Create(builder => builder.Cuda(device => device.DeviceId == description.Handle));
            CudaDevice device = _context.Devices.OfType<CudaDevice>().Single();
            CudaInstructionSet newest = device.InstructionSet
                ?? throw new GpuException($"The NVIDIA driver is too old for {Name}: it is of CUDA {device.DriverVersion}, update it.");
            _accelerator = device.CreateCudaAccelerator(_context);
            _stream = (CudaStream)_accelerator.CreateStream();
            (Multiprocessors, ThreadsAtOnce) = (_accelerator.NumMultiprocessors, _accelerator.MaxNumThreads);
            _memory = new GpuMemory(_accelerator);
            HopperFeatures hopper = HopperVariable.Read();
            CanLaunchEarly = EarlyLaunches.AreSupported(ComputeCapability);
            LaunchesEarly = CanLaunchEarly && hopper.HasFlag(HopperFeatures.EarlyLaunches);
            MultipliesByWarpgroups = hopper.HasFlag(HopperFeatures.Warpgroups);
            KernelTarget target = KernelTarget.For(ComputeCapability, (10 * newest.Major) + newest.Minor);
            Kernels = new CudaKernelLoader(_accelerator, target, new KernelCache(kernelFolder, warn ?? (_ => { })));
        }
        catch (CudaException exception)
        {
            Dispose();
            throw CudaDriver.Failure(exception, $"opening {Name}");
        }
        catch (GpuException)
        {
            Dispose();
            throw;
        }
    }

    private GpuDevice(int computeCapability, Func<KernelRequest, KernelText> compile)
    {
        Name = $"no device, compute capability {computeCapability / 10}.{computeCapability % 10}";
        ComputeCapability = computeCapability;
        (Multiprocessors, ThreadsAtOnce) = (1, 1024);
        Kernels = new OfflineKernelLoader(compile);
    }

    /// <summary>The devices that the library shows that <see cref="CudaLibrary"/> has loaded.</summary>
    /// <exception cref="GpuException">The driver does not work.</exception>
    public static IReadOnlyList<GpuDescription> List() => GpuDescription.List();

    /// <summary>The name that the driver gives it.</summary>
    public string Name { get; }

    /// <summary>Compute capability as one number: 75 for a T4, 90 for an H100.</summary>
    public int ComputeCapability { get; }

    /// <summary>How many multiprocessors it has.</summary>
    public int Multiprocessors { get; }

    /// <summary>The most threads that it holds at a time.</summary>
    public int ThreadsAtOnce { get; }

    /// <summary>Whether device and driver can let a graph's kernels begin before those in front have ended.</summary>
    public bool CanLaunchEarly { get; }

    /// <summary>
    /// Whether the kernels of graphs that are recorded from now on may do so; at first as the environment says:
    /// <see cref="HopperFeatures"/>.
    /// </summary>
    public bool LaunchesEarly { get; set; }

    /// <summary>Whether products are made by wgmma where the device has it: <see cref="HopperFeatures"/>.</summary>
    internal bool MultipliesByWarpgroups { get; init; }

    /// <summary>Kernels that have been compiled since it was opened, and did not come out of the cache.</summary>
    public int CompiledKernels => (Kernels as CudaKernelLoader)?.CompiledCount ?? 0;

    /// <summary>Its memory.</summary>
    public GpuMemory Memory => _memory ?? throw NotThere();

    internal CudaAccelerator Accelerator => _accelerator ?? throw NotThere();

    internal CudaStream Stream => _stream ?? throw NotThere();

    internal KernelLoader Kernels { get; } = null!; // null only where the constructor fails

    /// <summary>
    /// A device that is not there: kernels are compiled for it, and kept by its <see cref="OfflineKernelLoader"/>, but nothing
    /// can be allocated and nothing runs. For looking at what the compiler makes of kernels where there is no GPU.
    /// </summary>
    /// <param name="computeCapability">Of the device that is not there.</param>
    /// <param name="compile">Compiles a kernel, such as <see cref="KernelCompiler.Compile"/>.</param>
    internal static GpuDevice Offline(int computeCapability, Func<KernelRequest, KernelText> compile) => new(computeCapability, compile);

    /// <summary>Makes the device the one that the driver's functions work on in this thread.</summary>
    internal void Bind() => Accelerator.Bind();

    /// <summary>Waits until all that is queued has run.</summary>
    /// <exception cref="GpuException">The device has failed.</exception>
    internal void Synchronize()
    {
        Bind();
        CudaDriver.Check(CudaDriver.Synchronize(Stream.StreamPtr), "cuStreamSynchronize");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernels?.Dispose();
        _memory?.Release();
        if (_stream is not null)
        {
            CudaDriver.Free(_stream);
        }

        if (_accelerator is not null)
        {
            CudaDriver.Free(_accelerator);
        }

        _context?.Dispose();
    }

    private InvalidOperationException NotThere() => new($"Kernels can be compiled for {Name}, but nothing can run.");
}
