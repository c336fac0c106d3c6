using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

/// <summary>Input data, the same in every run, and comparison of what comes out.</summary>
internal static class Numbers
{
    /// <summary>Uniform in [-1, 1).</summary>
    public static float[] Floats(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    /// <summary>Uniform over all integers.</summary>
    public static int[] Ints(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (int)random.NextInt64(int.MinValue, 1L + int.MaxValue))];
    }

    /// <summary>Uniform over all integers.</summary>
    public static long[] Longs(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt64(long.MinValue, long.MaxValue))];
    }

    /// <summary>Asserts that numbers differ by no more than a fraction of the expected one (or, below 1, of 1).</summary>
    public static void AssertClose(IEnumerable<double> expected, IEnumerable<double> actual, double tolerance)
    {
        double[] wanted = [.. expected], got = [.. actual];
        Assert.Equal(wanted.Length, got.Length);
        for (int i = 0; i < wanted.Length; i++)
        {
            if (!(Math.Abs(wanted[i] - got[i]) <= tolerance * Math.Max(1, Math.Abs(wanted[i]))))
                Assert.Fail($"Element {i} is {got[i]}, not {wanted[i]}.");
        }
    }

    /// <inheritdoc cref="AssertClose(IEnumerable{double}, IEnumerable{double}, double)"/>
    public static void AssertClose(IEnumerable<float> expected, IEnumerable<float> actual, double tolerance) =>
        AssertClose(expected.Select(value => (double)value), actual.Select(value => (double)value), tolerance);
}
