using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ilgpu;

[Collection(nameof(IlgpuTests))]
public sealed class ControlFlowTests(IlgpuFixture ilgpu)
{
    private static int CollatzSteps(int start)
    {
        int steps = 0;
        for (long n = start; n != 1; steps++)
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
        return steps;
    }

    private static void Collatz(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] = CollatzSteps(x[i]);

    [Fact]
    public void Loops_of_different_length_in_one_warp()
    {
        int[] x = [.. Enumerable.Range(1, 1000)];
        Assert.Equal(x.Select(CollatzSteps), ilgpu.Map<int, int>(Collatz, x));
    }

    private static int MandelbrotSteps(int pixel)
    {
        float u = pixel % 48 / 16f - 2, v = pixel / 48 / 16f - 1, x = 0, y = 0;
        for (int step = 0; step < 60; step++)
        {
            if (x * x + y * y > 4)
                return step;
            if (step % 7 == 3 && x > 0)
            {
                y += 0.001f;
                continue;
            }
            (x, y) = (x * x - y * y + u, 2 * x * y + v);
        }
        return 60;
    }

    private static void Mandelbrot(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] = MandelbrotSteps(x[i]);

    [Fact]
    public void Returns_and_continues_out_of_nested_code()
    {
        int[] x = [.. Enumerable.Range(0, 48 * 32)];
        int[] steps = ilgpu.Map<int, int>(Mandelbrot, x);
        // A step at the border may round otherwise: a GPU fuses multiplications with additions where C# does not.
        Assert.InRange(x.Zip(steps, (pixel, count) => MandelbrotSteps(pixel) == count ? 0 : 1).Sum(), 0, x.Length / 50);
    }

    private static int Chosen(int a) => (a & 7) switch
    {
        0 => a + 1,
        1 => a * 3,
        2 => -a,
        3 or 4 => a ^ 0x55,
        _ => a > 0 ? a >> 2 : a << 1,
    };

    private static void Switch(Index1D i, ArrayView<int> x, ArrayView<int> y) => y[i] = Chosen(x[i]);

    [Fact]
    public void Switches()
    {
        int[] x = Numbers.Ints(1000, 1);
        Assert.Equal(x.Select(Chosen), ilgpu.Map<int, int>(Switch, x));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Gcd(int a, int b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }

    private static void Gcds(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        if (i % 5 == 4)
            return;
        y[i] = Gcd(x[i], (int)i + 12);
    }

    [Fact]
    public void Calls_of_functions_and_early_returns()
    {
        int[] x = [.. Enumerable.Range(1, 500).Select(i => i * 6)];
        Assert.Equal(x.Select((a, i) => i % 5 == 4 ? 0 : Gcd(a, i + 12)), ilgpu.Map<int, int>(Gcds, x));
    }

    private static void Primes(Index1D i, ArrayView<int> x, ArrayView<int> y)
    {
        ArrayView1D<int, Stride1D.Dense> found = LocalMemory.Allocate1D<int>(16);
        int count = 0;
        for (int candidate = 2; candidate <= x[i] && count < 16; candidate++)
        {
            bool isPrime = true;
            for (int k = 0; k < count; k++)
            {
                if (candidate % found[k] == 0)
                {
                    isPrime = false;
                    break;
                }
            }
            if (isPrime)
                found[count++] = candidate;
        }
        int sum = 0;
        for (int k = 0; k < count; k++)
            sum += found[k];
        y[i] = sum;
    }

    [Fact]
    public void Arrays_in_local_memory()
    {
        int[] x = [.. Enumerable.Range(0, 70)];
        int[] primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53];
        Assert.Equal(x.Select(limit => primes.Where(prime => prime <= limit).Sum()), ilgpu.Map<int, int>(Primes, x));
    }
}
