using System.Numerics;
using FsCheck.Xunit;
using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests.LogMel;

public class RealFftTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(10)]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(50)]
    [InlineData(256)]
    [InlineData(400)]
    [InlineData(1000)]
    public void Agrees_with_the_definition(int size)
    {
        double[][] signals = Signals(size, seed: size);
        double[][] powers = Transform(signals);
        for (int lane = 0; lane < signals.Length; lane++)
        {
            double energy = signals[lane].Sum(x => x * x);
            for (int k = 0; k <= size / 2; k++)
            {
                Complex sum = Complex.Zero;
                for (int n = 0; n < size; n++)
                {
                    // k n is reduced first, for exact angles.
                    sum += signals[lane][n] * Complex.FromPolarCoordinates(1, -2 * Math.PI * ((long)k * n % size) / size);
                }

                double expected = (sum.Real * sum.Real) + (sum.Imaginary * sum.Imaginary);
                Assert.Equal(expected, powers[lane][k], 1e-13 * size * energy);
            }
        }
    }

    [Property(MaxTest = 50)]
    public void Keeps_the_energy(int seed)
    {
        // Parseval: Σ |x|² = Σ |X|² / N, where the bins strictly between 0 and N/2 stand for two.
        double[][] signals = Signals(400, seed);
        double[][] powers = Transform(signals);
        for (int lane = 0; lane < signals.Length; lane++)
        {
            double energy = signals[lane].Sum(x => x * x);
            double inSpectrum = ((2 * powers[lane].Sum()) - powers[lane][0] - powers[lane][^1]) / 400;
            Assert.Equal(energy, inSpectrum, 1e-12 * energy);
        }
    }

    [Fact]
    public void A_lane_does_not_hear_its_neighbours()
    {
        double[][] signals = Signals(400, seed: 1);
        double[] together = Transform(signals)[^1];
        double[][] alone = [.. signals.Select(signal => new double[signal.Length])];
        alone[^1] = signals[^1];
        Assert.Equal(together, Transform(alone)[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    [InlineData(7)]
    [InlineData(14)]
    [InlineData(402)]
    public void Refuses_other_sizes(int size)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => new RealFft(size));
        Assert.Contains($"{size} samples", exception.Message, StringComparison.Ordinal);
    }

    private static double[][] Signals(int size, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, Vector<double>.Count).Select(_ => Enumerable.Range(0, size).Select(_ => (2 * random.NextDouble()) - 1).ToArray())];
    }

    private static double[][] Transform(double[][] signals)
    {
        RealFft fft = new(signals[0].Length);
        Vector<double>[] signal = [.. Enumerable.Range(0, fft.Size).Select(n => new Vector<double>(signals.Select(lane => lane[n]).ToArray()))];
        Vector<double>[] power = new Vector<double>[fft.Bins];
        fft.PowerSpectrum(signal, new Vector<double>[fft.Size], power);
        return [.. Enumerable.Range(0, signals.Length).Select(lane => power.Select(bin => bin[lane]).ToArray())];
    }
}
