using System.Diagnostics;
using System.Runtime.InteropServices;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Tests;

/// <summary>The emulated CUDA driver, built from the present sources, with all its checks on.</summary>
internal static partial class EmulatedDriver
{
    private static readonly Lazy<bool> Loaded = new(Load);

    /// <summary>The devices that it shows, by index.</summary>
    public const string Devices = "h200,t4,a100";

    /// <summary>Has the process use it.</summary>
    public static void Use() => _ = Loaded.Value;

    private static bool Load()
    {
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
        SetVariable("HANDWRITTEN_EMULATOR_DEVICE", Devices, 1);
        SetVariable("HANDWRITTEN_EMULATOR", "all", 1);
        CudaLibrary.UseEmulator(Path.Combine(TestData.Repository, "artifacts", "cuda-emulator", "libcuda.so"));
        return true;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
