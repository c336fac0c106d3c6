using ILGPU;
using ILGPU.AtomicOperations;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class AtomicTests(IlgpuFixture ilgpu)
{
    private static void Histogram(Index1D i, ArrayView<int> x, ArrayView<int> counts) => Atomic.Add(ref counts[x[i] & 15], 1);

    [Fact]
    public void Counting()
    {
        int[] x = Numbers.Ints(5000, 1);
        Assert.Equal(Enumerable.Range(0, 16).Select(bin => x.Count(value => (value & 15) == bin)), ilgpu.Map<int, int>(Histogram, x, 16));
    }

    private static void Combine(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        int value = x[i];
        Atomic.Min(ref y[0], value);
        Atomic.Max(ref y[1], value);
        Atomic.Or(ref y[2], value & 0xff);
        Atomic.Xor(ref y[3], value);
        Atomic.Add(ref y[4], value);
        Atomic.And(ref y[5], value | 0xff00);
        Atomic.Max(ref y.Cast<uint>()[6], (uint)value);
    }

    [Fact]
    public void All_operations_on_32_bits()
    {
        int[] x = Numbers.Ints(2000, 2);
        int[] y = ilgpu.Map<int, int>(Combine, x, 7);
        Assert.Equal([Math.Min(0, x.Min()), Math.Max(0, x.Max()), x.Aggregate(0, (a, b) => a | b & 0xff), x.Aggregate((a, b) => a ^ b),
            x.Aggregate((a, b) => unchecked(a + b)), 0, (int)x.Max(value => (uint)value)], y);
    }

    private static void CombineLongs(Index1D i, ArrayView<long> x, ArrayView<long> y)
    {
        Atomic.Min(ref y[0], x[i]);
        Atomic.Max(ref y[1], x[i]);
        Atomic.Add(ref y[2], x[i]);
        Atomic.Xor(ref y[3], x[i]);
    }

    [Fact]
    public void Operations_on_64_bits()
    {
        long[] x = Numbers.Longs(1000, 3);
        Assert.Equal([x.Min(), x.Max(), x.Aggregate((a, b) => unchecked(a + b)), x.Aggregate((a, b) => a ^ b)],
            ilgpu.Map<long, long>(CombineLongs, x, 4));
    }

    private static void Sum(Index1D i, ArrayView<float> x, ArrayView<float> y) => Atomic.Add(ref y[0], x[i]);

    private static void SumDoubles(Index1D i, ArrayView<double> x, ArrayView<double> y) => Atomic.Add(ref y[0], x[i]);

    [Fact]
    public void Floating_point_sums()
    {
        float[] x = [.. Enumerable.Range(0, 3000).Select(i => i * 0.25f)];
        Assert.Equal(x.Sum(), ilgpu.Map<float, float>(Sum, x, 1)[0]);
        double[] y = [.. x.Select(value => (double)value)];
        Assert.Equal(y.Sum(), ilgpu.Map<double, double>(SumDoubles, y, 1)[0]);
    }

    internal readonly struct MaxMagnitude : IAtomicOperation<float>
    {
        public float Operation(float current, float value) => MathF.Abs(value) > MathF.Abs(current) ? value : current;
    }

    internal readonly struct CompareExchangeFloat : ICompareExchangeOperation<float>
    {
        public bool IsSame(float left, float right) => left == right;

        public float CompareExchange(ref float target, float compare, float value) => Atomic.CompareExchange(ref target, compare, value);
    }

    private static void Largest(Index1D i, ArrayView<float> x, ArrayView<float> y) =>
        Atomic.MakeAtomic(ref y[0], x[i], new MaxMagnitude(), new CompareExchangeFloat());

    [Fact]
    public void Operations_made_of_compare_and_exchange()
    {
        float[] x = Numbers.Floats(500, 4);
        Assert.Equal(x.MaxBy(MathF.Abs), ilgpu.Map<float, float>(Largest, x, 1)[0]);
    }

    private static void Tickets(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        int ticket = Atomic.Add(ref x[0], 1);
        y[ticket] = Atomic.Exchange(ref x[1], ticket) < 0 ? 2 : 1;
    }

    [Fact]
    public void Old_values_come_back()
    {
        int[] x = new int[1000];
        x[1] = -1;
        int[] y = ilgpu.Map<int, int>(Tickets, x);
        Assert.Equal(1001, y.Sum());
        Assert.DoesNotContain(0, y);
    }

    private static void SharedHistogram(ArrayView<int> x, ArrayView<int> counts)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(32);
        if (Group.IdxX < 32)
            shared[Group.IdxX] = 0;
        Group.Barrier();
        Atomic.Add(ref shared[x[Grid.GlobalIndex.X] & 31], 1);
        Group.Barrier();
        if (Group.IdxX < 32)
            Atomic.Add(ref counts[Group.IdxX], shared[Group.IdxX]);
    }

    [Fact]
    public void Counting_in_shared_memory_first()
    {
        int[] x = Numbers.Ints(128 * 20, 5);
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var counts = ilgpu.Hopper.Allocate1D<int>(32);
        counts.MemSetToZero();
        ilgpu.Hopper.LoadStreamKernel<ArrayView<int>, ArrayView<int>>(SharedHistogram)(new KernelConfig(20, 128), source.View, counts.View);
        Assert.Equal(Enumerable.Range(0, 32).Select(bin => x.Count(value => (value & 31) == bin)), counts.GetAsArray1D());
    }
}
