using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.Tests;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>The emulator as programs load it: libcuda.so, compiled by build.sh from the present sources.</summary>
internal static unsafe partial class EmulatedLibrary
{
    private static readonly Lock Environment = new();
    private static readonly Lazy<string> Built = new(Build);
    private static readonly Lazy<nint> Shared = new(LoadShared);
    private static bool _isResolved;

    /// <summary>Whether ILGPU's programs run on the machine's own GPU instead: with HANDWRITTEN_TEST_DEVICE=cuda.</summary>
    public static bool IsReal { get; } = System.Environment.GetEnvironmentVariable("HANDWRITTEN_TEST_DEVICE") == "cuda";

    /// <summary>The library that this process shares, initialised, with three devices: an H200, a T4 and an A100.</summary>
    public static nint Handle => Shared.Value;

    /// <summary>Has ILGPU load the shared library for what it calls "cuda".</summary>
    public static void GiveToIlgpu()
    {
        lock (Environment)
        {
            if (!_isResolved)
                NativeLibrary.SetDllImportResolver(typeof(CudaDevice).Assembly, Resolve);
            _isResolved = true;
        }
    }

    /// <summary>A copy of the library is a library of its own: one that has not been initialised.</summary>
    public static nint LoadFresh()
    {
        string copy = Path.Combine(Path.GetTempPath(), $"libcuda-{Guid.NewGuid():N}.so");
        File.Copy(Built.Value, copy);
        try
        {
            return NativeLibrary.Load(copy);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    /// <summary>cuInit.</summary>
    /// <param name="library">Whose.</param>
    /// <param name="devices">What to emulate; null for the default.</param>
    public static CudaResult Initialize(nint library, string? devices)
    {
        lock (Environment)
        {
            // Environment.SetEnvironmentVariable is seen by this runtime only, and the library has a runtime of its own.
            const string Variable = "HANDWRITTEN_EMULATOR_DEVICE";
            Assert.Equal(0, devices is null ? UnsetVariable(Variable) : SetVariable(Variable, devices, 1));
            Assert.Equal(0, SetVariable("HANDWRITTEN_EMULATOR", "all", 1));
            return ((delegate* unmanaged<uint, CudaResult>)NativeLibrary.GetExport(library, "cuInit"))(0);
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name == "cuda" ? Handle : 0;

    private static nint LoadShared()
    {
        if (IsReal)
        {
            nint driver = NativeLibrary.Load("libcuda.so.1");
            Assert.Equal(CudaResult.Success, Initialize(driver, devices: null));
            return driver;
        }

        nint library = NativeLibrary.Load(Built.Value);
        Assert.Equal(CudaResult.Success, Initialize(library, "h200,t4,a100"));
        return library;
    }

    private static string Build()
    {
        using Process build = Process.Start(new ProcessStartInfo(Path.Combine(TestData.Repository, "tools", "CudaEmulator", "build.sh"))
        {
            RedirectStandardError = true,
        })!;
        string messages = build.StandardError.ReadToEnd();
        build.WaitForExit();
        Assert.True(build.ExitCode == 0, messages);
        return Path.Combine(TestData.Repository, "artifacts", "cuda-emulator", "libcuda.so");
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnsetVariable(string name);
}
