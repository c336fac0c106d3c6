namespace Handwritten.CudaEmulator.Counters;

/// <summary>The least time that work can take on a device, and what it then waits for: memory, or the unit that calculates.</summary>
internal readonly record struct Floor(double Microseconds, string Wall);

/// <summary>
/// The roofline of a device: work takes at least as long as its bytes take at full bandwidth, and as its flops take at each
/// unit's full rate; the longest of these is the floor. Rates are those of the data sheets, for dense matrices.
///
///     floor = max(unique bytes / bandwidth, flops / rate, unit by unit)
/// </summary>
/// <param name="Device">The device's key.</param>
/// <param name="BytesPerSecond">Memory bandwidth.</param>
/// <param name="F32">float32 flops per second outside of the tensor cores; the next two likewise.</param>
/// <param name="F64">float64.</param>
/// <param name="F16">float16 and bfloat16.</param>
/// <param name="TensorF16">float16 flops per second of the tensor cores; 0 for a type they do not have. The others likewise.</param>
/// <param name="TensorBf16">bfloat16.</param>
/// <param name="TensorTf32">tf32.</param>
/// <param name="TensorF8">e4m3 and e5m2.</param>
/// <param name="TensorI8">Bytes; operations.</param>
internal sealed record Roofline(
    string Device, double BytesPerSecond, double F32, double F64, double F16,
    double TensorF16, double TensorBf16, double TensorTf32, double TensorF8, double TensorI8)
{
    /// <summary>The devices there are figures for.</summary>
    public static IReadOnlyList<Roofline> All { get; } =
    [
        new("t4", 320e9, 8.1e12, 0.253e12, 16.2e12, 65e12, 0, 0, 0, 130e12),
        new("a10", 600e9, 31.2e12, 0.488e12, 31.2e12, 125e12, 125e12, 62.5e12, 0, 250e12),
        new("a100", 1555e9, 19.5e12, 9.7e12, 78e12, 312e12, 312e12, 156e12, 0, 624e12),
        new("h200", 4800e9, 67e12, 34e12, 134e12, 989e12, 989e12, 494e12, 1979e12, 1979e12),
    ];

    /// <summary>The floor of what was counted; null if the device lacks a unit that it needs.</summary>
    public Floor? FloorOf(KernelCounters counts)
    {
        Floor floor = new(counts[Counter.GlobalUniqueBytes] / BytesPerSecond * 1e6, "memory");
        foreach ((string wall, long flops, double rate) in Units(counts))
        {
            if (flops > 0 && rate == 0)
            {
                return null;
            }

            double microseconds = flops == 0 ? 0 : flops / rate * 1e6;
            floor = microseconds > floor.Microseconds ? new(microseconds, wall) : floor;
        }

        return floor;
    }

    private (string Wall, long Flops, double Rate)[] Units(KernelCounters counts) =>
    [
        ("f32", counts[Counter.F32FmaFlops] + counts[Counter.F32AddFlops] + counts[Counter.F32MulFlops], F32),
        ("f64", counts[Counter.F64FmaFlops] + counts[Counter.F64AddFlops] + counts[Counter.F64MulFlops], F64),
        ("f16", counts[Counter.F16FmaFlops] + counts[Counter.F16AddFlops] + counts[Counter.F16MulFlops], F16),
        ("tensorF16", counts[Counter.TensorF16Flops], TensorF16),
        ("tensorBf16", counts[Counter.TensorBf16Flops], TensorBf16),
        ("tensorTf32", counts[Counter.TensorTf32Flops], TensorTf32),
        ("tensorF8", counts[Counter.TensorF8Flops], TensorF8),
        ("tensorI8", counts[Counter.TensorI8Flops], TensorI8),
    ];
}
