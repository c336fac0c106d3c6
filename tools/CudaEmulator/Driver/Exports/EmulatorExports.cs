using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Counters;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>What only the emulator has.</summary>
internal static unsafe class EmulatorExports
{
    /// <summary><c>int handwrittenEmulatorFindings(void)</c>: how many times something wrong has been reported.</summary>
    [UnmanagedCallersOnly(EntryPoint = "handwrittenEmulatorFindings")]
    private static int Findings() => Shell.FindingCount;

    /// <summary>
    /// <c>CUresult handwrittenEmulatorProfileReset(void)</c>: counts begin at zero after all work asked for so far. They begin at
    /// all if the environment has not asked for them.
    /// </summary>
    [UnmanagedCallersOnly(EntryPoint = "handwrittenEmulatorProfileReset")]
    private static CudaResult ProfileReset() => Shell.Call(driver =>
    {
        driver.Queue.WaitForAll();
        driver.LaunchProfile ??= new LaunchProfile(null);
        driver.LaunchProfile.Reset();
    });

    /// <summary>
    /// <c>CUresult handwrittenEmulatorProfileWrite(const char* path)</c>: writes the counts after all work asked for so far.
    /// IllegalState: nothing is counted, call handwrittenEmulatorProfileReset before the work. FileNotFound: the file cannot be
    /// written.
    /// </summary>
    [UnmanagedCallersOnly(EntryPoint = "handwrittenEmulatorProfileWrite")]
    private static CudaResult ProfileWrite(byte* path) => Shell.Call(driver =>
    {
        string file = Shell.Text(path);
        driver.Queue.WaitForAll();
        LaunchProfile profile = driver.LaunchProfile
            ?? throw new CudaException(CudaResult.IllegalState, "Nothing is counted: call handwrittenEmulatorProfileReset before the work.");
        try
        {
            profile.Write(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CudaException(CudaResult.FileNotFound, $"The profile cannot be written to {file}: {e.Message}");
        }
    });
}
