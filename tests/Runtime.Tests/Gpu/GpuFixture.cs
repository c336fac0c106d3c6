using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>The demo model on the CPU back end, and on the CUDA one: on the emulated driver with all its checks, or on a real GPU.</summary>
public sealed class GpuFixture : IDisposable
{
    private readonly CpuKernels _cpu = new(), _int8 = new(hasInt8Weights: true);
    private readonly Dictionary<ComputeType, (IKernels Kernels, WhisperModel Model)> _opened = [];
    private readonly int _findings;

    public GpuFixture()
    {
        EmulatedDriver.Use();
        _findings = EmulatedDriver.Findings;
        Cpu = WhisperModel.Load(TestData.Weights("whisper-nano"), _cpu);
        CpuInt8 = WhisperModel.Load(TestData.Weights("whisper-nano"), _int8);
    }

    public WhisperModel Cpu { get; }

    /// <summary>The same with int8 weights.</summary>
    public WhisperModel CpuInt8 { get; }

    public WhisperModel Open(ComputeType type)
    {
        if (!_opened.TryGetValue(type, out (IKernels Kernels, WhisperModel Model) opened))
        {
            IKernels kernels = GpuKernels.Create(new GpuDevice(), type);
            _opened[type] = opened = (kernels, WhisperModel.Load(TestData.Weights("whisper-nano"), kernels));
        }

        return opened.Model;
    }

    public void Dispose()
    {
        foreach ((IKernels kernels, WhisperModel model) in _opened.Values)
        {
            model.Dispose();
            kernels.Dispose();
        }

        Cpu.Dispose();
        CpuInt8.Dispose();
        _cpu.Dispose();
        _int8.Dispose();
        Assert.Equal(_findings, EmulatedDriver.Findings); // leaks included
    }
}

/// <summary>Tests that share the GPU run one after another.</summary>
[CollectionDefinition(nameof(GpuTests))]
public sealed class GpuTests : ICollectionFixture<GpuFixture>;
