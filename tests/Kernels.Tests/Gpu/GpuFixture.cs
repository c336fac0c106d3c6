using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>The CUDA back end on the emulated driver: one for each device and compute type, opened when first asked for.</summary>
public sealed class GpuFixture : IDisposable
{
    private readonly Dictionary<(string Device, ComputeType Type), IKernels> _opened = [];

    public GpuFixture()
    {
        LaunchCounters.Collect();
        EmulatedDriver.Use();
    }

    /// <summary>Every combination of device and compute type that works, as theory data.</summary>
    public static TheoryData<string, ComputeType> All => EmulatedDriver.IsReal ? OfTheGpu : Emulated;

    private static TheoryData<string, ComputeType> OfTheGpu => new()
    {
        { "gpu", ComputeType.Float32 },
        { "gpu", ComputeType.Float16 },
        { "gpu", ComputeType.BFloat16 },
    };

    private static TheoryData<string, ComputeType> Emulated => new()
    {
        { "h200", ComputeType.Float32 },
        { "h200", ComputeType.Float16 },
        { "h200", ComputeType.BFloat16 },
        { "t4", ComputeType.Float32 },
        { "t4", ComputeType.Float16 },
    };

    /// <summary>Those with int8 weights, as theory data.</summary>
    public static TheoryData<string, ComputeType> Int8 => EmulatedDriver.IsReal ? Int8OfTheGpu : Int8Emulated;

    /// <summary>Every combination, with int8 weights and without.</summary>
    public static TheoryData<string, ComputeType> AllWithInt8
    {
        get
        {
            TheoryData<string, ComputeType> all = [];
            foreach (object[] opened in All.Concat(Int8))
            {
                all.Add((string)opened[0], (ComputeType)opened[1]);
            }

            return all;
        }
    }

    private static TheoryData<string, ComputeType> Int8OfTheGpu => new()
    {
        { "gpu", ComputeType.Int8Float32 },
        { "gpu", ComputeType.Int8Float16 },
        { "gpu", ComputeType.Int8BFloat16 },
    };

    private static TheoryData<string, ComputeType> Int8Emulated => new()
    {
        { "h200", ComputeType.Int8Float32 },
        { "h200", ComputeType.Int8Float16 },
        { "h200", ComputeType.Int8BFloat16 },
        { "t4", ComputeType.Int8Float16 },
    };

    /// <summary>A Hopper whose products are made by wgmma, with the compute types that have it.</summary>
    public static TheoryData<string, ComputeType> Warpgroups => new()
    {
        { Hopper, ComputeType.Float16 },
        { Hopper, ComputeType.BFloat16 },
    };

    /// <summary>The name of that device; a real GPU that is no Hopper goes on with mma.sync.</summary>
    internal const string Hopper = "h200 by wgmma";

    /// <summary>The CPU back end, to compare with.</summary>
    public IKernels Cpu { get; } = new CpuKernels();

    /// <summary>The CUDA back end.</summary>
    public IKernels Open(string device, ComputeType type)
    {
        if (!_opened.TryGetValue((device, type), out IKernels? kernels))
        {
            int index = Math.Max(0, EmulatedDriver.Devices.ToList().IndexOf(device.Split(' ')[0])); // a real GPU stands for each of them
            _opened[(device, type)] = kernels = GpuKernels.Create(new GpuDevice(index) { MultipliesByWarpgroups = device == Hopper }, type);
        }

        return kernels;
    }

    /// <summary>A device of the test's own, of the first kind there is.</summary>
    internal static GpuDevice NewDevice()
    {
        EmulatedDriver.Use();
        return new GpuDevice();
    }

    public void Dispose()
    {
        foreach (IKernels kernels in _opened.Values)
        {
            kernels.Dispose();
        }

        Cpu.Dispose();
    }
}

/// <summary>Tests that share the devices run one after another.</summary>
[CollectionDefinition(nameof(GpuTests))]
public sealed class GpuTests : ICollectionFixture<GpuFixture>;
