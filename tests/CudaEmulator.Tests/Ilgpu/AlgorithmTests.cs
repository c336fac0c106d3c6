using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Algorithms.HistogramOperations;
using ILGPU.Algorithms.RadixSortOperations;
using ILGPU.Algorithms.ScanReduceOperations;
using ILGPU.Algorithms.Sequencers;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

/// <summary>ILGPU.Algorithms: larger kernels than ours, written by others.</summary>
[Collection(nameof(IlgpuTests))]
public sealed class AlgorithmTests(IlgpuFixture ilgpu)
{
    private AcceleratorStream Stream => ilgpu.Hopper.DefaultStream;

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(20_000)]
    public void Reductions(int length)
    {
        int[] x = [.. Enumerable.Range(0, length).Select(i => i * 37 % 1009 - 300)];
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        Assert.Equal(x.Sum(), ilgpu.Hopper.Reduce<int, AddInt32>(Stream, buffer.View));
        Assert.Equal(x.Max(), ilgpu.Hopper.Reduce<int, MaxInt32>(Stream, buffer.View));
        Assert.Equal(x.Min(), ilgpu.Hopper.Reduce<int, MinInt32>(Stream, buffer.View));
    }

    [Fact]
    public void Reductions_of_floats()
    {
        float[] x = [.. Enumerable.Range(0, 5000).Select(i => (i % 64) * 0.5f)];
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        Assert.Equal(x.Sum(), ilgpu.Hopper.Reduce<float, AddFloat>(Stream, buffer.View));
        Assert.Equal(x.Max(), ilgpu.Hopper.Reduce<float, MaxFloat>(Stream, buffer.View));
    }

    [Theory]
    [InlineData(ScanKind.Inclusive, 100)]
    [InlineData(ScanKind.Exclusive, 100)]
    [InlineData(ScanKind.Inclusive, 10_000)]
    [InlineData(ScanKind.Exclusive, 10_000)]
    public void Scans(ScanKind kind, int length)
    {
        int[] x = [.. Enumerable.Range(0, length).Select(i => i * 31 % 17)];
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<int>(length);
        using var temporary = ilgpu.Hopper.Allocate1D<int>(ilgpu.Hopper.ComputeScanTempStorageSize<int>(length));
        ilgpu.Hopper.CreateScan<int, Stride1D.Dense, Stride1D.Dense, AddInt32>(kind)(Stream, source.View, target.View, temporary.View);
        int sum = 0;
        Assert.Equal(x.Select(value => kind == ScanKind.Inclusive ? sum += value : (sum += value) - value), target.GetAsArray1D());
    }

    [Fact]
    public void Sorting()
    {
        int[] x = Numbers.Ints(3000, 1);
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        using var temporary = ilgpu.Hopper.Allocate1D<int>(ilgpu.Hopper.ComputeRadixSortTempStorageSize<int, AscendingInt32>(x.Length));
        ilgpu.Hopper.CreateRadixSort<int, Stride1D.Dense, AscendingInt32>()(Stream, buffer.View, temporary.View);
        Assert.Equal(x.Order(), buffer.GetAsArray1D());
    }

    [Fact]
    public void Histograms()
    {
        int[] x = [.. Numbers.Ints(4000, 2).Select(value => value & 63)];
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        using var counts = ilgpu.Hopper.Allocate1D<int>(64);
        counts.MemSetToZero();
        using var overflow = ilgpu.Hopper.Allocate1D<int>(1);
        overflow.MemSetToZero();
        ilgpu.Hopper.Histogram<int, Stride1D.Dense, Modulo>(Stream, buffer.View, counts.View, overflow.View);
        Assert.Equal(Enumerable.Range(0, 64).Select(bin => x.Count(value => value == bin)), counts.GetAsArray1D());
        Assert.Equal(0, overflow.GetAsArray1D()[0]);
    }

    internal readonly struct Modulo : IComputeSingleBinOperation<int, Index1D>
    {
        public Index1D ComputeHistogramBin(int value, Index1D bins) => value % bins;
    }

    internal readonly struct Twice : ITransformer<int, long>
    {
        public long Transform(int value) => 2L * value;
    }

    [Fact]
    public void Initialisation_sequences_and_transformation()
    {
        using var numbers = ilgpu.Hopper.Allocate1D<int>(1234);
        using var doubled = ilgpu.Hopper.Allocate1D<long>(1234);
        ilgpu.Hopper.Initialize(Stream, numbers.View, 7);
        Assert.All(numbers.GetAsArray1D(), value => Assert.Equal(7, value));
        ilgpu.Hopper.Sequence(Stream, numbers.View, new Int32Sequencer());
        ilgpu.Hopper.Transform<int, long, Twice>(Stream, numbers.View, doubled.View, default);
        Assert.Equal(Enumerable.Range(0, 1234).Select(i => 2L * i), doubled.GetAsArray1D());
    }
}
