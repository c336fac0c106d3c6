using System.Globalization;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// What kernels are compiled for: the newest architecture that the device has and our tests assemble, and PTX 7.8 (CUDA
/// 11.8), or what the driver has, if that is less. So the text is the same on every machine with such a device; the driver
/// makes the machine code, also for architectures that came later.
/// </summary>
/// <param name="Architecture">75, 80, 86, 89 or 90.</param>
/// <param name="PtxVersion">78 for 7.8.</param>
internal sealed record KernelTarget(int Architecture, int PtxVersion)
{
    /// <summary>
    /// The oldest architecture that kernels are written for: the first with the integer and tensor instructions they use.
    /// </summary>
    public const int OldestArchitecture = 75;

    private const int UsualPtxVersion = 78;

    /// <summary>All architectures that kernels are compiled for.</summary>
    public static IReadOnlyList<int> Architectures { get; } = [75, 80, 86, 89, 90];

    /// <summary>The target for a device.</summary>
    /// <param name="computeCapability">75 or more.</param>
    /// <param name="driverPtxVersion">The newest PTX that its driver reads.</param>
    public static KernelTarget For(int computeCapability, int driverPtxVersion = UsualPtxVersion) =>
        new(Architectures.Last(architecture => architecture <= computeCapability), Math.Min(driverPtxVersion, UsualPtxVersion));

    /// <summary>
    /// What ILGPU is asked for: its code is the same from 8.0 on. The head of the text then names the target itself.
    /// </summary>
    public CudaArchitecture CompilerArchitecture => Architecture >= 80 ? CudaArchitecture.SM_80 : CudaArchitecture.SM_75;

    /// <summary>As ILGPU names it.</summary>
    public CudaInstructionSet InstructionSet => new(PtxVersion / 10, PtxVersion % 10);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"sm_{Architecture} PTX {PtxVersion / 10}.{PtxVersion % 10}");
}
