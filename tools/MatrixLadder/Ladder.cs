using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Profiling;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.MatrixLadder;

using ProductLauncher = Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int, int>;

/// <summary>What a rung costs and computes.</summary>
/// <param name="Name">Of the rung.</param>
/// <param name="Error">Relative L2 distance from the product in double precision.</param>
/// <param name="Counters">Of the emulated driver, by the names in its README; none on a GPU.</param>
/// <param name="Microseconds">On a GPU.</param>
internal sealed record Result(string Name, double Error, IReadOnlyDictionary<string, long> Counters, double? Microseconds)
{
    /// <summary>Instructions of warps, whatever they do.</summary>
    public long Instructions => Counters.Where(counter => counter.Key.EndsWith("Instructions", StringComparison.Ordinal)).Sum(counter => counter.Value);

    /// <summary>What moves between the multiprocessors and the caches behind them.</summary>
    public long SectorBytes => 32 * Counters["globalSectors"];
}

/// <summary>One product, y = x Wᵀ, by each kernel of the ladder, up to those that Whisper runs with.</summary>
internal sealed class Ladder : IDisposable
{
    private readonly Sizes _sizes;
    private readonly IKernels _kernels, _halves;
    private readonly GpuDevice _device;
    private readonly GpuTensor _x, _weight, _y;
    private readonly Tensor _halfX, _halfWeight;
    private readonly double[] _expected;

    /// <summary>Opens the device, and makes up x and W.</summary>
    /// <exception cref="GpuException">The device cannot be used.</exception>
    public Ladder(ComputeDevice device, Sizes sizes)
    {
        _sizes = sizes;
        _kernels = device.CreateKernels(ComputeType.Float32);
        _halves = device.CreateKernels(ComputeType.Float16);
        _device = ((IGpuKernels)_kernels).Device;
        Random random = new(1);
        float[] x = Values(sizes.Rows * sizes.Inputs), weight = Values(sizes.Outputs * sizes.Inputs);
        _x = Load(_kernels, x, sizes.Rows);
        _weight = Load(_kernels, weight, sizes.Outputs);
        _halfX = Load(_halves, x, sizes.Rows);
        _halfWeight = Load(_halves, weight, sizes.Outputs);
        _y = (GpuTensor)_kernels.Allocate(sizes.Rows, sizes.Outputs);
        _expected = Product(x, weight);

        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];

        GpuTensor Load(IKernels kernels, float[] values, int rows)
        {
            Tensor tensor = kernels.Allocate(rows, sizes.Inputs);
            kernels.Write(values, tensor);
            return (GpuTensor)tensor;
        }
    }

    /// <summary>From the formula to what is shipped, each a small step from the one before.</summary>
    public IEnumerable<Result> Climb()
    {
        yield return Measure("1 naive", Launch(Rung1Naive.Kernel, Rung1Naive.Threads, outputs: 32, rows: 8));
        yield return Measure("2 16 bytes at a time", Launch(Rung2Wide.Kernel, Rung2Wide.Threads, outputs: 32, rows: 8));
        yield return Measure("3 shared tiles", Launch(Rung3SharedTiles<Tight>.Kernel, Rung3SharedTiles<Tight>.Threads, Rung3SharedTiles<Tight>.Side, Rung3SharedTiles<Tight>.Side));
        yield return Measure("4 padded", Launch(Rung3SharedTiles<Padded>.Kernel, Rung3SharedTiles<Padded>.Threads, Rung3SharedTiles<Padded>.Side, Rung3SharedTiles<Padded>.Side));
        yield return Measure("5 registers", Launch(Rung5Registers.Kernel, Rung5Registers.Threads, Rung5Registers.Side, Rung5Registers.Side));
        yield return Measure("6 shipped, float32", () => _kernels.MatMul(_sizes.Rows, _x, new Linear(_weight, null), _y));
        using Tensor y = _halves.AllocateSingle(_sizes.Rows, _sizes.Outputs);
        yield return Measure("7 shipped, float16", () => _halves.MatMul(_sizes.Rows, _halfX, new Linear(_halfWeight, null), y), _halves, y);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[_x, _weight, _y, _halfX, _halfWeight, _halves, _kernels])
        {
            part.Dispose();
        }
    }

    /// <summary>A launch of a kernel with blocks of some outputs of some rows.</summary>
    private Action Launch(Delegate kernel, int threads, int outputs, int rows)
    {
        ProductLauncher launch = _device.Kernels.Load<ProductLauncher>(kernel, threads);
        KernelConfig blocks = (new Index2D(_sizes.Outputs / outputs, _sizes.Rows / rows), new Index2D(threads, 1));
        return () => launch(_device.Stream, blocks, _x.Floats, _weight.Floats, _y.Floats, _sizes.Outputs, _sizes.Inputs);
    }

    private Result Measure(string name, Action run) => Measure(name, run, _kernels, _y);

    private Result Measure(string name, Action run, IKernels kernels, Tensor y)
    {
        float[] found = new float[_expected.Length];
        Array.Fill(found, float.NaN);
        kernels.Write(found, y); // what is not written will show

        Dictionary<string, long> counters = [];
        double? microseconds = null;
        if (CudaLibrary.IsEmulated)
        {
            EmulatorCounts counts = new();
            counts.Reset();
            run();
            kernels.Synchronize();
            using JsonDocument profile = counts.Read();
            counters = profile.RootElement.GetProperty("kernels")[0].EnumerateObject()
                .Where(counter => counter.Value.ValueKind == JsonValueKind.Number).ToDictionary(counter => counter.Name, counter => counter.Value.GetInt64());
        }
        else
        {
            using GpuProfiler profiler = GpuProfiler.For(((IGpuKernels)kernels).Device);
            microseconds = profiler.Run(run).Single().Microseconds;
        }

        kernels.Read(y, found);
        double distance = Math.Sqrt(found.Zip(_expected).Sum(pair => Math.Pow(pair.First - pair.Second, 2)));
        return new Result(name, distance / Math.Sqrt(_expected.Sum(value => value * value)), counters, microseconds);
    }

    private double[] Product(float[] x, float[] weight)
    {
        (int rows, int outputs, int inputs) = _sizes;
        double[] y = new double[rows * outputs];
        Parallel.For(0, rows, row =>
        {
            for (int output = 0; output < outputs; output++)
            {
                double sum = 0;
                for (int k = 0; k < inputs; k++)
                {
                    sum += (double)x[(row * inputs) + k] * weight[(output * inputs) + k];
                }

                y[(row * outputs) + output] = sum;
            }
        });
        return y;
    }
}
