using System.Globalization;

namespace Handwritten.CudaEmulator.Device;

/// <summary>What the emulated device looks like from outside. One or more are chosen when the driver starts.</summary>
/// <param name="Key">The name to choose it by: h200, t4, ...</param>
/// <param name="Name">What cuDeviceGetName says; it tells that the device is emulated.</param>
/// <param name="ComputeCapability">major * 10 + minor.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="MemoryBytes">Device memory.</param>
/// <param name="SharedPerBlock">Shared memory of a block without opting in.</param>
/// <param name="SharedPerBlockOptIn">Shared memory of a block at most.</param>
/// <param name="SharedPerMultiprocessor">Shared memory of a multiprocessor.</param>
/// <param name="ThreadsPerMultiprocessor">Resident threads at most.</param>
/// <param name="BlocksPerMultiprocessor">Resident blocks at most.</param>
/// <param name="L2Bytes">Second-level cache.</param>
/// <param name="ClockKilohertz">Boost clock.</param>
/// <param name="MemoryClockKilohertz">Memory clock.</param>
/// <param name="MemoryBusBits">Memory bus width.</param>
public sealed record DeviceProfile(
    string Key,
    string Name,
    int ComputeCapability,
    int Multiprocessors,
    long MemoryBytes,
    int SharedPerBlock,
    int SharedPerBlockOptIn,
    int SharedPerMultiprocessor,
    int ThreadsPerMultiprocessor,
    int BlocksPerMultiprocessor,
    int L2Bytes,
    int ClockKilohertz,
    int MemoryClockKilohertz,
    int MemoryBusBits)
{
    /// <summary>Threads of a block at most, on every device.</summary>
    public const int MaxThreadsPerBlock = 1024;

    /// <summary>32-bit registers of a multiprocessor, on every device.</summary>
    public const int RegistersPerMultiprocessor = 65536;

    /// <summary>Registers of a thread at most, on every device.</summary>
    public const int MaxRegistersPerThread = 255;

    /// <summary>The largest grid, on every device: 2^31 - 1 blocks along x, 65535 along y and z.</summary>
    public const int MaxGridX = int.MaxValue, MaxGridY = 65535, MaxGridZ = 65535;

    /// <summary>The largest block along each dimension, on every device.</summary>
    public const int MaxBlockX = 1024, MaxBlockY = 1024, MaxBlockZ = 64;

    private const int KB = 1024;
    private const int MB = 1024 * KB;

    /// <summary>The profiles there are; the first is the default.</summary>
    public static IReadOnlyList<DeviceProfile> All { get; } =
    [
        new("h200", "Emulated NVIDIA H200", 90, 132, 143771L * MB, 48 * KB, 227 * KB, 228 * KB, 2048, 32, 50 * MB, 1_980_000, 3_201_000, 6144),
        new("t4", "Emulated NVIDIA T4", 75, 40, 15109L * MB, 48 * KB, 64 * KB, 64 * KB, 1024, 16, 4 * MB, 1_590_000, 5_001_000, 256),
        new("a100", "Emulated NVIDIA A100", 80, 108, 40536L * MB, 48 * KB, 163 * KB, 164 * KB, 2048, 32, 40 * MB, 1_410_000, 1_215_000, 5120),
        new("a10", "Emulated NVIDIA A10", 86, 72, 22731L * MB, 48 * KB, 99 * KB, 100 * KB, 1536, 16, 6 * MB, 1_695_000, 6_251_000, 384),
        new("rtx3090", "Emulated NVIDIA GeForce RTX 3090", 86, 82, 24258L * MB, 48 * KB, 99 * KB, 100 * KB, 1536, 16, 6 * MB, 1_695_000, 9_751_000, 384),
        new("l4", "Emulated NVIDIA L4", 89, 58, 22488L * MB, 48 * KB, 99 * KB, 100 * KB, 1536, 24, 48 * MB, 2_040_000, 6_251_000, 192),
        new("rtx4090", "Emulated NVIDIA GeForce RTX 4090", 89, 128, 24217L * MB, 48 * KB, 99 * KB, 100 * KB, 1536, 24, 72 * MB, 2_520_000, 10_501_000, 384),
    ];

    /// <summary>Memory bandwidth in bytes per second: two transfers a clock over the whole bus.</summary>
    public double BytesPerSecond => MemoryClockKilohertz * 1e3 * 2 * MemoryBusBits / 8;

    /// <summary>Shared memory that the system keeps of every block: 1 KB from sm_80 on.</summary>
    public int SharedReservedPerBlock => ComputeCapability >= 80 ? KB : 0;

    /// <summary>The profiles that a comma-separated list names; the default one for null or nothing.</summary>
    /// <param name="keys">
    /// As in the environment variable: <c>h200</c>, <c>h200,t4</c>, <c>t4:300MB</c> for one with less memory.
    /// </param>
    /// <exception cref="ArgumentException">A name is none of <see cref="All"/>, or what follows it is no size.</exception>
    public static IReadOnlyList<DeviceProfile> Choose(string? keys)
    {
        string[] names = (keys ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length == 0 ? [All[0]] : [.. names.Select(Named)];

        static DeviceProfile Named(string name)
        {
            string[] parts = name.Split(':', 2);
            DeviceProfile profile = All.FirstOrDefault(profile => profile.Key.Equals(parts[0], StringComparison.OrdinalIgnoreCase))
                ?? throw new ArgumentException($"There is no emulated device \"{parts[0]}\": choose from {string.Join(", ", All.Select(profile => profile.Key))}.");
            return parts.Length == 1 ? profile : profile with { MemoryBytes = Megabytes(parts[1]) * MB };
        }

        static long Megabytes(string size) =>
            size.EndsWith("MB", StringComparison.OrdinalIgnoreCase) && int.TryParse(size[..^2], NumberStyles.None, CultureInfo.InvariantCulture, out int megabytes) && megabytes > 0
                ? megabytes
                : throw new ArgumentException($"The memory of an emulated device is a number of megabytes such as \"300MB\", not \"{size}\".");
    }
}
