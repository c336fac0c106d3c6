using System.Diagnostics;
using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Synthetic;

namespace Handwritten.Cli.Bench;

/// <summary>
/// One of a model's matrix products in our kernels and in OpenBLAS: y = x Wᵀ with float32 weights, timed in turns so that
/// whatever else the machine does hits both.
/// </summary>
/// <param name="Name">Where the product occurs.</param>
/// <param name="Rows">Rows of x.</param>
/// <param name="Outputs">Rows of W.</param>
/// <param name="Inputs">Length of the sums.</param>
/// <param name="Gigaflops">Ours, median.</param>
/// <param name="OtherGigaflops">OpenBLAS's, median.</param>
/// <param name="Ratio">Median of the ratios ours / OpenBLAS's, pair by pair.</param>
internal sealed record ProductComparison(string Name, int Rows, int Outputs, int Inputs, double Gigaflops, double OtherGigaflops, double Ratio)
{
    private const int SettleMilliseconds = 60;

    /// <summary>Compares the products of an encoder's block.</summary>
    /// <param name="network">Gives the shapes.</param>
    /// <param name="threads">Threads of both.</param>
    /// <param name="runs">Pairs of runs that are counted.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <exception cref="UsageException">OpenBLAS is not installed.</exception>
    public static IReadOnlyList<ProductComparison> Run(WhisperNetwork network, int threads, int runs, CancellationToken cancellation)
    {
        WhisperDimensions dimensions = network.Dimensions;
        int frames = dimensions.AudioContext, width = dimensions.Width, wide = dimensions.AudioFeedForward;
        using OpenBlas openBlas = OpenBlas.Load(threads);
        return
        [
            Compare("Q, K and V", frames, 3 * width, width),
            Compare("attention out", frames, width, width),
            Compare("expand", frames, wide, width),
            Compare("contract", frames, width, wide),
            Compare("second convolution", frames, width, 3 * width),
        ];

        unsafe ProductComparison Compare(string name, int rows, int outputs, int inputs)
        {
            float[] weights = Values(name, outputs * inputs), input = Values($"{name} x", rows * inputs);
            fixed (float* w = weights, x = input)
            {
                using HostTensor stored = new(name, DType.F32, [outputs, inputs], (byte*)w);
                using Linear linear = new(network.Kernels.LoadMatrix(stored), Bias: null);
                using Tensor from = network.Kernels.Allocate(rows, inputs), to = network.Kernels.Allocate(rows, outputs);
                network.Kernels.Write(input, from);
                float* y = (float*)NativeMemory.AlignedAlloc((nuint)rows * (nuint)outputs * sizeof(float), 64);
                float* xs = x, ws = w; // a lambda may not capture what is fixed
                double flops = 2.0 * rows * outputs * inputs;
                List<double> ours = [], others = [];
                try
                {
                    for (int run = -1; run < runs; run++)
                    {
                        cancellation.ThrowIfCancellationRequested();

                        double our = Turn(() => network.Kernels.MatMul(rows, from, linear, to));
                        double other = Turn(() => openBlas.Multiply(xs, ws, y, rows, outputs, inputs));
                        if (run >= 0)
                        {
                            ours.Add(flops / our / 1e9);
                            others.Add(flops / other / 1e9);
                        }
                    }
                }
                finally
                {
                    NativeMemory.AlignedFree(y);
                }

                return new ProductComparison(name, rows, outputs, inputs, Median(ours), Median(others), Median(ours.Zip(others, (a, b) => a / b)));
            }
        }
    }

    /// <summary>
    /// Seconds of a product. Idle threads of either library spin for a while in case more work comes, and threads just
    /// woken may share a core until the system moves one of them; so a turn begins with a pause, and with products for
    /// as long again that are not counted.
    /// </summary>
    private static double Turn(Action multiply)
    {
        Thread.Sleep(SettleMilliseconds);
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < SettleMilliseconds)
        {
            multiply();
        }

        start = Stopwatch.GetTimestamp();
        multiply();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static float[] Values(string name, int count)
    {
        float[] values = new float[count];
        DeterministicValues.Fill(values, name);
        return values;
    }
}
