using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Cli.Bench;

/// <summary>What a machine does where nothing stands in the way of it: to hold the parts of a model beside.</summary>
/// <param name="Gigaflops">10^9 operations a second: of multiply-adds from a CPU's registers, of a large matrix product on a GPU.</param>
/// <param name="GigabytesPerSecond">10^9 bytes a second: of reading memory on a CPU, of a large copy, read and written, on a GPU.</param>
internal sealed record Limits(double Gigaflops, double GigabytesPerSecond)
{
    private const int Repeats = 10, Width = 128;

    /// <summary>Measures a CPU.</summary>
    public static Limits Of(CpuKernels kernels)
    {
        CpuPeak peak = CpuPeak.Measure(kernels.Threads);
        return new Limits(peak.Gigaflops, peak.GigabytesPerSecond);
    }

    /// <summary>Measures a GPU, by our own kernels.</summary>
    public static Limits Of(IGpuKernels kernels)
    {
        (int side, int frames) = CudaLibrary.IsEmulated ? (256, 1024) : (8192, 1 << 20);
        double product, copy;
        using (Linear linear = new(Noise.Weight("peak", host => kernels.LoadMatrix(host), side, side), Bias: null))
        using (Tensor x = Noise.Fill(kernels, kernels.Allocate(side, side)), y = kernels.Allocate(side, side))
        {
            product = RepeatedTime.Milliseconds(kernels, _ => kernels.MatMul(side, x, linear, y), Repeats);
        }

        using (Tensor from = kernels.AllocateSingle(frames, Width), to = kernels.Allocate(1, frames, Width))
        {
            copy = RepeatedTime.Milliseconds(kernels, _ => kernels.CopyWindow(from, 0, frames, to, 0), Repeats);
        }

        double bytes = (double)frames * Width * (sizeof(float) + kernels.ElementBytes);
        return new Limits(2.0 * side * side * side / product / 1e6, bytes / copy / 1e6);
    }
}
