using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class StructureTests(IlgpuFixture ilgpu)
{
    internal struct Pair<TFirst, TSecond>
        where TFirst : unmanaged
        where TSecond : unmanaged
    {
        public TFirst First;
        public TSecond Second;
    }

    private static void Swap<T, U>(Index1D i, ArrayView<Pair<T, U>> x, ArrayView<Pair<U, T>> y)
        where T : unmanaged
        where U : unmanaged => y[i] = new Pair<U, T> { First = x[i].Second, Second = x[i].First };

    [Fact]
    public void Generic_structs_of_floats_and_longs()
    {
        Pair<float, long>[] x = [.. Enumerable.Range(0, 300).Select(i => new Pair<float, long> { First = i / 3f, Second = 1L << (i % 60) })];
        Assert.Equal(x.Select(pair => (pair.Second, pair.First)),
            ilgpu.Map<Pair<float, long>, Pair<long, float>>(Swap, x).Select(pair => (pair.First, pair.Second)));
    }

    [Fact]
    public void Generic_structs_of_bytes_and_doubles()
    {
        Pair<byte, double>[] x = [.. Enumerable.Range(0, 300).Select(i => new Pair<byte, double> { First = (byte)i, Second = i / 7.0 })];
        Assert.Equal(x.Select(pair => (pair.Second, pair.First)),
            ilgpu.Map<Pair<byte, double>, Pair<double, byte>>(Swap, x).Select(pair => (pair.First, pair.Second)));
    }

    internal record struct Point(float X, float Y, float Z)
    {
        public readonly Point Plus(Point other, float factor) => new(X + other.X * factor, Y + other.Y * factor, Z + other.Z * factor);
    }

    internal struct Particle
    {
        public Point Position;
        public Pair<Point, float> Motion;
        public short Kind;
    }

    private static void Move(Index1D i, float time, ArrayView<Particle> particles)
    {
        Particle particle = particles[i];
        particle.Position = particle.Position.Plus(particle.Motion.First, time * particle.Motion.Second);
        particle.Kind = (short)(particle.Kind + (particle.Position.X > 1 ? 1 : -1));
        particles[i] = particle;
    }

    [Fact]
    public void Structs_within_structs()
    {
        Particle[] particles = [.. Enumerable.Range(0, 200).Select(i => new Particle
        {
            Position = new Point(i / 128f, i, -i),
            Motion = new Pair<Point, float> { First = new Point(1, 2, 3), Second = i % 4 },
            Kind = (short)(i - 100),
        })];
        using var buffer = ilgpu.Hopper.Allocate1D(particles);
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, float, ArrayView<Particle>>(Move)(particles.Length, 0.25f, buffer.View);
        Assert.Equal(particles.Select(particle =>
        {
            Point position = particle.Position.Plus(particle.Motion.First, 0.25f * particle.Motion.Second);
            return (position, particle.Kind + (position.X > 1 ? 1 : -1));
        }), buffer.GetAsArray1D().Select(particle => (particle.Position, (int)particle.Kind)));
    }

    internal struct Line
    {
        public ArrayView<float> X;
        public ArrayView<float> Y;
        public double Slope;
        public byte Offset;
    }

    private static void Draw(Index1D i, Line line) => line.Y[i] = (float)(line.Slope * line.X[i]) + line.Offset;

    [Fact]
    public void Structs_of_views_and_scalars_as_parameters()
    {
        float[] x = Numbers.Floats(500, 1);
        using var source = ilgpu.Hopper.Allocate1D(x);
        using var target = ilgpu.Hopper.Allocate1D<float>(x.Length);
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, Line>(Draw)(
            x.Length, new Line { X = source.View, Y = target.View, Slope = 0.75, Offset = 200 });
        Numbers.AssertClose(x.Select(a => (float)(0.75 * a) + 200), target.GetAsArray1D(), 1e-7);
    }

    internal interface IOperation<TSelf> where TSelf : struct, IOperation<TSelf>
    {
        static abstract float Apply(float value);
    }

    internal struct Square : IOperation<Square>
    {
        public static float Apply(float value) => value * value;
    }

    internal struct Negate : IOperation<Negate>
    {
        public static float Apply(float value) => -value;
    }

    private static void Apply<T>(Index1D i, ArrayView<float> x, ArrayView<float> y) where T : struct, IOperation<T> => y[i] = T.Apply(x[i]);

    [Fact]
    public void Operations_chosen_by_type()
    {
        float[] x = Numbers.Floats(100, 2);
        Assert.Equal(x.Select(a => a * a), ilgpu.Map<float, float>(Apply<Square>, x));
        Assert.Equal(x.Select(a => -a), ilgpu.Map<float, float>(Apply<Negate>, x));
    }

    private static void Power(Index1D i, SpecializedValue<int> exponent, ArrayView<int> x)
    {
        int power = 1;
        for (int k = 0; k < exponent; k++)
            power *= x[i];
        x[i] = power;
    }

    [Fact]
    public void Values_compiled_into_the_kernel()
    {
        int[] x = [.. Enumerable.Range(-10, 20)];
        using var buffer = ilgpu.Hopper.Allocate1D(x);
        ilgpu.Hopper.LoadAutoGroupedStreamKernel<Index1D, SpecializedValue<int>, ArrayView<int>>(Power)(
            x.Length, SpecializedValue.New(5), buffer.View);
        Assert.Equal(x.Select(a => a * a * a * a * a), buffer.GetAsArray1D());
    }
}
