using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Which library stands behind the name "cuda", for ILGPU and for our own calls: the NVIDIA driver, or the emulated one of
/// tools/CudaEmulator. A process has one of them; the first use decides.
/// </summary>
public static class CudaLibrary
{
    private static readonly Lock Gate = new();
    private static nint _handle;
    private static string? _path;

    /// <summary>Whether kernels run on the emulated driver.</summary>
    public static bool IsEmulated { get; private set; }

    /// <summary>Loads the driver that is installed.</summary>
    /// <exception cref="GpuException">There is none, or the process uses the emulated one.</exception>
    public static void UseDriver()
    {
        string[] names = OperatingSystem.IsWindows() ? ["nvcuda.dll"] : ["libcuda.so.1", "libcuda.so"];
        Use(names, "There is no NVIDIA driver on this machine (libcuda.so.1 was not found): install it, or choose --device cpu.", emulated: false);
    }

    /// <summary>Loads the emulated driver.</summary>
    /// <param name="path">The libcuda.so that tools/CudaEmulator/build.sh makes.</param>
    /// <exception cref="GpuException">It cannot be loaded, or the process uses another driver.</exception>
    public static void UseEmulator(string path) =>
        Use([path], $"The emulated CUDA driver '{path}' cannot be loaded: build it with tools/CudaEmulator/build.sh.", emulated: true);

    /// <summary>
    /// The emulated driver: where <c>HANDWRITTEN_EMULATOR_LIBRARY</c> says, or where the repository that the program was built
    /// in has it.
    /// </summary>
    /// <exception cref="GpuException">It has not been built.</exception>
    public static string FindEmulator()
    {
        if (Environment.GetEnvironmentVariable("HANDWRITTEN_EMULATOR_LIBRARY") is { Length: > 0 } path)
        {
            return path;
        }

        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            path = Path.Combine(folder.FullName, "artifacts", "cuda-emulator", "libcuda.so");
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new GpuException("The emulated CUDA driver is not built: run tools/CudaEmulator/build.sh in the repository, or name the library in HANDWRITTEN_EMULATOR_LIBRARY.");
    }

    /// <summary>The address of a function of the library; zero if it has none of that name.</summary>
    internal static nint Function(string name) => NativeLibrary.TryGetExport(_handle, name, out nint address) ? address : 0;

    private static void Use(string[] names, string missing, bool emulated)
    {
        lock (Gate)
        {
            if (_handle != 0)
            {
                if (emulated != IsEmulated || (emulated && names[0] != _path))
                {
                    throw new GpuException($"This process already uses the CUDA driver '{_path}'; a process can use one only.");
                }

                return;
            }

            _path = names.FirstOrDefault(name => NativeLibrary.TryLoad(name, out _handle)) ?? throw new GpuException(missing);
            IsEmulated = emulated;
            NativeLibrary.SetDllImportResolver(typeof(CudaDevice).Assembly, Resolve);
            NativeLibrary.SetDllImportResolver(typeof(CudaLibrary).Assembly, Resolve);
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) =>
        name is "cuda" or "nvcuda" ? _handle : 0;
}
