using System.Runtime.InteropServices;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>What only the emulator has.</summary>
internal static unsafe class EmulatorExports
{
    /// <summary><c>int handwrittenEmulatorFindings(void)</c>: how many times something wrong has been reported.</summary>
    [UnmanagedCallersOnly(EntryPoint = "handwrittenEmulatorFindings")]
    private static int Findings() => Shell.FindingCount;
}
