namespace Handwritten.CudaEmulator.Device;

/// <summary>
/// What cuDeviceGetAttribute answers. The numbers are those of CUdevice_attribute in cuda.h. An attribute that exists but
/// is not listed here is a feature that the emulator does not have (textures, managed memory, interprocess handles, ...): 0.
/// </summary>
public static class DeviceAttributes
{
    // The last number of CUDA 12.6's list; what comes after it is unknown to this driver.
    private const int Last = 135;

    /// <summary>Bytes of constant memory, on every device.</summary>
    public const int ConstantBytes = 65536;

    /// <summary>Lanes of a warp, on every device.</summary>
    public const int WarpSize = 32;

    /// <summary>The value of an attribute, or null if the number is none of an attribute.</summary>
    /// <param name="profile">Whose.</param>
    /// <param name="attribute">CUdevice_attribute.</param>
    /// <param name="ordinal">The device's place in the list of devices.</param>
    public static int? Get(DeviceProfile profile, int attribute, int ordinal) => attribute switch
    {
        <= 0 or > Last => null,

        // The shape of a launch.
        1 => DeviceProfile.MaxThreadsPerBlock,
        2 => DeviceProfile.MaxBlockX,
        3 => DeviceProfile.MaxBlockY,
        4 => DeviceProfile.MaxBlockZ,
        5 => DeviceProfile.MaxGridX,
        6 => DeviceProfile.MaxGridY,
        7 => DeviceProfile.MaxGridZ,
        10 => WarpSize,
        12 or 82 => DeviceProfile.RegistersPerMultiprocessor, // of a block, of a multiprocessor
        16 => profile.Multiprocessors,
        39 => profile.ThreadsPerMultiprocessor,
        106 => profile.BlocksPerMultiprocessor,

        // Memories.
        8 => profile.SharedPerBlock,
        81 => profile.SharedPerMultiprocessor,
        97 => profile.SharedPerBlockOptIn,
        111 => profile.SharedReservedPerBlock,
        9 => ConstantBytes,
        38 => profile.L2Bytes,
        37 => profile.MemoryBusBits,
        11 => int.MaxValue, // pitch
        14 => 512, // texture alignment
        51 => 32, // texture pitch alignment

        // Clocks, in kilohertz.
        13 => profile.ClockKilohertz,
        36 => profile.MemoryClockKilohertz,

        // Who it is.
        33 => ordinal + 1, // PCI bus
        34 => 0, // PCI device
        50 => 0, // PCI domain
        75 => profile.ComputeCapability / 10,
        76 => profile.ComputeCapability % 10,
        87 => profile.ComputeCapability is 80 or 90 ? 2 : profile.ComputeCapability == 75 ? 32 : 64, // float32 rate : float64 rate

        // What it can do.
        15 => 1, // copy while a kernel runs
        40 => 2, // copy engines
        31 => 1, // several kernels at a time
        19 => 1, // map host memory
        41 => 1, // one address space for host and device
        91 => 1, // registered host memory has the same address on the device
        99 => 1, // register host memory
        78 => 1, // stream priorities
        79 or 80 => 1, // global and local memory cached in L1
        90 => 1, // preemption
        115 => 1, // cuMemAllocAsync
        _ => 0,
    };
}
