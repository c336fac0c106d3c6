using System.Diagnostics;
using Handwritten.Tests;

namespace Handwritten.Cli.Tests;

/// <summary>The emulated driver for programs that tests start, built from the present sources.</summary>
internal static class EmulatedGpu
{
    private static readonly Lazy<(string, string?)[]> Built = new(Build);

    /// <summary>The environment of a program that is to find it; without checks, which the kernels' own tests make.</summary>
    public static (string Name, string? Value)[] Environment => Built.Value;

    private static (string, string?)[] Build()
    {
        using Process build = Process.Start(new ProcessStartInfo(Path.Combine(TestData.Repository, "tools", "CudaEmulator", "build.sh")) { RedirectStandardError = true })!;
        string messages = build.StandardError.ReadToEnd();
        build.WaitForExit();
        return build.ExitCode == 0
            ? [("HANDWRITTEN_EMULATOR_LIBRARY", Path.Combine(TestData.Repository, "artifacts", "cuda-emulator", "libcuda.so")), ("HANDWRITTEN_EMULATOR", "none")]
            : throw new InvalidOperationException(messages);
    }
}
