using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Profiling;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class ProfilerTests(GpuFixture gpu)
{
    private const int Rows = 33, Width = 64;

    [Fact]
    public void Every_launch_is_timed_by_events()
    {
        using Work work = new((IGpuKernels)gpu.Open("h200", ComputeType.Float16));
        using TimingProfiler profiler = new(work.Kernels.Device);
        AssertLaunches(profiler.Run(work.Run));
        IReadOnlyList<KernelUse> uses = profiler.Run(work.Run);
        AssertLaunches(uses);
        Assert.All(uses, use => Assert.True(use is { Microseconds: >= 0 and < 1e7, Bytes: null, Flops: null, Floors.Count: 0 }));
    }

    [CountersFact]
    public void Every_launch_is_counted_by_the_emulator()
    {
        using Work work = new((IGpuKernels)gpu.Open("h200", ComputeType.Float16));
        using CountingProfiler profiler = new(work.Kernels.Device);
        IReadOnlyList<KernelUse> uses = profiler.Run(work.Run);
        AssertLaunches(uses);

        // float32 rows in, float16 rows out, gain and bias; twice.
        Assert.Equal(2 * ((Rows * Width * (4 + 2)) + (2 * Width * 4)), uses[0].Bytes);
        Assert.True(uses[0].Flops > 0);
        Assert.Null(uses[0].Microseconds);
        double floor = uses[0].Bytes!.Value / 4800e9 * 1e6;
        Assert.Equal(("memory", floor), (uses[0].Floors["h200"].Wall, uses[0].Floors["h200"].Microseconds), new Nearly());
        Assert.Equal(uses, profiler.Run(work.Run), new SameCounts());
    }

    [Fact]
    public void Launches_outside_of_the_profiled_work_are_not_seen()
    {
        using Work work = new((IGpuKernels)gpu.Open("h200", ComputeType.Float16));
        using GpuProfiler profiler = GpuProfiler.For(work.Kernels.Device);
        work.Run();
        Assert.Empty(profiler.Run(() => { }));
        Assert.Throws<InvalidOperationException>(() => profiler.Run(() => throw new InvalidOperationException()));
        work.Run();
        AssertLaunches(profiler.Run(work.Run));
    }

    private static void AssertLaunches(IReadOnlyList<KernelUse> uses) => Assert.Equal(
        [("LayerNormalization<Float16>.LayerNormKernel", 2), ("WindowCopy<Float16>.WindowCopyKernel", 1)],
        uses.Select(use => (use.Kernel, use.Launches)));

    private sealed class Nearly : IEqualityComparer<(string Wall, double Floor)>
    {
        public bool Equals((string Wall, double Floor) a, (string Wall, double Floor) b) => a.Wall == b.Wall && Math.Abs(a.Floor - b.Floor) <= 1e-9 * b.Floor;

        public int GetHashCode((string Wall, double Floor) pair) => 0;
    }

    private sealed class SameCounts : IEqualityComparer<KernelUse>
    {
        public bool Equals(KernelUse? a, KernelUse? b) => (a?.Kernel, a?.Launches, a?.Bytes, a?.Flops) == (b?.Kernel, b?.Launches, b?.Bytes, b?.Flops);

        public int GetHashCode(KernelUse use) => 0;
    }

    /// <summary>Two kernels, one of them launched twice.</summary>
    private sealed class Work : IDisposable
    {
        private readonly Norm _norm;
        private readonly Tensor _x, _y, _window;

        public Work(IGpuKernels kernels)
        {
            Kernels = kernels;
            _norm = new Norm(Make.Table(kernels, Make.Values(1, Width), Width), Make.Table(kernels, Make.Values(2, Width), Width));
            _x = kernels.AllocateSingle(Rows, Width);
            _y = kernels.Allocate(Rows, Width);
            _window = kernels.Allocate(1, Rows, Width);
            kernels.Write(Make.Values(3, Rows, Width), _x);
        }

        public IGpuKernels Kernels { get; }

        public void Run()
        {
            Kernels.LayerNorm(Rows, _x, _norm, _y);
            Kernels.LayerNorm(Rows, _x, _norm, _y);
            Kernels.CopyWindow(_x, 0, Rows, _window, 0);
        }

        public void Dispose()
        {
            _norm.Dispose();
            _x.Dispose();
            _y.Dispose();
            _window.Dispose();
        }
    }
}

/// <summary>A test of what the emulated driver counts; a real one counts nothing.</summary>
public sealed class CountersFactAttribute : FactAttribute
{
    public CountersFactAttribute() => Skip = Handwritten.Tests.EmulatedDriver.IsReal ? "A real GPU has no counters." : null;
}
