namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>
/// What each kernel of a piece of work does: on a real GPU its time, on the emulated driver its bytes, operations and floors.
/// Work that runs as a recorded pass is one launch of a graph, whose kernels are not seen: give the work itself.
/// <code>
///     using GpuProfiler profiler = GpuProfiler.For(device);
///     foreach (KernelUse use in profiler.Run(() => encoder.Forward(state))) ...
/// </code>
/// </summary>
public abstract class GpuProfiler : IDisposable
{
    private protected GpuProfiler()
    {
    }

    /// <summary>The profiler for a device of the library that is loaded.</summary>
    public static GpuProfiler For(GpuDevice device) => CudaLibrary.IsEmulated ? new CountingProfiler(device) : new TimingProfiler(device);

    /// <summary>Runs a piece of work, several times where it is timed, and tells what its kernels did in one run.</summary>
    /// <param name="work">May be run again and again.</param>
    /// <returns>The kernels in the order of their first launches.</returns>
    /// <exception cref="GpuException">The device has failed.</exception>
    public abstract IReadOnlyList<KernelUse> Run(Action work);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs work under the eyes of a watch.</summary>
    private protected static void Watched(GpuDevice device, ILaunchWatch watch, Action work)
    {
        device.Kernels.Watch = watch;
        try
        {
            work();
        }
        finally
        {
            device.Kernels.Watch = null;
        }
    }

    /// <summary>Frees what the profiler took.</summary>
    private protected virtual void Dispose(bool disposing)
    {
    }
}
