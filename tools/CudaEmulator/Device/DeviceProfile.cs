namespace Handwritten.CudaEmulator.Device;

/// <summary>What the emulated device looks like from outside. One is chosen when the driver starts.</summary>
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
}
