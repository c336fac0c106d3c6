using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Tests;

namespace Handwritten.Runtime.Tests;

/// <summary>The demo model on the CPU back end, loaded once for all tests of a class.</summary>
public sealed class DemoModel : IDisposable
{
    private readonly CpuKernels _kernels = new();

    public DemoModel() => Model = WhisperModel.Load(TestData.Weights("whisper-nano"), _kernels);

    public WhisperModel Model { get; }

    public void Dispose()
    {
        Model.Dispose();
        _kernels.Dispose();
    }
}
