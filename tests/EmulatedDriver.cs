using System.Diagnostics;
using System.Runtime.InteropServices;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Tests;

/// <summary>
/// The CUDA driver that tests run on: the emulated one, built from the present sources, with all its checks on; or, with
/// HANDWRITTEN_TEST_DEVICE=cuda, the machine's own GPU.
/// </summary>
internal static partial class EmulatedDriver
{
    private static readonly Lazy<bool> Loaded = new(Load);

    /// <summary>Whether tests run on a real GPU.</summary>
    public static bool IsReal { get; } = Environment.GetEnvironmentVariable("HANDWRITTEN_TEST_DEVICE") == "cuda";

    /// <summary>The devices that it shows, by index.</summary>
    public static IReadOnlyList<string> Devices { get; } = IsReal ? ["gpu"] : ["h200", "t4", "a100"];

    private static string Library => Path.Combine(TestData.Repository, "artifacts", "cuda-emulator", "libcuda.so");

    /// <summary>Has the process use it.</summary>
    public static void Use() => _ = Loaded.Value;

    /// <summary>What the emulator's checks have found in this process so far; 0 on a real GPU, which checks nothing.</summary>
    public static unsafe int Findings => IsReal
        ? 0
        : ((delegate* unmanaged<int>)NativeLibrary.GetExport(NativeLibrary.Load(Library), "handwrittenEmulatorFindings"))();

    private static bool Load()
    {
        if (IsReal)
        {
            CudaLibrary.UseDriver();
            return true;
        }

        using Process build = Process.Start(new ProcessStartInfo(Path.Combine(TestData.Repository, "tools", "CudaEmulator", "build.sh"))
        {
            RedirectStandardError = true,
        })!;
        string messages = build.StandardError.ReadToEnd();
        build.WaitForExit();
        if (build.ExitCode != 0)
        {
            throw new InvalidOperationException(messages);
        }

        // Environment.SetEnvironmentVariable is seen by this runtime only, and the library has a runtime of its own.
        SetVariable("HANDWRITTEN_EMULATOR_DEVICE", string.Join(',', Devices), 1);
        SetVariable("HANDWRITTEN_EMULATOR", "all", 1);
        Environment.SetEnvironmentVariable("HANDWRITTEN_HOPPER", "early"); // the way of a step that a check can find at fault
        CudaLibrary.UseEmulator(Library);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
