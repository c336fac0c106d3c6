using System.Runtime.CompilerServices;
using Handwritten.CudaEmulator.Tests.Native;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Xunit;

// ILGPU writes launchers at run time, and their parameters are structs of ours.
[assembly: InternalsVisibleTo(Context.RuntimeAssemblyName)]

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

/// <summary>
/// ILGPU on the emulated driver. But for the resolver, which has it find our libcuda.so, nothing of ILGPU is changed: kernels
/// are compiled to PTX, loaded, launched and copied to as on a GPU.
/// </summary>
public sealed class IlgpuFixture : IDisposable
{
    private readonly Context _context = CreateContext();

    public IlgpuFixture()
    {
        Hopper = Find("H200").CreateCudaAccelerator(_context);
        Turing = Find("T4").CreateCudaAccelerator(_context);

        // A real GPU stands for both.
        CudaDevice Find(string name) => _context.Devices.OfType<CudaDevice>().First(device => EmulatedLibrary.IsReal || device.Name == $"Emulated NVIDIA {name}");
    }

    /// <summary>A new context of ILGPU's.</summary>
    public static Context CreateContext()
    {
        EmulatedLibrary.GiveToIlgpu();
        return Context.Create(builder => builder.Cuda().Profiling().EnableAlgorithms());
    }

    /// <summary>An emulated H200, sm_90.</summary>
    public CudaAccelerator Hopper { get; }

    /// <summary>An emulated T4, sm_75.</summary>
    public CudaAccelerator Turing { get; }

    /// <summary>The driver's functions, for what ILGPU does not call.</summary>
    internal CudaApi Api { get; } = new(EmulatedLibrary.Handle);

    /// <summary>Runs a kernel with one thread an element.</summary>
    public TOut[] Map<TIn, TOut>(Action<Index1D, ArrayView<TIn>, ArrayView<TOut>> kernel, TIn[] input, int outputLength = 0)
        where TIn : unmanaged
        where TOut : unmanaged
    {
        using MemoryBuffer1D<TIn, Stride1D.Dense> source = Hopper.Allocate1D(input);
        using MemoryBuffer1D<TOut, Stride1D.Dense> target = Hopper.Allocate1D<TOut>(outputLength > 0 ? outputLength : input.Length);
        target.MemSetToZero();
        Hopper.LoadAutoGroupedStreamKernel(kernel)(input.Length, source.View, target.View);
        return target.GetAsArray1D();
    }

    public void Dispose()
    {
        Hopper.Dispose();
        Turing.Dispose();
        _context.Dispose();
    }
}

/// <summary>Tests that share the accelerators run one after another.</summary>
[CollectionDefinition(nameof(IlgpuTests))]
public sealed class IlgpuTests : ICollectionFixture<IlgpuFixture>;
